//! `copy`: everything into another database, of either engine.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{
    Failure, Outcome, Place, interrupt,
    output::{self, List},
    progress::Progress,
};
use crate::{
    app::key_file,
    config::{Pooler, Settings},
    db::{
        self, Db, beside,
        copy::{self, Copied, Step},
        keys, sqlite_file,
    },
};

#[derive(Args)]
pub struct Copy {
    /// The database to copy, which is only read: sqlite://FILE or postgres://…
    #[arg(long, value_name = "URL")]
    from: String,
    /// The database to copy to, empty or not there yet
    #[arg(long, value_name = "URL")]
    to: String,
    #[arg(long)]
    json: bool,
}

pub async fn run(place: &Place, asked: Copy) -> Outcome {
    let settings = Settings::of_environment(place.config.as_deref())?;
    let of_source = |error| of("source", &error);
    // Both sides keep statements and locks over a long time, which no pooler does.
    let pooler = settings.postgres_pooler;
    db::require_direct(&asked.from, pooler).await.map_err(of_source)?;
    let source = db::look(&asked.from, Pooler::Off).await.map_err(of_source)?;
    db::require_direct(&asked.to, pooler).await.map_err(|error| of("target", &error))?;
    let copied = copy_or_remove(&source, &asked.to).await;
    let ids = keys::list(&source).await;
    // Whatever came of it: the last to close leaves no log behind.
    source.close().await;
    let (copied, ids) = (copied?, ids?);
    let key_file = |url: &str| {
        let file = sqlite_file(url).ok().flatten();
        std::path::absolute(key_file(&settings, file.as_deref()))
    };
    let key_files = KeyFiles { from: key_file(&asked.from)?, to: key_file(&asked.to)?, ids };
    if asked.json { tell_json(&copied, &key_files) } else { tell(&copied, &key_files) }
}

async fn copy_or_remove(source: &Db, to: &str) -> Result<Vec<Copied>, Failure> {
    let new_file = new_file(to).await?;
    let copied = tokio::select! {
        copied = copy(source, to) => copied,
        () = interrupt::requested() => {
            Err(Failure::Other("interrupted; nothing was copied".to_owned()))
        }
    };
    if let (Err(_), Some(file)) = (&copied, &new_file) {
        remove(file);
    }
    copied
}

/// The file that would be made. One that is there is looked at before it is opened for writing.
async fn new_file(url: &str) -> Result<Option<PathBuf>, Failure> {
    match sqlite_file(url).map_err(|error| of("target", &error))? {
        Some(file) if file.exists() => {
            let target = db::look(url, Pooler::Off).await.map_err(|error| of("target", &error))?;
            copy::require_empty(&target).await?;
            target.close().await;
            Ok(None)
        }
        file => Ok(file),
    }
}

async fn copy(source: &Db, to: &str) -> Result<Vec<Copied>, Failure> {
    let target = db::connect(to, Pooler::Off).await.map_err(|error| of("target", &error))?;
    let progress = Progress::new();
    let mut tell = |step: Step<'_>| match step {
        // Each is written and read back.
        Step::Counted(rows) => progress.set_length(rows.saturating_mul(2)),
        Step::Copying(table) => progress.at(format!("copying {table}")),
        Step::Comparing(table) => progress.at(format!("comparing {table}")),
        Step::Rows(done) => progress.add(done),
    };
    let copied = copy::copy(source, &target, &mut tell).await?;
    drop(progress);
    if !target.has_triggers().await? {
        eprintln!(
            "rolecall: this user may not make the triggers of the target; until its owner runs rolecall migrate, changes made by hand are noticed late"
        );
    }
    target.close().await;
    Ok(copied)
}

fn of(which: &str, error: &db::ConnectError) -> Failure {
    Failure::Other(format!("the {which}: {error}"))
}

/// What was made for a copy that did not come about.
fn remove(file: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(file, end));
    }
}

/// Where rolecall looks for the keys, here and there.
struct KeyFiles {
    from: PathBuf,
    to: PathBuf,
    ids: Vec<String>,
}

fn tell(copied: &[Copied], key_files: &KeyFiles) -> Outcome {
    let mut list = List::new(false, ["TABLE", "ROWS", "SHA-256, THE SAME ON BOTH"]);
    for table in copied {
        let row = [table.table.clone(), table.rows.to_string(), table.digest.clone()];
        list.push(row, || json!(null))?;
    }
    list.finish()?;
    output::line(&key_files.words())?;
    output::line("What servers of the source wrote meanwhile is not in the copy.")
}

fn tell_json(copied: &[Copied], key_files: &KeyFiles) -> Outcome {
    let tables = copied
        .iter()
        .map(|table| json!({ "table": table.table, "rows": table.rows, "digest": table.digest }));
    output::json(&json!({
        "tables": tables.collect::<Vec<_>>(),
        "key_file": key_files.from,
        "target_key_file": key_files.to,
        "keys": key_files.ids,
    }))
}

impl KeyFiles {
    fn words(&self) -> String {
        let (from, to, ids) = (self.from.display(), self.to.display(), self.ids.join(", "));
        if self.ids.is_empty() {
            return "No key is in use yet.".to_owned();
        }
        let how = if self.from == self.to {
            format!("keep {from}")
        } else {
            format!("copy {from} to {to}, mode 0600, or name it with key_file")
        };
        format!("The key file travels too ({ids}): {how}. Without it nobody stays signed in.")
    }
}
