//! The published figures: `cargo bench --bench load`, or `just bench`. Starts the real program
//! beside a bare axum route, puts load on both in turns, prints ratios and writes
//! `docs/benchmarks.md`, which says how. With `--scale` it measures the pages instead, see
//! [`scale`]; with `--timing` whether failed logins can be told apart, see [`timing`].
//! `ROLECALL_BENCH_QUICK=1` runs each thing for a second, to see that it runs, and the name of a
//! part (`starts`, `checks`, `misses`, `logins`) measures that alone; such figures go to the
//! target folder.
//!
//! To add a row: another kind of request is a [`checks::Load`], another server to compare with
//! a [`checks::Target`]; anything else is a module beside [`logins`] that returns a [`report::Table`].

mod bare;
mod checks;
mod databases;
mod http;
mod logins;
mod machine;
mod memory;
mod report;
mod scale;
mod seed;
mod select;
mod server;
mod starts;
mod timing;
mod wrk;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use checks::Target;
use databases::{Databases, Place};
use machine::{CONNECTIONS, Cores};
use report::Table;
use rolecall::clock::Clock;
use seed::Seeded;
use server::Server;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Others may use so much of the machine before and after a run.
const QUIET: f64 = 0.05;

/// How often and how long each thing is measured.
#[derive(Clone, Copy)]
struct Plan {
    is_quick: bool,
    rounds: usize,
    /// Of each row in each round.
    seconds: u64,
    starts: usize,
    sessions: usize,
    /// In the databases that starts are measured on.
    many: u64,
}

impl Plan {
    fn chosen() -> Self {
        let is_quick = is_quick();
        let (rounds, seconds) = if is_quick { (1, 1) } else { (5, 3) };
        Self {
            is_quick,
            rounds,
            seconds,
            starts: rounds,
            sessions: if is_quick { 1000 } else { 100_000 },
            many: if is_quick { 1000 } else { 1_000_000 },
        }
    }

