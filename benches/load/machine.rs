//! The machine: tools, cores, processor time, and what a reader needs to know to compare.

use std::{
    os::unix::fs::MetadataExt, path::Path, process::Command, sync::LazyLock, time::Duration,
};

use crate::{Outcome, databases::Databases};

/// Of the load tool.
pub const CONNECTIONS: usize = 16;

/// A core for the server and one for the load.
#[derive(Clone, Copy)]
pub struct Cores {
    pub server: usize,
    pub load: usize,
}

impl Cores {
    /// The first and the last that we may use: least likely to be two halves of one.
    pub fn find() -> Outcome<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let numbers = list.unwrap_or_default().trim().split([',', '-']);
        let numbers: Vec<usize> = numbers.filter_map(|number| number.parse().ok()).collect();
        match numbers[..] {
            [server, .., load] if server != load => Ok(Self { server, load }),
            _ => Err("needs two cores, one for the server and one for the load".into()),
        }
    }

    pub fn both(self) -> String {
        format!("{},{}", self.server, self.load)
    }
}

/// Installs what is missing where it may, as `scripts/test` does, else says what that is.
pub fn install_tools() -> Outcome {
    let mut needed = vec![("wrk", "wrk"), ("util-linux", "taskset"), ("util-linux", "setpriv")];
    let has_postgres = has("initdb") || Path::new("/usr/lib/postgresql").exists();
    if std::env::var_os("TEST_POSTGRES_URL").is_none() && !has_postgres {
        needed.push(("postgresql", "initdb"));
    }
    let missing: Vec<&str> =
        needed.iter().filter(|(_, program)| !has(program)).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let apt = "apt-get -q update && DEBIAN_FRONTEND=noninteractive \
               apt-get -q -y --no-install-recommends install";
    let command = format!("{apt} {}", missing.join(" "));
    let is_done =
        is_root && has("apt-get") && Command::new("sh").args(["-c", &command]).status()?.success();
    if is_done { Ok(()) } else { Err(format!("please install: {}", missing.join(" ")).into()) }
}

fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}

/// How much a core, or all of them, had done at one moment.
pub struct Usage {
    name: String,
    idle: u64,
    all: u64,
}

impl Usage {
    pub fn of_core(core: usize) -> Outcome<Self> {
        Self::read(format!("cpu{core}"))
    }

    fn read(name: String) -> Outcome<Self> {
        let stat = std::fs::read_to_string("/proc/stat")?;
        let line = stat.lines().find(|line| line.split(' ').next() == Some(&name));
        let numbers = line.unwrap_or_default().split_whitespace().skip(1).take(8);
        let ticks: Vec<u64> = numbers.flat_map(str::parse).collect();
        let idle = ticks.iter().skip(3).take(2).sum(); // idle, and waiting for the disk
        let all = ticks.iter().sum();
        Ok(Self { name, idle, all })
    }

    /// The share of the time since then that was used, by whomever.
    pub fn since(self) -> Outcome<f64> {
        let now = Self::read(self.name)?;
        let idle = now.idle.saturating_sub(self.idle) as f64;
        let all = now.all.saturating_sub(self.all).max(1) as f64;
        Ok(1.0 - idle / all)
    }
}

/// The share of all cores that is in use while we wait for a second.
pub fn busy() -> Outcome<f64> {
    let before = Usage::read("cpu".to_owned())?;
    std::thread::sleep(Duration::from_secs(1));
    before.since()
}

/// Processor time that a process has used so far.
pub fn cpu_of(process: u32) -> Outcome<Duration> {
    let stat = stat_of(process)?;
    let ticks =
        |index: usize| -> Outcome<u64> { Ok(stat.get(index).ok_or("/proc is strange")?.parse()?) };
    Ok((ticks(UTIME)? + ticks(STIME)?) as u32 * *TICK)
}

