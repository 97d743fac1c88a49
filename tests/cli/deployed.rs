//! What `deploy/` has for systems that run rolecall.

use std::{fs, path::Path, process::Command};

/// Of 100; below 20 systemd itself says OK.
const EXPOSURE: &str = "--threshold=20";

#[test]
fn the_unit_of_systemd_is_read_without_a_word_and_exposes_little() {
    let unit = include_str!("../../deploy/systemd/rolecall.service");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rolecall.service");
    let here = unit.replace("/usr/local/bin/rolecall", env!("CARGO_BIN_EXE_rolecall"));
    assert_ne!(here, unit);
    fs::write(&path, here).unwrap();
    for arguments in [&["verify", "--man=no"][..], &["security", "--offline=true", EXPOSURE]] {
        let answer = Command::new("systemd-analyze").args(arguments).arg(&path).output().unwrap();
        let told = String::from_utf8_lossy(&answer.stdout);
        assert!(answer.status.success(), "{arguments:?} {told}");
        assert_eq!(String::from_utf8_lossy(&answer.stderr), "", "{arguments:?}");
    }
}

/// What the program is built from that is no Rust.
fn included(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            included(&path, found);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let after = text.split("include_str!(\"").skip(1);
            found.extend(after.map(|after| after.split('"').next().unwrap().replace("../", "")));
        }
    }
}

#[test]
fn an_image_is_built_from_all_that_the_program_includes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignored = fs::read_to_string(root.join(".dockerignore")).unwrap();
    let mut found = Vec::new();
    included(&root.join("src"), &mut found);
    found.retain(|file| !file.starts_with("tests/"));
    assert!(found.iter().any(|file| file.starts_with("static/")), "{found:?}");
    found.extend(["migrations/", "templates/", "sqlx-data/", "build.rs", ".env"].map(String::from));
    for file in found {
        let of = file.split('/').next().unwrap();
        assert!(ignored.lines().any(|line| line == format!("!{of}")), "{file}");
    }
}
