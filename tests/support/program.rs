//! Runs the binary in a folder of its own, and talks to its server.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, mpsc},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Database, Engine, Wire, http};

pub use super::{
    PASSWORD,
    http::{Response, form_token_in, get_from, post_to},
};

/// Runs the test on each engine.
pub fn on_both(test: impl Fn(Program)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        println!("on {engine:?}");
        test(Program::new(engine));
    }
}

/// The binary with a database, in a folder of its own.
pub struct Program {
    database: Database,
    runtime: tokio::runtime::Runtime,
    settings: Vec<(&'static str, &'static str)>,
}

pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Program {
    pub fn new(engine: Engine) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let database = runtime.block_on(Database::create(engine));
        Self { database, runtime, settings: Vec::new() }
    }

    /// With the Postgres database that it reaches at `url`, and the test by `own`.
    pub fn at(url: &str, own: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let database = runtime.block_on(async { Database::at(url, own) });
        Self { database, runtime, settings: Vec::new() }
    }

    /// With this variable for all that it runs.
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.settings.push((name, value));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.database.path(name)
    }

    pub fn url(&self) -> &str {
        &self.database.url
    }

    /// The schema's name, on Postgres.
    pub fn schema(&self) -> &str {
        self.database.schema()
    }

    /// Runs a statement behind the program's back.
    pub fn execute(&self, sql: &str) {
        self.runtime.block_on(self.database.execute(sql));
    }

    /// The same with the engine's own program, as somebody with a terminal would.
    pub fn by_hand(&self, sql: &str) {
        let mut command = match self.url().strip_prefix("sqlite://") {
            Some(file) => {
                let mut sqlite = Command::new("sqlite3");
                sqlite.args([
                    "-bail",
                    "-cmd",
                    ".timeout 10000",
                    "-cmd",
                    "pragma foreign_keys = on",
                ]);
                sqlite.args([file, sql]);
                sqlite
            }
            None => {
                let mut psql = Command::new("psql");
                psql.args(["--no-psqlrc", "--quiet", self.url(), "--command", sql]);
                psql
            }
        };
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The one number that a query gives.
    pub fn number(&self, sql: &str) -> i64 {
        self.runtime.block_on(self.database.number(sql))
    }

    pub fn engine(&self) -> Engine {
        self.database.engine
    }

    /// A wire to the database.
    pub fn wire(&self) -> Wire {
        self.runtime.block_on(Wire::to(&self.database))
    }

    /// Everything that is in the database.
    pub fn dump(&self) -> String {
        self.runtime.block_on(self.database.dump())
    }

    /// A dump without the count of who was alone with a rule.
    pub fn without_turns(&self, dump: &str) -> String {
        let lines = dump.lines().filter(|line| !line.starts_with("turns:"));
        lines.collect::<Vec<_>>().join("\n")
    }

    pub fn key_file(&self) -> PathBuf {
        self.path("test.key")
    }

    pub fn command(&self) -> Command {
        self.in_folder(Command::new(env!("CARGO_BIN_EXE_rolecall")))
    }

    /// A shell that does this first, with the words before it; the binary takes its place.
    pub fn shell(&self, before: &[&str], script: &str) -> Command {
        let words: Vec<&str> = before.iter().copied().chain(["sh", "-euc"]).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(format!("{script}; exec \"$0\" \"$@\""));
        command.arg(env!("CARGO_BIN_EXE_rolecall"));
        self.in_folder(command)
    }

    fn in_folder(&self, mut command: Command) -> Command {
        command
            .current_dir(self.path(""))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("ROLECALL_DATABASE_URL", self.url())
            .env("ROLECALL_KEY_FILE", self.key_file())
            .env("ROLECALL_ARGON2", "m=64,t=1,p=1")
            .envs(self.settings.iter().copied())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Answer {
        self.run_with(arguments, "")
    }

    /// The same, with something on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Answer {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Answer {
            code: output.status.code().expect("an exit code, not a signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command that must succeed; returns what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let answer = self.run(arguments);
        assert_eq!(answer.code, 0, "{arguments:?}: {}", answer.err);
        answer.out
    }

    /// Runs a command that must fail with one clear line; returns that line.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let answer = self.run(arguments);
        assert_eq!(answer.code, 1, "{arguments:?}: {}{}", answer.out, answer.err);
        assert_eq!(answer.err.lines().count(), 1, "{:?}", answer.err);
        assert!(answer.err.starts_with("rolecall: "), "{:?}", answer.err);
        answer.err
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        serde_json::from_str(&self.ok(&arguments)).unwrap()
    }

    pub fn add_user(&self, name: &str, roles: &[&str]) {
        let mut arguments = vec!["user", "add", name, "--password-stdin"];
        arguments.extend(roles.iter().flat_map(|role| ["--role", *role]));
        let answer = self.run_with(&arguments, PASSWORD);
        assert_eq!(answer.code, 0, "{}", answer.err);
    }

    /// Starts the server on a free port and waits until it listens.
    pub fn serve(&self, arguments: &[&str]) -> Server {
        self.serve_with(arguments, |_| {})
    }

    pub fn serve_with(&self, arguments: &[&str], prepare: impl Fn(&mut Command)) -> Server {
        self.serve_by(self.command(), arguments, prepare)
    }

    /// By a command that ends with the binary, such as a shell that prepares something.
    pub fn serve_by(
        &self,
        mut command: Command,
        arguments: &[&str],
        prepare: impl Fn(&mut Command),
    ) -> Server {
        command.arg("serve").args(arguments).args(["--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        prepare(&mut command);
        Server::start(command)
    }

    /// At an address of its own, which it has again after a restart.
    pub fn serve_at(&self, address: SocketAddr, arguments: &[&str]) -> Server {
        let mut command = self.command();
        command.arg("serve").args(arguments).args(["--listen", &address.to_string()]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Server::start(command)
    }
}

/// A running server; ends with the test.
pub struct Server {
    child: Child,
    pub port: u16,
    // Behind a lock, so that threads can share the server.
    log: Mutex<mpsc::Receiver<String>>,
    seen: String,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let (send, log) = mpsc::channel();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        let mut server = Self { child, port: 0, log: Mutex::new(log), seen: String::new() };
        let line = server.wait_for("listening");
        let line: Value = serde_json::from_str(&line).unwrap();
        let address = line["address"].as_str().unwrap();
        server.port = address.rsplit(':').next().unwrap().parse().unwrap();
        server
    }

    /// The first log line that contains `text`.
    pub fn wait_for(&mut self, text: &str) -> String {
        loop {
            let line = self.log.get_mut().unwrap().recv_timeout(Duration::from_secs(30));
            let line = line.unwrap_or_else(|_| panic!("no line with {text:?} in\n{}", self.seen));
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(text) {
                return line;
            }
        }
    }

    /// What it has logged until the last line that was waited for.
    pub fn seen(&self) -> &str {
        &self.seen
    }

    pub fn send(&self, request: &str) -> Response {
        http::send_to(self.port, request).unwrap()
    }

    pub fn get(&self, path: &str, cookie: &str) -> Response {
        get_from(self.port, path, cookie).unwrap()
    }

    pub fn post(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Response {
        post_to(self.port, path, cookie, fields).unwrap()
    }

    /// Logs in; returns the session cookie.
    pub fn login(&self, name: &str) -> String {
        let answer = self.post("/login", "", &[("username", name), ("password", PASSWORD)]);
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.cookie()
    }

    /// The token that the forms of this session carry.
    pub fn form_token(&self, cookie: &str) -> String {
        form_token_in(&self.get("/account", cookie)).expect("a form")
    }

    pub fn check(&self, role: &str, cookie: &str) -> u16 {
        self.get(&format!("/auth/check?role={role}"), cookie).status
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Memory that the process takes now, in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its size");
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Files and connections that the process has open now.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.id())).unwrap().count()
    }

    /// Sends it a signal by its name, such as STOP.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop and waits until it has; returns all it logged and printed.
    pub fn stop(mut self) -> String {
        signal(&self.child, "TERM");
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        self.seen.extend(self.log.get_mut().unwrap().iter().map(|line| line + "\n"));
        let mut printed = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        std::mem::take(&mut self.seen) + &printed
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status();
    assert!(kill.unwrap().success());
}

/// Tries until it holds, for at most `within`.
pub fn eventually(within: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > within {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// What is in a folder, by name.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
