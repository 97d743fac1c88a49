//! Files: who can read and write what only rolecall should.

use std::{
    fs::Metadata,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Access, AtFlags, CWD, accessat},
    process::geteuid,
};

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

/// The SQLite file, what SQLite keeps beside it, and their folder. Returns whether this user may do
/// what SQLite does there: who may not would leave files behind by looking.
pub fn database(report: &mut Report, file: &Path) -> bool {
    let mut is_in_reach = true;
    let before = report.0.len();
    let files = ["", "-wal", "-shm"].map(|end| beside(file, end));
    for file in &files {
        let Ok(metadata) = file.metadata() else { continue };
        if metadata.permissions().mode() & 0o077 != 0 {
            let found = format!("others can read {} (mode {:o})", file.display(), mode(&metadata));
            report.fail("database file", found, format!("chmod 600 {}", file.display()));
        }
        if may(file, Access::READ_OK | Access::WRITE_OK) {
            owner(report, "database file", file, &metadata);
        } else {
            out_of_reach(report, "database file", "read and write", file, &metadata);
            is_in_reach = false;
        }
    }
    folder(report, "database folder", file);
    is_in_reach &= makes_files(report, "database folder", file);
    if report.0.len() == before && file.exists() {
        report.ok("database file", format!("{} is for its owner alone", file.display()));
    }
    is_in_reach
}

/// The key file, and whether it has what the database names.
pub fn keys(report: &mut Report, file: &Path, ids: &[String]) {
    const TOPIC: &str = "key file";
    let before = report.0.len();
    let shown = file.display();
    if ids.is_empty() && !file.exists() {
        folder(report, TOPIC, file);
        makes_files(report, TOPIC, file);
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
        let found = match ids.len() as u64 {
            0 => "is for its owner alone".to_owned(),
            named => format!("has the {} that the database names", count(named, "key", "keys")),
        };
        report.ok(TOPIC, format!("{shown} {found}"));
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

/// Whether this user may, of which root may all but with its rights taken away.
fn may(file: &Path, access: Access) -> bool {
    accessat(CWD, file, access, AtFlags::EACCESS).is_ok()
}

fn out_of_reach(
    report: &mut Report,
    topic: &'static str,
    what: &str,
    file: &Path,
    metadata: &Metadata,
) {
    let (theirs, ours, shown) = (metadata.uid(), geteuid().as_raw(), file.display());
    let (whose, advice) = if theirs == ours {
        (String::new(), format!("chmod u+rwX {shown}"))
    } else {
        let whose = format!(": it belongs to user {theirs}, and this is user {ours}");
        (whose, format!("check as the user that serves, or chown {ours} {shown}"))
    };
    report.fail(topic, format!("this user cannot {what} {shown}{whose}"), advice);
}

/// SQLite has its log beside its file, and what is missing is made. Returns whether it can be.
fn makes_files(report: &mut Report, topic: &'static str, file: &Path) -> bool {
    let folder = folder_of(file);
    let Ok(metadata) = folder.metadata() else { return false };
    let may = may(&folder, Access::WRITE_OK | Access::EXEC_OK);
    if !may {
        out_of_reach(report, topic, "make files in", &folder, &metadata);
    }
    may
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Whoever can write to a folder can put another file in the place of this one.
fn folder(report: &mut Report, topic: &'static str, file: &Path) {
    let folder = folder_of(file);
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
