//! `seed`: make permissions, roles, users and grants as a file says, or write that file.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{Failure, Outcome, Place, operator, output, tell_assumed_address};
use crate::{
    app::App,
    auth::{
        link,
        seed::{self, Format, Kind, MAX_BYTES, SeedError, Step},
    },
};

#[derive(Args)]
pub struct Seed {
    /// TOML or JSON; - reads standard input. docs/seed.example.toml explains it
    #[arg(required_unless_present = "export", conflicts_with = "export")]
    file: Option<PathBuf>,
    /// Only list the difference; changes nothing
    #[arg(long, conflicts_with = "export")]
    plan: bool,
    /// List it as JSON
    #[arg(long, requires = "plan")]
    json: bool,
    /// Exit 3 if there is a difference
    #[arg(long, requires = "plan")]
    exit_code: bool,
    /// Remove what the file calls managed and does not name
    #[arg(long, conflicts_with = "export")]
    prune: bool,
    /// Write what there is as such a file, with password hashes
    #[arg(long)]
    export: bool,
    /// Form of the written file [default: toml]
    #[arg(long, requires = "export", conflicts_with = "file", value_enum)]
    format: Option<Form>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Toml,
    Json,
}

pub async fn run(place: &Place, command: Seed) -> Outcome {
    let Some(path) = &command.file else {
        return export(&place.open().await?, command.format).await;
    };
    let seed = read(path)?;
    let app = place.open().await?;
    let told = |error: SeedError| told(path, error);
    if command.plan {
        let steps = seed::plan(&app, &operator(), &seed, command.prune).await.map_err(told)?;
        print(&steps, command.json)?;
        let is_pending = command.exit_code && !steps.is_empty();
        return if is_pending { Err(Failure::Pending) } else { Ok(()) };
    }
    let applied = seed::apply(&app, &operator(), &seed, command.prune).await.map_err(told)?;
    if applied.invitations.is_empty() {
        return output::line(&counted(&applied.steps, ["added", "changed", "removed"]));
    }
    // Links stand alone on standard output, for a pipe.
    eprintln!("{}", counted(&applied.steps, ["added", "changed", "removed"]));
    tell_assumed_address(&app);
    eprintln!("Invitations, each good once, within 7 days:");
    for (name, token) in applied.invitations {
        output::line(&format!("{name} {}", link::url(&app, token)))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<seed::Seed, Failure> {
    let unreadable =
        |error: std::io::Error| Failure::Other(format!("cannot read {}: {error}", path.display()));
    let mut text = String::new();
    let limit = MAX_BYTES as u64 + 1;
    if path == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_string(&mut text).map_err(unreadable)?;
    } else {
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(limit).read_to_string(&mut text).map_err(unreadable)?;
    }
    let extension = path.extension().and_then(|end| end.to_str()).map(str::to_ascii_lowercase);
    let format = match extension.as_deref() {
        Some("toml") => Format::Toml,
        Some("json") => Format::Json,
        _ => Format::of(&text),
    };
    seed::parse(&text, format).map_err(|error| told(path, error))
}

/// The file's name stands before what is wrong with it.
fn told(path: &Path, error: SeedError) -> Failure {
    match error {
        SeedError::Auth(error) => error.into(),
        SeedError::Io(error) => error.into(),
        error if path == Path::new("-") => Failure::Other(format!("standard input: {error}")),
        error => Failure::Other(format!("{}: {error}", path.display())),
    }
}

fn print(steps: &[Step], json: bool) -> Outcome {
    if json {
        let steps: Vec<Value> = steps.iter().map(|step| step.view().to_json()).collect();
        return output::json(&Value::Array(steps));
    }
    let mut text = String::new();
    for step in steps {
        text.push_str(&output::clean(&step.view().to_string()));
        text.push('\n');
    }
    text.push_str(&counted(steps, ["to add", "to change", "to remove"]));
    output::line(&text)
}

fn counted(steps: &[Step], words: [&str; 3]) -> String {
    if steps.is_empty() {
        return "nothing to change: everything is as the file says".to_owned();
    }
    let count = |kind| steps.iter().filter(|step| step.view().kind == kind).count();
    let counts = [Kind::Add, Kind::Change, Kind::Remove].map(count);
    let parts: Vec<_> =
        counts.iter().zip(words).map(|(count, word)| format!("{count} {word}")).collect();
    parts.join(", ")
}

async fn export(app: &App, format: Option<Form>) -> Outcome {
    let format = match format {
        Some(Form::Json) => Format::Json,
        Some(Form::Toml) | None => Format::Toml,
    };
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let written = seed::export(app, format, |piece| out.write_all(piece.as_bytes())).await;
    written.map_err(|error| told(Path::new("export"), error))?;
    Ok(out.flush()?)
}
