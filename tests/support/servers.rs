//! Servers of a test's own, started by `scripts/`: each ends with its value, or with this process
//! however that ends.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

/// A script that prints a URL and serves until the pipe to it breaks.
pub struct Served {
    pub url: String,
    child: Child,
}

impl Served {
    pub const POSTGRES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/postgres");
    const PGBOUNCER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/pgbouncer");

    fn start(script: &str, arguments: &[&str]) -> Result<Self, String> {
        let mut command = Command::new(script);
        command.args(arguments);
        Self::start_by(command)
    }

    /// By a command that ends with the script, such as a shell that prepares something.
    pub fn start_by(mut command: Command) -> Result<Self, String> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C is meant for the tests; the server then ends with them, and cleans up.
        let started = command.process_group(0).spawn();
        let mut child = started.map_err(|error| format!("{command:?}: {error}"))?;
        let mut url = String::new();
        let mut answers = BufReader::new(child.stdout.take().expect("piped"));
        answers.read_line(&mut url).map_err(|error| error.to_string())?;
        if url.is_empty() {
            let mut reason = String::new();
            let mut errors = child.stderr.take().expect("piped");
            let _ = errors.read_to_string(&mut reason);
            return Err(reason);
        }
        Ok(Self { url: url.trim().to_owned(), child })
    }

    /// A Postgres server.
    pub fn postgres() -> Self {
        Self::try_postgres().expect("a server")
    }

    /// The same, or why there is none.
    pub fn try_postgres() -> Result<Self, String> {
        Self::start(Self::POSTGRES, &[])
    }

    /// One that follows `primary`.
    pub fn standby_of(primary: &str) -> Self {
        Self::start(Self::POSTGRES, &["--standby-of", primary]).expect("a standby")
    }

    /// PgBouncer in transaction mode before the server of `url`, with so many connections to it.
    pub fn pgbouncer(url: &str, connections: u32) -> Self {
        Self::start(Self::PGBOUNCER, &[url, &connections.to_string()]).expect("a pooler")
    }

    /// Of the process that was started.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Host and port.
    pub fn place(&self) -> &str {
        let after = self.url.split_once('@').expect("a user").1;
        after.split_once('/').expect("a path").0
    }

    /// Ends it as a crash would, and waits until nothing of it is left.
    pub fn kill(self) {}

    /// Runs statements there with psql; returns what the last one printed.
    pub fn psql(&self, sql: &str) -> String {
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", &self.url]);
        psql.args(["--set", "ON_ERROR_STOP=1", "--command", sql]);
        let output = psql.stdin(Stdio::null()).output().expect("psql");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("a text").trim().to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
