//! The processes that are measured: started on given cores, read through /proc, ended with us.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Outcome, databases::Place, http, machine};

/// A server that starts later than this is not waited for.
const START_WITHIN: Duration = Duration::from_secs(30);

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    pub port: u16,
    log: PathBuf,
}

impl Server {
    /// rolecall as shipped, but for `settings`, on the cores of a list such as `0,1`.
    pub fn rolecall(cores: &str, place: &Place, settings: &[(&str, &str)]) -> Outcome<Self> {
        let command = pinned(cores, env!("CARGO_BIN_EXE_rolecall"));
        Self::start(command, place, settings)
    }

    /// The same on all cores, straight from this process: to see how long a start takes.
    pub fn rolecall_unpinned(place: &Place) -> Outcome<Self> {
        Self::start(Command::new(env!("CARGO_BIN_EXE_rolecall")), place, &[])
    }

    fn start(mut command: Command, place: &Place, settings: &[(&str, &str)]) -> Outcome<Self> {
        let port = http::free_port()?;
        command
            .arg("serve")
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .env("ROLECALL_DATABASE_URL", &place.url)
            .env("ROLECALL_KEY_FILE", place.key_file())
            // A few accounts log in over and over.
            .env("ROLECALL_THROTTLE", "off")
            .envs(settings.iter().copied());
        Self::spawn(command, port, &place.folder, "/readyz")
    }

    pub fn bare(cores: &str, folder: &Path) -> Outcome<Self> {
        let port = http::free_port()?;
        let mut command = pinned(cores, &std::env::current_exe()?);
        command.args(["--bare", &port.to_string()]);
        Self::spawn(command, port, folder, "/bare")
    }

    /// One prepared select on this database.
    pub fn select(core: &str, place: &Place) -> Outcome<Self> {
        let port = http::free_port()?;
        let mut command = pinned(core, &std::env::current_exe()?);
        command.args(["--select", &port.to_string(), &place.url]);
        Self::spawn(command, port, &place.folder, "/select")
    }

    /// Returns when `path` is answered.
    fn spawn(mut command: Command, port: u16, folder: &Path, path: &str) -> Outcome<Self> {
        let log = folder.join(format!("{port}.log"));
        let begun = Instant::now();
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        let mut server = Self { child, port, log };
        while begun.elapsed() < START_WITHIN {
            if http::status(port, path).is_ok_and(|status| matches!(status, 200 | 401)) {
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("a server did not start, {status}: {}", server.log()).into());
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        Err(format!("a server did not answer in time: {}", server.log()).into())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Processor time used so far.
    pub fn cpu(&self) -> Outcome<Duration> {
        machine::cpu_of(self.child.id())
    }

    /// Resident memory, now and at most so far, in KiB.
    pub fn memory(&self) -> Outcome<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            number.ok_or_else(|| format!("no {name} in /proc"))
        };
        Ok((field("VmRSS:")?, field("VmHWM:")?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `program` on the cores of a list such as `0,1`. It ends when this process does, however that
/// ends, and sees no settings from our environment.
pub fn pinned(cores: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "taskset", "-c", cores]).arg(program);
    without_settings(&mut command);
    command
}

fn without_settings(command: &mut Command) {
    let others = ["DATABASE_URL", "TOKIO_WORKER_THREADS"];
    for (name, _) in std::env::vars_os() {
        let is_setting = name
            .to_str()
            .is_some_and(|name| name.starts_with("ROLECALL_") || others.contains(&name));
        if is_setting {
            command.env_remove(name);
        }
    }
}
