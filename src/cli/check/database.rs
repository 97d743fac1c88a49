//! The database: whether it answers, what schema it has, and which keys it names.

use std::path::Path;

use super::Report;
use crate::{
    config::Pooler,
    db::{self, Db, Schema, keys},
    text::{count, list},
};

pub const TOPIC: &str = "database";

/// Opens it to look; says why if that does not go.
pub async fn open(
    report: &mut Report,
    url: &str,
    pooler: Pooler,
    sqlite_file: Option<&Path>,
) -> Option<Db> {
    if let Some(file) = sqlite_file.filter(|file| !file.exists()) {
        let found = format!("there is no file {} yet", file.display());
        report.warn(TOPIC, found, "rolecall migrate makes it, as serve does; or name another");
        return None;
    }
    match db::look(url, pooler).await {
        Ok(db) => Some(db),
        Err(error) => {
            report.fail(
                TOPIC,
                error.to_string(),
                "mend that, or name another; nothing starts before",
            );
            None
        }
    }
}

/// Whether the schema is this version's, so that there is more to look at.
pub async fn is_current(report: &mut Report, db: &Db) -> bool {
    const TOPIC: &str = "schema";
    let found = match db.inventory().await {
        Ok(found) => found,
        Err(error) => {
            report.fail(TOPIC, error.to_string(), "restore a backup");
            return false;
        }
    };
    if found.newest.is_none() && matches!(found.schema, Schema::Behind(_)) {
        let advice = "rolecall migrate makes the tables, as serve does; or name another database";
        report.warn(TOPIC, "the database is empty", advice);
        return false;
    }
    if let Schema::Behind(pending) = &found.schema {
        let number = count(pending.len() as u64, "migration", "migrations");
        let found = format!("{number} to be applied: {}", list(pending));
        report.warn(TOPIC, found, "back up, then rolecall migrate; serve does it too");
        return false;
    }
    if let Err(error) = found.schema.accept() {
        report.fail(TOPIC, error.to_string(), "nothing starts before");
        return false;
    }
    if !found.others.is_empty() {
        let found = format!("tables that are not rolecall's: {}", list(&found.others));
        report.warn(TOPIC, found, "give rolecall a database or schema of its own");
    }
    match db.has_triggers().await {
        Ok(true) => {}
        Ok(false) => report.warn(
            TOPIC,
            "the triggers are missing: changes made by hand are noticed late",
            "rolecall migrate",
        ),
        Err(error) => report.fail(TOPIC, error.to_string(), "look into the log of Postgres"),
    }
    let newest = found.newest.unwrap_or_default();
    report.ok(TOPIC, format!("up to date, at {newest}"));
    true
}

/// Ids of the keys that the database names.
pub async fn key_ids(report: &mut Report, db: &Db) -> Vec<String> {
    keys::list(db).await.unwrap_or_else(|error| {
        report.fail(TOPIC, error.to_string(), "restore a backup");
        Vec::new()
    })
}
