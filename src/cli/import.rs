//! `import`: users with the password hashes of another program.

mod told;

use std::{
    fs::File,
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};

use clap::{Args, ValueEnum};

use self::told::Told;
use super::{Failure, Outcome, Place, interrupt, operator, progress::Progress};
use crate::{
    auth::import::{self, Batch, Format, ImportError, Input, Mapping, Mappings, Options, Refused},
    text,
};

/// What is being written when somebody asks to stop may go on for so long.
const FINISH_WITHIN: Duration = Duration::from_secs(10);

#[derive(Args)]
pub struct Import {
    /// CSV whose first line names the columns, or a JSON object on each line; - reads standard
    /// input. Fields: username, email, display_name, password_hash, roles, status
    file: PathBuf,
    #[arg(long, value_enum)]
    format: Form,
    /// Which field a column or key is, such as login=username; - leaves it out. May be repeated
    #[arg(long, value_name = "COLUMN=FIELD")]
    map: Vec<Mapping>,
    /// Only say what would happen; changes nothing
    #[arg(long)]
    plan: bool,
    /// Make roles that lines name and nobody has made
    #[arg(long)]
    create_roles: bool,
    /// End at the first line that is refused
    #[arg(long)]
    strict: bool,
    /// Take names that look like those of others
    #[arg(long)]
    allow_lookalikes: bool,
    /// Say what came of it as JSON, with all lines that are refused
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Csv,
    Jsonl,
}

pub async fn run(place: &Place, asked: Import) -> Outcome {
    let (input, length) = open(&asked.file)?;
    let format = match asked.format {
        Form::Csv => Format::Csv,
        Form::Jsonl => Format::Jsonl,
    };
    let options = Options {
        plan: asked.plan,
        create_roles: asked.create_roles,
        strict: asked.strict,
        allow_lookalikes: asked.allow_lookalikes,
    };
    let app = place.open().await?;
    let (by, mappings) = (operator(), Mappings::from(asked.map));
    let file = (input, format, mappings);
    let begun = import::Import::begin(&app, &by, file, options).await;
    let mut import = begun.map_err(|error| failed(&asked.file, &error))?;
    let progress = Progress::of_bytes(length);
    let mut told = Told::new(asked.json, asked.plan);
    let ended = take_all(&mut import, &progress, &mut told).await;
    drop(progress);
    let ended = ended.map_err(|end| {
        let where_to = told::state(import.report(), asked.plan);
        match end {
            End::Asked => format!("interrupted; {where_to}"),
            End::Failed(ImportError::Header(error)) => of(&asked.file, &error),
            End::Failed(error) => format!("{}; {where_to}", of(&asked.file, &error)),
        }
    });
    told.finish(import.report(), ended.as_ref().err().map(String::as_str))?;
    match ended {
        Err(sentence) => Err(Failure::Other(sentence)),
        Ok(()) if import.report().refused > 0 => Err(Failure::Finding),
        Ok(()) => Ok(()),
    }
}

/// The bytes, and how many there are if that is known.
fn open(path: &Path) -> Result<(Input, Option<u64>), Failure> {
    if path == Path::new("-") {
        return Ok((Box::new(std::io::stdin()), None));
    }
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let (metadata, file) = opened.map_err(|error| failed(path, &ImportError::Read(error)))?;
    let length = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(file), length))
}

/// The file's name stands before what is wrong with it.
fn of(path: &Path, error: &dyn std::fmt::Display) -> String {
    match path.to_str() {
        Some("-") => format!("standard input: {error}"),
        _ => format!("{}: {error}", path.display()),
    }
}

fn failed(path: &Path, error: &ImportError) -> Failure {
    Failure::Other(of(path, error))
}

/// Why it ended before the file did.
enum End {
    /// Somebody asked for it.
    Asked,
    Failed(ImportError),
}

impl From<ImportError> for End {
    fn from(error: ImportError) -> Self {
        Self::Failed(error)
    }
}

async fn take_all(
    import: &mut import::Import<'_>,
    progress: &Progress,
    told: &mut Told,
) -> Result<(), End> {
    let mut stop = Box::pin(interrupt::requested());
    loop {
        let batch = tokio::select! {
            biased;
            () = &mut stop => return Err(End::Asked),
            batch = import.next() => batch?,
        };
        let Some(batch) = batch else { return Ok(()) };
        let (refused, is_asked) = take(import, &batch, stop.as_mut()).await?;
        progress.add(batch.bytes);
        let made = i64::try_from(import.report().made).unwrap_or(i64::MAX);
        progress.at(format!("{} users", text::number(made)));
        progress.aside(|| told.refused(&refused));
        if is_asked {
            return Err(End::Asked);
        }
    }
}

/// Takes a batch, also when somebody asks to stop meanwhile; that is told.
async fn take(
    import: &mut import::Import<'_>,
    batch: &Batch,
    stop: Pin<&mut impl Future<Output = ()>>,
) -> Result<(Vec<Refused>, bool), End> {
    let mut taking = std::pin::pin!(import.take(batch));
    tokio::select! {
        taken = &mut taking => Ok((taken?, false)),
        () = stop => match tokio::time::timeout(FINISH_WITHIN, taking).await {
            Ok(taken) => Ok((taken?, true)),
            Err(_) => Err(End::Asked),
        },
    }
}
