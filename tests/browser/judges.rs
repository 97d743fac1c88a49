//! What others keep to judge pages by: axe-core, which looks at them as people with any ability
//! meet them, and html-validate, which reads their HTML. Both come from npm, for tests alone.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::window::Browser;

/// A page is at most this large, with all that it brings along, in bytes.
const MOST_BYTES: usize = 60_000;

/// The folder of `package.json`.
fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser"))
}

/// A file that npm has installed.
fn installed(name: &str) -> PathBuf {
    let file = folder().join("node_modules").join(name);
    assert!(file.exists(), "the browser tests need {name}: npm --prefix tests/browser ci");
    file
}

/// What axe-core has against the page as it is shown.
pub fn barriers(browser: &Browser) -> Vec<Value> {
    if browser.script("return window.axe === undefined") == true {
        browser.script(&std::fs::read_to_string(installed("axe-core/axe.min.js")).unwrap());
    }
    let found = browser.script_that_calls_back(
        "axe.run().then(found => arguments[0](found.violations), error => arguments[0](error));",
    );
    let found = found.as_array().unwrap_or_else(|| panic!("no list: {found}")).iter();
    found.map(|one| json!([one["id"], one["help"], one["nodes"]])).collect()
}

/// The HTML of pages as the server sent it, kept to be read in one go.
pub struct Sources(tempfile::TempDir);

impl Sources {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Keeps the page that the browser shows; with what it brings along it is not too large.
    pub fn keep(&self, browser: &Browser, name: &str) {
        let html = browser.source();
        let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
        let assets = std::fs::read_dir(assets).unwrap().map(Result::unwrap);
        let brought: Vec<_> = assets
            .filter(|asset| html.contains(&format!("/static/{}", asset.file_name().display())))
            .collect();
        assert!(brought.len() >= 3, "{name} brings style, script and icon: {brought:?}");
        let bytes = brought.iter().map(|asset| asset.metadata().unwrap().len() as usize);
        let bytes = html.len() + bytes.sum::<usize>();
        assert!(bytes <= MOST_BYTES, "{name} takes {bytes} bytes");
        std::fs::write(self.0.path().join(format!("{name}.html")), html).unwrap();
    }

    /// html-validate has nothing against any of them.
    pub fn assert_valid(&self) {
        let done = Command::new("node")
            .arg(installed("html-validate/bin/html-validate.mjs"))
            .arg("--config")
            .arg(folder().join("html-validate.cjs"))
            .args(["--max-warnings", "0", "--formatter", "text"])
            .arg(self.0.path())
            .output();
        let done = done.expect("the browser tests need node: apt-get install nodejs npm");
        let (out, err) =
            (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{out}{err}");
    }
}
