//! `check` names files that others can read, write or replace, and those that are out of reach for
//! whoever runs it.

use std::{
    fs::{Permissions, set_permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

use crate::{
    check::{Checked, check, check_with, with_good_settings, with_two_admins},
    program::{Program, files},
    support::Engine,
};

fn chmod(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn files_that_others_can_read_or_replace_are_named() {
    let program = Program::new(Engine::Sqlite);
    with_two_admins(&program);
    let (file, key_file) = (program.path("rolecall.db"), program.key_file());
    chmod(&file, 0o644);
    check(&program).finds(&["fail database file: others can read"]);
    chmod(&file, 0o600);
    chmod(&key_file, 0o640);
    check(&program).finds(&["fail key file: others can read"]);
    chmod(&key_file, 0o600);
    chmod(&program.path(""), 0o777);
    check(&program)
        .finds(&["fail database folder: others can write", "fail key file: others can write"]);
    chmod(&program.path(""), 0o700);
    let settings = program.path("rolecall.toml");
    std::fs::write(&settings, "pepper = \"on\"\n").unwrap();
    let config = ["--config", settings.to_str().unwrap()];
    chmod(&settings, 0o644);
    check_with(&program, &config).finds(&[]);
    chmod(&settings, 0o666);
    check_with(&program, &config).finds(&["fail settings file: others can write"]);
    std::fs::write(&settings, "peper = \"on\"\n").unwrap();
    chmod(&settings, 0o600);
    check_with(&program, &config).finds(&["fail settings: the settings file"]);
    check_with(&program, &["--config", "none.toml"]).finds(&["fail settings: cannot read"]);
}

/// A file of somebody else: root gives its database away, others take one that root has.
fn foreign_file(program: &Program) -> PathBuf {
    if !geteuid().is_root() {
        return PathBuf::from("/etc/passwd");
    }
    let file = program.path("rolecall.db");
    chown(&file, Some(65_534), None).unwrap();
    file
}

#[test]
fn a_database_of_another_user_is_named_with_both_users() {
    let program = Program::new(Engine::Sqlite);
    with_two_admins(&program);
    let file = foreign_file(&program);
    let theirs = file.metadata().unwrap().uid();
    let url = format!("sqlite://{}", file.display());
    let checked = check_with(&program, &["--database-url", &url]);
    let of_file = |line: &&serde_json::Value| {
        let found = line["found"].as_str().unwrap();
        line["topic"] == "database file"
            && found.contains(&format!("{} ", file.display()))
            && found.contains(&format!("user {theirs}"))
            && found.contains(&format!("user {}", geteuid().as_raw()))
    };
    let line = checked.lines.iter().find(of_file).unwrap_or_else(|| panic!("{:#?}", checked.lines));
    assert_ne!(line["level"], "ok");
    assert!(line["advice"].as_str().unwrap().contains("chown"), "{line}");
}

/// The same with no more rights than the modes of files give. Root has more, which it gives up.
fn check_by_modes(program: &Program) -> Checked {
    let by: &[&str] = match geteuid().is_root() {
        true => &["setpriv", "--bounding-set=-all", "--inh-caps=-all"],
        false => &["env"],
    };
    Checked::of(with_good_settings(program.shell(by, "true")))
}

#[test]
fn files_and_folders_that_this_user_cannot_write_are_named_and_left_as_they_are() {
    let program = Program::new(Engine::Sqlite);
    with_two_admins(&program);
    program.execute("pragma wal_checkpoint(truncate)");
    let (file, folder) = (program.path("rolecall.db"), program.path(""));
    check_by_modes(&program).finds(&[]);
    let there = files(&folder);
    let assert_told = |path: &Path, normal: u32, modes: &[u32], expected: &str| {
        for mode in modes {
            chmod(path, *mode);
            let checked = check_by_modes(&program);
            let found = files(&folder);
            chmod(path, normal);
            checked.finds(&[expected]);
            assert_eq!(found, there, "{mode:o}");
        }
    };
    assert_told(
        &file,
        0o600,
        &[0o400, 0o200, 0],
        "fail database file: this user cannot read and write",
    );
    assert_told(&folder, 0o700, &[0o500], "fail database folder: this user cannot make files in");
    check_by_modes(&program).finds(&[]);
}
