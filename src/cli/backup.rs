//! `backup`: a copy of the SQLite file as it is at this moment, beside a running server.

use std::{
    fs::{File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Failure, Outcome, Place, interrupt, output};
use crate::{
    app::{OpenError, key_file},
    config::Settings,
    db::{self, Backend, Db, Schema, backup, beside, inspect},
};

const CLOSE_WITHIN: Duration = Duration::from_secs(1);

pub async fn run(place: &Place, file: &Path) -> Outcome {
    let settings = Settings::of_environment(place.config.as_deref())?;
    let url = &place.database_url;
    let original = db::sqlite_file(url).map_err(OpenError::from)?;
    // Neither migrated nor given a key: what is backed up before an update is what is there.
    let db = db::look(url, settings.postgres_pooler).await.map_err(OpenError::from)?;
    let written = match &original {
        Some(_) => back_up(&db, file).await,
        None => Err(Failure::Other(pg_dump(url, db.schema_name(), file))),
    };
    // Whatever came of it: the last to close leaves no log behind. Who interrupts does not wait
    // until all is written to a file that is gone.
    let _ = tokio::time::timeout(CLOSE_WITHIN, db.close()).await;
    let bytes = written?;
    let key_file = std::path::absolute(key_file(&settings, original.as_deref()))?;
    let (file, key_file) = (file.display(), key_file.display());
    output::line(&format!("{file} has everything ({bytes} bytes); its integrity was checked"))?;
    output::line(&format!(
        "The key file travels too: back up {key_file}, apart from the copy. How to restore: docs/operations.md"
    ))
}

/// Returns how many bytes the backup has.
async fn back_up(db: &Db, file: &Path) -> Result<u64, Failure> {
    if let Schema::Foreign(table) = db.schema().await.map_err(OpenError::from)? {
        return Err(OpenError::from(db::MigrateError::Foreign(table)).into());
    }
    let half = Half::begin(file)?;
    tokio::select! {
        written = write(db, &half) => written?,
        () = interrupt::requested() => {
            return Err(Failure::Other("interrupted; there is no backup".to_owned()));
        }
    }
    half.finish(file)
}

async fn write(db: &Db, half: &Half) -> Outcome {
    let failed = |error: sqlx::Error| {
        Failure::Other(format!("the backup failed: {}; there is none", db::plain(&error)))
    };
    backup::write(db, &half.0).await.map_err(failed)?;
    let copy = db::look_at_file(&half.0).await.map_err(OpenError::from)?;
    let engine = inspect::engine(&copy).await.map_err(failed)?;
    copy.close().await;
    match engine {
        Backend::Sqlite(inspect::Sqlite { damage: Some(damage), .. }) => {
            Err(Failure::Other(format!(
                "the copy is damaged, and perhaps the database too: {damage}; there is no backup"
            )))
        }
        _ => Ok(()),
    }
}

/// A backup that is not whole yet, under another name; gone when it does not get whole.
struct Half(PathBuf);

impl Half {
    fn begin(file: &Path) -> Result<Self, Failure> {
        let taken = |path: &Path, what: &str| {
            Failure::Other(format!("{} exists already; {what}", path.display()))
        };
        if file.symlink_metadata().is_ok() {
            return Err(taken(file, "name a new file"));
        }
        let half = beside(file, ".partial");
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half);
        match made {
            Ok(_) => Ok(Self(half)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(taken(&half, "another backup is writing it, or was killed: then remove it"))
            }
            Err(error) => Err(Failure::Other(format!("cannot write {}: {error}", half.display()))),
        }
    }

    /// Gives it its name, once it is on the disk. Returns its size.
    fn finish(self, file: &Path) -> Result<u64, Failure> {
        let finish = || {
            let half = File::open(&self.0)?;
            half.sync_all()?;
            // Unlike a rename, it replaces nothing.
            std::fs::hard_link(&self.0, file)?;
            std::fs::remove_file(&self.0)?;
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
            Ok(half.metadata()?.len())
        };
        finish().map_err(|error: std::io::Error| {
            Failure::Other(format!("cannot write {}: {error}; there is no backup", file.display()))
        })
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_file(beside(&self.0, "-journal"));
    }
}

/// What does the same for Postgres. The URL goes without its password.
fn pg_dump(url: &str, schema: Option<&str>, file: &Path) -> String {
    let url = db::without_password(url).unwrap_or_else(|| "postgres://…".to_owned());
    let schema = schema.filter(|name| *name != "public");
    let schema = schema.map(|name| format!(" --schema={name}")).unwrap_or_default();
    format!(
        "Postgres has a program for this; run: pg_dump --format=custom --no-owner{schema} \
         --file={} '{url}' and back up the key file too (docs/operations.md)",
        file.display()
    )
}
