//! What documents say about tests, files and limits is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const STATUSES: [&str; 3] = ["met", "not met", "does not apply"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands between backticks in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The cells of a row of a table; none of any other line, a heading or its underline.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    let is_underline = cells.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':')));
    (!is_underline).then_some(cells)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether the file defines a function or constant of this name.
fn defines(text: &str, name: &str) -> bool {
    ["fn ", "const "].iter().any(|kind| {
        text.match_indices(&format!("{kind}{name}")).any(|(at, found)| {
            !text[at + found.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
        })
    })
}

/// Every file of Rust below a folder.
fn sources(folder: PathBuf) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true if path.ends_with("node_modules") => Vec::new(),
            true => sources(path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .collect()
}

/// What is wrong with `path` or `path: name`, if anything is.
fn problem(reference: &str) -> Option<String> {
    let (path, name) = match reference.split_once(": ") {
        Some((path, name)) => (path, Some(name)),
        None => (reference, None),
    };
    let file = root().join(path);
    if !file.exists() {
        return Some(format!("there is no {path}"));
    }
    let name = name?;
    if !is_word(name) {
        return Some(format!("{name:?} is no name of a test"));
    }
    if file.is_file() && defines(&read(path), name) {
        return None;
    }
    let elsewhere: Vec<String> = ["src", "tests"]
        .iter()
        .flat_map(|folder| sources(root().join(folder)))
        .filter(|file| defines(&fs::read_to_string(file).unwrap(), name))
        .map(|file| file.strip_prefix(root()).unwrap().display().to_string())
        .collect();
    Some(match elsewhere.is_empty() {
        true => format!("{path} has no {name}, nor has any other file"),
        false => format!("{path} has no {name}, but {} has", elsewhere.join(", ")),
    })
}

/// Whether a quoted text is meant as a file of this repository.
fn is_reference(quoted: &str) -> bool {
    let path = quoted.split(": ").next().unwrap_or_default();
    let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
    let first = path.split('/').next().unwrap_or_default();
    let folders = [
        ".ci",
        "benches",
        "data",
        "docs",
        "fuzz",
        "migrations",
        "scripts",
        "src",
        "static",
        "templates",
        "tests",
    ];
    let is_below = path.contains('/') && folders.contains(&first);
    let is_at_root =
        ["md", "rs", "toml", "lock"].iter().any(|end| path.ends_with(&format!(".{end}")));
    is_plain && (is_below || is_at_root)
}

/// Each line that names something that is not there.
fn dead_references(document: &str) -> Vec<String> {
    let text = read(document);
    let lines = text.lines().enumerate();
    lines
        .flat_map(|(number, line)| quoted(line).map(move |quoted| (number + 1, quoted)))
        .filter(|(_, quoted)| is_reference(quoted))
        .filter_map(|(number, quoted)| Some(format!("{document}:{number}: {}", problem(quoted)?)))
        .collect()
}

fn assert_nothing(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn every_test_and_file_that_a_document_names_is_there() {
    for document in ["docs/asvs.md", "docs/decisions.md", "docs/limits.md"] {
        assert_nothing(&dead_references(document));
    }
}

/// What is wrong with the rows of the table of requirements: number of the line and why.
fn wrong_rows(text: &str) -> Vec<String> {
    let mut ids = BTreeSet::new();
    let mut wrong = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut tell =
            |why: &str| wrong.push(format!("docs/asvs.md:{}: {why}: {line}", number + 1));
        let Some(cells) = cells(line).filter(|cells| cells[0] != "id") else { continue };
        let [id, level, asks, status, evidence] = cells[..] else {
            tell("it has not five cells");
            continue;
        };
        let digits = id.strip_prefix('V').map(|id| id.split('.').map(str::parse::<u8>));
        let is_id = digits.is_some_and(|parts| {
            let parts: Vec<_> = parts.collect();
            parts.len() == 3 && parts.iter().all(Result::is_ok)
        });
        if !is_id {
            tell("its id is not like V1.2.3");
        }
        if !ids.insert(id) {
            tell("its id stands here twice");
        }
        if !["1", "2", "3"].contains(&level) || asks.is_empty() {
            tell("it has no level, or asks nothing");
        }
        if !STATUSES.contains(&status) {
            tell("its status is none of the three");
        }
        let references: Vec<&str> =
            quoted(evidence).filter(|quoted| is_reference(quoted)).collect();
        if status == "met" && references.is_empty() {
            tell("it is met, but nothing shows it");
        }
    }
    // A requirement is in a table or does not apply, not both.
    for id in text.lines().filter(|line| line.starts_with("- ")).flat_map(listed) {
        if !ids.insert(id) {
            wrong.push(format!("docs/asvs.md: {id} stands here twice"));
        }
    }
    wrong
}

/// The ids that a line of a list begins with: `- V1.2.3, V1.2.4: …`.
fn listed(line: &str) -> impl Iterator<Item = &str> {
    let ids = line.trim_start_matches("- ").split(": ").next().unwrap_or_default();
    ids.split(", ").filter(|id| {
        id.strip_prefix('V')
            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
    })
}

#[test]
fn every_requirement_has_an_id_a_status_and_something_that_shows_it() {
    let text = read("docs/asvs.md");
    assert_nothing(&wrong_rows(&text));
    let rows = text.lines().filter_map(cells).filter(|cells| cells[0].starts_with('V'));
    assert!(rows.count() > 150, "the tables have been found");
}

/// What is not met stands in the list of reasons, and nothing else does.
#[test]
fn what_is_not_met_has_its_reason() {
    let text = read("docs/asvs.md");
    let rows = text.lines().filter_map(cells);
    let unmet: BTreeSet<&str> =
        rows.filter(|cells| cells.get(3) == Some(&"not met")).map(|cells| cells[0]).collect();
    let (_, reasons) = text.split_once("\n## Not met, and why\n").expect("the list of reasons");
    let reasons = reasons.split("\n## ").next().unwrap();
    let bold = reasons.split("**").skip(1).step_by(2);
    let told: BTreeSet<&str> = bold.flat_map(|ids| ids.split(", ")).collect();
    assert_eq!(unmet, told);
}

/// The number in a row of limits is that of its constant.
#[test]
fn every_limit_is_as_documented() {
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for (number, line) in read("docs/limits.md").lines().enumerate() {
        let Some(cells) = cells(line) else { continue };
        let constant = quoted(line).find_map(|quoted| {
            let (path, name) = quoted.split_once(": ")?;
            name.bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
                .then_some((path, name))
        });
        let Some((path, name)) = constant else { continue };
        let source = read(path);
        let (_, rest) = source.split_once(&format!("const {name}: ")).expect(name);
        let value = rest.split_once("= ").unwrap().1.split(';').next().unwrap();
        looked_at += 1;
        if plain(value) != plain(cells[1]) {
            wrong.push(format!(
                "docs/limits.md:{}: {name} is {value}, not {}",
                number + 1,
                cells[1]
            ));
        }
    }
    assert_nothing(&wrong);
    assert!(looked_at > 15, "the constants have been found");
}

/// A number as the code or the document writes it, without its unit: `64 * 1024` and `64 KiB`.
fn plain(written: &str) -> u64 {
    let written = written.replace(['_', ','], "");
    let numbers =
        written.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse::<u64>().ok());
    let product: u64 = numbers.product();
    match written {
        kib if kib.contains("KiB") => product * 1024,
        mib if mib.contains("MiB") => product * 1024 * 1024,
        _ => product,
    }
}

