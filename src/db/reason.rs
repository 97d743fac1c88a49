//! What a database that failed has said, for people.

use sqlx::{Error, migrate::MigrateError};

/// The driver's reason without its prefix, on one line, with what to do where that is known.
pub fn plain(error: &Error) -> String {
    let reason = match error {
        Error::Database(error) => error.message().to_owned(),
        Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    let reason = reason.replace('\n', " ");
    match advice(error) {
        Some(advice) => format!("{reason} ({advice})"),
        None => reason,
    }
}

/// The same of a migration.
pub fn plain_migration(error: &MigrateError) -> String {
    match error {
        MigrateError::Execute(error) => plain(error),
        MigrateError::ExecuteMigration(error, version) => {
            format!("in {version:04}: {}", plain(error))
        }
        other => other.to_string(),
    }
}

pub const STANDBY: &str = "a standby takes no changes; name the primary";

fn advice(error: &Error) -> Option<&'static str> {
    let code = error.as_database_error()?.code()?;
    // Of SQLite's codes the upper bits add the detail; those of Postgres are five characters.
    let primary = code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|code| code & 0xff);
    match (primary, code.as_ref()) {
        (Some(8), _) => Some("give this user write access to the file and its folder"),
        (Some(10), _) => Some("its disk is full or fails"),
        (Some(13), _) | (None, "53100") => Some("make room on its disk"),
        (None, "25006") => Some(STANDBY),
        _ => None,
    }
}
