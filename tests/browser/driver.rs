//! The process chromedriver with its chromium, and the commands that it has beyond the
//! WebDriver standard.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use axum::http::Method;
use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::{ParseError, Url};

/// A chromedriver is started so often until one stays.
const STARTS: u32 = 5;

/// A chromedriver of its own, which ends with all that it has started when this is dropped,
/// and also when the process of the test ends in any other way.
#[derive(Debug)]
pub struct Driver {
    child: Child,
    port: u16,
    chromium: PathBuf,
    /// The browser's profile and temporary files.
    folder: TempDir,
}

impl Driver {
    /// Of several that start at once, one may find the port taken that it has just picked for both
    /// kinds of address, and ends.
    pub fn start() -> Self {
        (0..STARTS).find_map(|_| Self::try_start()).expect("chromedriver names its port")
    }

    fn try_start() -> Option<Self> {
        let (chromium, chromedriver) = (program("chromium"), program("chromedriver"));
        let folder = tempfile::tempdir().unwrap();
        // The pipe to standard input breaks when the test's process ends. What chromedriver
        // starts stays in the group, and goes with it. Standard output is its alone, so that it
        // ends when it does.
        let mut child = Command::new("sh")
            .args([
                "-c",
                r#""$0" --port=0 & exec >&-; read -r _; kill -KILL 0"#,
                chromedriver.to_str().unwrap(),
            ])
            .env("LANGUAGE", "en_US")
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let port = line.split_once("started successfully on port ")?.1;
            port.trim_end_matches('.').parse().ok()
        });
        let driver = Self { child, port: port.unwrap_or_default(), chromium, folder };
        port?;
        // Read on, so that the pipe never fills up.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Some(driver)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The folder of the files that somebody downloads.
    pub fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }

    /// What a new browser is to be like.
    pub fn capabilities(&self, javascript: bool) -> serde_json::Map<String, Value> {
        let profile = self.folder.path().join("profile");
        let mut options = json!({
            "binary": self.chromium,
            "args": [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                "--host-resolver-rules=MAP *.example.com 127.0.0.1",
                format!("--user-data-dir={}", profile.display()),
            ],
        });
        let mut preferences = json!({ "download.default_directory": self.downloads() });
        if !javascript {
            preferences["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        options["prefs"] = preferences;
        let capabilities = json!({
            "acceptInsecureCerts": true,
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        capabilities.as_object().unwrap().clone()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Where a program of Debian's packages is.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!("the browser tests need {name}: apt-get install chromium chromium-driver")
        })
}

/// A command of chromedriver's own: its path below the session, and its body.
#[derive(Debug)]
pub struct Extra(&'static str, Value);

impl Extra {
    /// A command of Chrome's DevTools protocol.
    pub fn devtools(command: &str, parameters: Value) -> Self {
        let body = json!({ "cmd": command, "params": parameters });
        Self("goog/cdp/execute", body)
    }

    /// What the browser has complained about since this was last asked.
    pub fn browser_log() -> Self {
        Self("se/log", json!({ "type": "browser" }))
    }
}

impl WebDriverCompatibleCommand for Extra {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.0))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}