#[test]
fn what_is_renamed_or_gone_is_found() {
    assert_eq!(problem("tests/api/documents.rs: what_is_renamed_or_gone_is_found"), None);
    assert_eq!(problem("tests/api"), None);
    for (reference, part) in [
        ("tests/api/documents.rs: what_is_renamed_or_gone_is", "nor has any other"),
        ("tests/api/forms.rs: what_is_renamed_or_gone_is_found", "tests/api/documents.rs has"),
        ("tests/api/nothing.rs: what_is_renamed_or_gone_is_found", "there is no tests"),
        ("docs/nothing.md", "there is no docs"),
        ("tests/api/documents.rs: a b", "no name"),
    ] {
        assert!(is_reference(reference), "{reference}");
        let told = problem(reference).unwrap_or_default();
        assert!(told.contains(part), "{reference}: {told}");
    }
    for (row, part) in [
        ("| V1.2 | 1 | a | not met | |", "not like V1.2.3"),
        ("| V1.2.3 | 1 | a | nearly | |", "none of the three"),
        ("| V1.2.3 | 1 | a | met | by reading |", "nothing shows it"),
        ("| V1.2.3 | 1 | a | met |", "five cells"),
        ("| V1.2.3 | 1 | a | not met | |\n| V1.2.3 | 1 | a | not met | |", "twice"),
        ("| V1.2.3 | 1 | a | not met | |\n- V1.2.3: none", "twice"),
    ] {
        let told = wrong_rows(row).join("\n");
        assert!(told.contains(part), "{row}: {told}");
    }
}
