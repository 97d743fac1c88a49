//! Files: who can read and write what only rolecall should.

use std::{
    fs::Metadata,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

use super::Report;
use crate::{
    auth::key::{self, KeyError},
    db::beside,
    text::count,
};

/// The settings file. It holds no secret, so others may read it.
pub fn config(report: &mut Report, file: Option<&Path>) {
    let Some((file, metadata)) = file.and_then(|file| Some((file, file.metadata().ok()?))) else {
        return;
    };
    if metadata.permissions().mode() & 0o022 != 0 {
        let found = format!("others can write {}", file.display());
        report.fail("settings file", found, format!("chmod go-w {}", file.display()));
    }
}

/// The SQLite file, what SQLite keeps beside it, and their folder.
pub fn database(report: &mut Report, file: &Path) {
    let before = report.0.len();
    let files = ["", "-wal", "-shm"].map(|end| beside(file, end));
    for file in &files {
        let Ok(metadata) = file.metadata() else { continue };
        if metadata.permissions().mode() & 0o077 != 0 {
            let found = format!("others can read {} (mode {:o})", file.display(), mode(&metadata));
            report.fail("database file", found, format!("chmod 600 {}", file.display()));
        }
        owner(report, "database file", file, &metadata);
    }
    folder(report, "database folder", file);
    if report.0.len() == before && file.exists() {
        report.ok("database file", format!("{} is for its owner alone", file.display()));
    }
}

/// The key file, and whether it has what the database names.
pub fn keys(report: &mut Report, file: &Path, ids: &[String]) {
    const TOPIC: &str = "key file";
    let before = report.0.len();
    let shown = file.display();
    if ids.is_empty() && !file.exists() {
        folder(report, TOPIC, file);
        if report.0.len() == before {
            report.ok(TOPIC, format!("{shown} is made by the first start"));
        }
        return;
    }
    let found = match key::ids_in(file) {
        Ok(found) => found,
        Err(error) => {
            let advice = match &error {
                KeyError::Exposed(_) => "others may have read it: then also rolecall key rotate",
                _ => "nothing starts without it",
            };
            return report.fail(TOPIC, error.to_string(), advice);
        }
    };
    let missing: Vec<&str> =
        ids.iter().filter(|id| !found.contains(id)).map(String::as_str).collect();
    if !missing.is_empty() {
        report.fail(
            TOPIC,
            format!("{shown} lacks {}, which the database names", missing.join(", ")),
            "name the right file with key_file, or restore it from a backup",
        );
    }
    if let Ok(metadata) = file.metadata() {
        owner(report, TOPIC, file, &metadata);
    }
    folder(report, TOPIC, file);
    if report.0.len() == before {
        let named = count(ids.len() as u64, "key", "keys");
        report.ok(TOPIC, format!("{shown} has the {named} that the database names"));
    }
}

fn mode(metadata: &Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}

/// Who serves and who checks should be one, and own what both work with.
fn owner(report: &mut Report, topic: &'static str, file: &Path, metadata: &Metadata) {
    let (theirs, ours) = (metadata.uid(), geteuid().as_raw());
    if theirs != ours {
        report.warn(
            topic,
            format!("{} belongs to user {theirs}, and this is user {ours}", file.display()),
            "check as the user that serves, or give it the file with chown",
        );
    }
}

/// Whoever can write to a folder can put another file in the place of this one.
fn folder(report: &mut Report, topic: &'static str, file: &Path) {
    let folder = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let shown = folder.display();
    let Ok(metadata) = folder.metadata() else {
        return report.fail(
            topic,
            format!("there is no folder {shown}"),
            "make it, or name another",
        );
    };
    let mode = mode(&metadata);
    let found = |who: &str| format!("{who} can write to {shown} and replace {}", file.display());
    let is_sticky = mode & 0o1000 != 0;
    match mode & 0o022 {
        0 => {}
        _ if is_sticky => {}
        0o020 => report.warn(topic, found("its group"), format!("chmod g-w {shown}")),
        _ => report.fail(topic, found("others"), format!("chmod go-w {shown}")),
    }
}