/// The same of the children that a process has now.
pub fn cpu_of_children(parent: u32) -> Outcome<Duration> {
    let processes = std::fs::read_dir("/proc")?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let children =
        processes.filter(|process| parent_of(*process).is_ok_and(|found| found == parent));
    Ok(children.filter_map(|child| cpu_of(child).ok()).sum())
}

pub fn parent_of(process: u32) -> Outcome<u32> {
    let stat = stat_of(process)?;
    Ok(stat.get(PARENT).ok_or("/proc is strange")?.parse()?)
}

/// Fields of /proc/PID/stat after the name, which may hold anything.
const PARENT: usize = 1;
const UTIME: usize = 11;
const STIME: usize = 12;

fn stat_of(process: u32) -> Outcome<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("/proc is strange")?;
    Ok(fields.split(' ').map(str::to_owned).collect())
}

/// The unit in which the kernel tells processor time.
static TICK: LazyLock<Duration> = LazyLock::new(|| {
    let per_second: Option<u32> = said("getconf CLK_TCK").parse().ok();
    Duration::from_secs(1) / per_second.unwrap_or(100)
});

/// What stands in the published table, in order.
pub fn facts(
    databases: &Databases,
    cores: Cores,
    busy: f64,
    folder: &Path,
) -> Outcome<Vec<(&'static str, String)>> {
    let setting = |name: &str| databases.ask_postgres::<String>(&format!("show {name}"));
    let postgres = format!(
        "{}, fsync {}, synchronous_commit {}, {}",
        setting("server_version")?,
        setting("fsync")?,
        setting("synchronous_commit")?,
        match databases.postmaster {
            Some(_) => "started by scripts/postgres --durable on the server's core",
            None => "the server of TEST_POSTGRES_URL",
        },
    );
    let crates = ["axum", "hyper", "tokio", "sqlx", "argon2"];
    let crates = crates.map(|name| format!("{name} {}", locked_version(name)));
    let model = said("LC_ALL=C lscpu | sed -n 's/^Model name: *//p' | head -n 1");
    let siblings =
        format!("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cores.server);
    let siblings = std::fs::read_to_string(siblings).unwrap_or_default();
    let siblings = match siblings.trim() {
        "" => String::new(),
        list => format!(" (threads of that core: {list})"),
    };
    Ok(vec![
        ("Processor", format!("{model}, {} cores", said("nproc --all"))),
        (
            "Cores used",
            format!("{} by the server{siblings}, {} by the load", cores.server, cores.load),
        ),
        ("In use by others", format!("{:.0} %", busy * 100.0)),
        ("Memory", said("sed -n 's/^MemTotal: *//p' /proc/meminfo")),
        ("System", said("uname -sr; sed -n 's/^PRETTY_NAME=\"\\(.*\\)\"/\\1/p' /etc/os-release")),
        (
            "rolecall",
            format!("{} ({})", env!("CARGO_PKG_VERSION"), said("git describe --always --dirty")),
        ),
        ("Rust", said("rustc --version")),
        ("Crates", crates.join(", ")),
        (
            "SQLite",
            format!(
                "{}, WAL, synchronous=full, on {}",
                databases.sqlite_version()?,
                file_system(folder)
            ),
        ),
        ("Postgres", postgres),
        ("Load tool", said("wrk --version 2>&1 | head -n 1 | cut -d ' ' -f 1-2")),
    ])
}

fn file_system(folder: &Path) -> String {
    said(&format!("stat -f -c %T '{}'", folder.display()))
}

/// What a shell command prints, on one line; empty when it fails.
fn said(command: &str) -> String {
    let output =
        Command::new("sh").args(["-c", command]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn locked_version(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let lock = std::fs::read_to_string(file).unwrap_or_default();
    let (_, after) =
        lock.split_once(&format!("name = \"{name}\"\nversion = \"")).unwrap_or_default();
    after.split('"').next().unwrap_or_default().to_owned()
}