    fn window(self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

fn is_quick() -> bool {
    std::env::var_os("ROLECALL_BENCH_QUICK").is_some_and(|value| value != "0")
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match args[..] {
        ["--bare", port] => bare::serve(port),
        ["--select", port, url] => select::serve(port, url),
        ["--hash", seconds] => logins::hash(seconds),
        _ if args.contains(&"--bench") && args.contains(&"--scale") => scale::run(),
        ["--timing", "--bench"] => timing::run(None),
        ["--timing", count, "--bench"] => timing::run(Some(count)),
        ["--bench"] => run(Plan::chosen(), None),
        [part, "--bench"] => run(Plan::chosen(), Some(part)),
        _ => {
            println!("this measures for minutes; run it with: cargo bench --bench load");
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What is measured.
const PARTS: [&str; 4] = ["starts", "checks", "misses", "logins"];

/// A seeded database.
struct Engine {
    /// Of the engine, and of rolecall on it.
    names: [&'static str; 2],
    place: Place,
    seeded: Seeded,
    /// The parent of the processes that work for it.
    helpers: Option<u32>,
}

fn run(plan: Plan, only: Option<&str>) -> Outcome {
    if let Some(unknown) = only.filter(|part| !PARTS.contains(part)) {
        return Err(format!("there is no part {unknown}, only {}", PARTS.join(", ")).into());
    }
    let wants = |part: &str| only.is_none_or(|only| only == part);
    let begun = Instant::now();
    machine::install_tools()?;
    let cores = Cores::find()?;
    let busy_before = machine::busy()?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut databases = Databases::start(cores, folder.path())?;
    let engines = seed_both(plan, &mut databases)?;

    let starts = wants("starts").then(|| starts::measure(plan, &mut databases)).transpose()?;
    let mut tables = Vec::new();
    if wants("checks") {
        tables.extend(measure_checks(plan, cores, folder.path(), &engines)?);
    }
    let memory = if wants("checks") { tables.pop() } else { None };
    if wants("misses") {
        for engine in &engines {
            tables.push(measure_misses(plan, cores, engine)?);
        }
    }
    if wants("logins") {
        tables.push(logins::measure(plan, cores, &engines)?);
    }
    tables.extend(starts.into_iter().chain(memory));
    for table in &tables {
        println!("\n{table}");
    }
    let took = begun.elapsed().as_secs();
    let invalid: Vec<&str> =
        tables.iter().flat_map(|table| &table.problems).map(String::as_str).collect();
    if !invalid.is_empty() {
        return Err(format!(
            "these rows are invalid, so nothing was written:\n{}",
            invalid.join("\n")
        )
        .into());
    }
    let busy = busy_before.max(machine::busy()?);
    if busy > QUIET {
        println!(
            "\nothers use {:.0} % of this machine: the figures are worth nothing",
            busy * 100.0
        );
    }
    let facts = machine::facts(&databases, cores, busy, folder.path())?;
    let file = destination(plan.is_quick || only.is_some(), "benchmarks.md");
    let head = format!(
        "# Benchmarks\n\nWritten by `just bench` on {}; do not edit. Ratios within one run are \
         what to compare: absolute figures are those of one machine at one time.\n\n",
        Clock::system().now().date()
    );
    report::write(&file, &head, busy <= QUIET, &facts, &tables, &method(plan))?;
    println!("\nwritten to {} after {took} s", file.display());
    Ok(())
}

fn seed_both(plan: Plan, databases: &mut Databases) -> Outcome<[Engine; 2]> {
    println!("seeding {} sessions on each engine", plan.sessions);
    let (sqlite, postgres) = (databases.sqlite()?, databases.postgres()?);
    let seed = |place: &Place| databases.runtime.block_on(seed::seed(place, plan.sessions));
    let (on_sqlite, on_postgres) = (seed(&sqlite)?, seed(&postgres)?);
    Ok([
        Engine {
            names: ["SQLite", "rolecall on SQLite"],
            place: sqlite,
            seeded: on_sqlite,
            helpers: None,
        },
        Engine {
            names: ["Postgres", "rolecall on Postgres"],
            place: postgres,
            seeded: on_postgres,
            helpers: databases.postmaster,
        },
    ])
}

/// Checks that memory answers, and what memory that takes.
fn measure_checks(
    plan: Plan,
    cores: Cores,
    folder: &Path,
    engines: &[Engine; 2],
) -> Outcome<[Table; 2]> {
    let core = cores.server.to_string();
    let bare = ("bare axum route", &Server::bare(&core, folder)?);
    let started = engines.each_ref().map(|engine| Server::rolecall(&core, &engine.place, &[]));
    let [on_sqlite, on_postgres] = started;
    let servers = [on_sqlite?, on_postgres?];
    // On Postgres, where two servers leave each other's memory alone.
    let [_, engine] = engines;
    let metrics = [("ROLECALL_METRICS_LISTEN", "127.0.0.1:0")];
    let counting = Server::rolecall(&core, &engine.place, &metrics)?;
    let named = engines.iter().zip(&servers).map(|(engine, server)| (engine.names[1], server));
    let named: Vec<_> = [bare].into_iter().chain(named).collect();
    let idle = memory::read(&named)?;
    let bare = Target::new(bare.0, bare.1, "/bare", &engines[0].seeded).expecting(200);
    let targets = engines.iter().zip(&servers).map(|(engine, server)| {
        Target::new(engine.names[1], server, "/auth/check?role=admin", &engine.seeded)
            .beside(engine.helpers)
    });
    let counting = Target::new(
        "the same with metrics on",
        &counting,
        "/auth/check?role=admin",
        &engine.seeded,
    )
    .beside(engine.helpers);
    let targets: Vec<_> = [bare].into_iter().chain(targets).chain([counting]).collect();
    let checks = checks::measure(plan, cores, ("Of bare", &checks::LOADS), &targets)?;
    Ok([checks, memory::table(&idle, &memory::read(&named)?)])
}

/// Checks that the database answers.
fn measure_misses(plan: Plan, cores: Cores, engine: &Engine) -> Outcome<Table> {
    let Engine { names, place, seeded, helpers } = engine;
    let core = cores.server.to_string();
    let select = Server::select(&core, place)?;
    let rolecall = Server::rolecall(&core, place, &[("ROLECALL_CACHE_ENTRIES", "1")])?;
    let select =
        |name, path| Target::new(name, &select, path, seeded).with_digests().beside(*helpers);
    let targets = [
        select("its select alone", "/select"),
        Target::new("rolecall", &rolecall, "/auth/check?role=admin", seeded).beside(*helpers),
        select("a simple select", "/simple"),
    ];
    let table = checks::measure(plan, cores, ("Of the select", &checks::MISSES), &targets)?;
    Ok(table.about(names[0]))
}

/// Figures of a quick run are not worth publishing.
fn destination(is_quick: bool, name: &str) -> PathBuf {
    if is_quick {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
    } else {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
    }
}

fn method(plan: Plan) -> String {
    let Plan { rounds, seconds, starts, sessions, .. } = plan;
    format!(
        "
## Method

Repeat it with `just bench` (`cargo bench --bench load`) on a quiet Linux machine with two cores or
more; it takes ten minutes and needs Debian's wrk and PostgreSQL, which it installs if it may. The
source is in `benches/load`.

- **Servers.** The release program as shipped (no setting but address, database, key file and no throttle; on the one core it is given) on a SQLite file and on Postgres, each seeded through the library with
  people who hold `admin` and {sessions} live sessions; its log goes to a file. The bare route is
  axum with one handler that answers 200 and nothing else, behind the same hyper options. All of
  them, and Postgres, run on one core; the load tool on another. Everything on loopback.
- **Load.** wrk, one thread, {CONNECTIONS} connections kept open, no pipelining, so always
  {CONNECTIONS} requests at once; each request carries the next cookie of the list, to the bare
  route as well. p99 as `wrk --latency` has it: corrected for requests that a stall held back.
- **Rounds.** {rounds} rounds of {seconds} s a row, in turns: bare, SQLite, Postgres, Postgres with `metrics_listen`, then the next
  kind of request. Before them every cookie is sent at least once, for a second at least, so that
  memory holds all sessions; the uses of sessions are written down meanwhile as always. A ratio compares with the bare route of the same
  round and the same requests. Shown: medians of the rounds, in brackets least and most.
- **Validity.** In the warm-up every status is compared with the expected one; in the rounds a
  single error (for forged cookies: a single success) or lost connection makes the row invalid, and
  then the run fails and writes nothing.
- **CPU.** User and system time of the server process from `/proc`, divided by the requests; for
  Postgres also that of its own processes. \"Load core\" is how much of its core the load tool used:
  near 100 % it is the limit and not the server, so the bare route could do more; CPU still compares.
- **Selects.** Where memory is to hold nothing, `cache_entries` is 1. Compared with an axum route that
  runs one prepared statement through a pool of sqlx as large as ours, with the digest that the
  client sends: the statement of a check, which reads session, user, roles with all they include,
  permissions and limits; and a simple one that asks for the session of somebody with one role.
- **Flood.** Each connection logs in again and again with the right password, through a proxy that
  names one address for all of them; each login is a verification, a session row and an audit
  record in a durable commit. Whoever is answered 503 waits 100 ms. Beside them one connection asks
  a check every 10 ms, and somebody with another address logs in every 200 ms and must never be
  turned away. All on the same two cores, with two hashing slots; the bare loop calls the same
  hasher from two threads, with memory kept, in a process of its own, right before and right after each flood.
- **Start.** Median of {starts}, the program started directly, asked every half millisecond.
"
    )
}
