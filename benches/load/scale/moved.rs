//! A database that an import has filled, from a thousand users to a million: the import itself, and
//! what an operator and a person who logs in notice of its size.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use rolecall::{
    app::{App, Migrate},
    clock::Clock,
    config::{Chosen, HashParams, Settings},
    db::users,
    random::Random,
};

use super::{
    LIMIT, PASSWORD,
    pages::{self, Page, Reader},
    signed_in,
};
use crate::{
    Outcome,
    databases::{Databases, Place},
    http,
    machine::Cores,
    report::{self, Table, median},
    server::{Server, pinned},
};

/// So that a login is measured and not its hash.
const CHEAP: &str = "m=64,t=1,p=1";
/// Most MB that an import and a list may take.
const MOST_MB: f64 = 150.0;
/// Most ms that a start may take, and a login without its hash beyond one among the fewest users.
const START: f64 = 1000.0;
const LOGIN: f64 = 2.0;

const GIVEN: [&str; 12] = [
    "anna", "ben", "clara", "david", "emma", "finn", "hanna", "ivan", "maria", "noah", "rosa",
    "zoe",
];
const FAMILY: [&str; 12] = [
    "bauer", "becker", "braun", "fischer", "hartmann", "klein", "koch", "krause", "meyer",
    "schmidt", "weber", "wolf",
];

/// What was found with one number of users.
struct Found {
    users: u64,
    import_seconds: f64,
    import_mb: f64,
    again_seconds: f64,
    again_mb: f64,
    list_first: f64,
    list_seconds: f64,
    list_mb: f64,
    searches: [f64; 2],
    login: f64,
    start: f64,
}

/// Measures each number of users on a new database each.
pub fn measure(
    engine: &str,
    (sizes, times, cores): (&[u64], usize, Cores),
    databases: &mut Databases,
    slow: &mut Vec<String>,
) -> Outcome<Table> {
    let mut found = Vec::new();
    for users in sizes {
        println!("importing {} users into {engine}", report::count(*users as f64));
        let place = match engine {
            "SQLite" => databases.sqlite()?,
            _ => databases.postgres()?,
        };
        let prepared = databases.runtime.block_on(prepared(&place))?;
        found.push(measure_one(&place, *users, times, cores, &prepared)?);
        if engine == "SQLite" {
            std::fs::remove_dir_all(&place.folder)?;
        }
    }
    let table = table(engine, &found);
    if let (Some(few), Some(many)) = (found.first(), found.last()) {
        slow.extend(many.problems(few).iter().map(|problem| format!("{engine}: {problem}")));
    }
    Ok(table)
}

/// Who looks at the pages, and a cheap hash of [`PASSWORD`].
struct Prepared {
    cookie: String,
    hash: String,
}

async fn prepared(place: &Place) -> Outcome<Prepared> {
    let argon2 = Some(CHEAP.parse::<HashParams>()?);
    let settings = Settings::resolve(Chosen {
        key_file: Some(place.key_file()),
        argon2,
        ..Chosen::default()
    })?;
    let (clock, random) = (Clock::system(), Random::system());
    let app = App::open(&place.url, settings, Migrate::Apply, clock, random).await?;
    let (_, cookie) = signed_in(&app, "admin-of-all", "admin").await?;
    let admin = users::find_by_key(&app.db, "admin-of-all").await?;
    let hash = admin.and_then(|admin| admin.password_hash).ok_or("a password was not kept")?;
    app.db.close().await;
    Ok(Prepared { cookie, hash })
}

fn measure_one(
    place: &Place,
    users: u64,
    times: usize,
    cores: Cores,
    Prepared { cookie, hash }: &Prepared,
) -> Outcome<Found> {
    let file = place.folder.join("users.csv");
    write_users(&file, users, hash)?;
    let arguments = ["import", "users.csv", "--format", "csv"];
    let import = run(place, cores, &arguments)?;
    let again = run(place, cores, &arguments)?;
    std::fs::remove_file(file)?;
    let list = run(place, cores, &["user", "list"])?;
    let starts = (0..5).map(|_| {
        let begun = Instant::now();
        Server::rolecall_unpinned(place)?;
        Ok(begun.elapsed().as_secs_f64() * 1e3)
    });
    let starts = starts.collect::<Outcome<Vec<f64>>>()?;
    let core = cores.server.to_string();
    let server = Server::rolecall(&core, place, &[("ROLECALL_ARGON2", CHEAP)])?;
    let search = |query: String| {
        let path = format!("/admin/users?q={query}");
        let page = Page { title: "", path, reader: Reader::Admin };
        Ok(pages::measure(&server, &page, cookie, times)?.median())
    };
    let searches: [Outcome<f64>; 2] = [search("ma".to_owned()), search(name(users / 2))];
    let [common, rare] = searches;
    let logins = (0..=times).map(|round| {
        let user = name(round as u64 * (users - 1) / times.max(1) as u64);
        let form = format!("username={user}&password={}", PASSWORD.replace(' ', "+"));
        let answer = http::post_form(server.port, "/login", &form)?;
        match answer.status {
            303 => Ok(answer.took.as_secs_f64() * 1e3),
            status => Err(format!("a login is answered {status}").into()),
        }
    });
    let logins = logins.collect::<Outcome<Vec<f64>>>()?;
    Ok(Found {
        users,
        import_seconds: import.seconds,
        import_mb: import.mb,
        again_seconds: again.seconds,
        again_mb: again.mb,
        list_first: list.first,
        list_seconds: list.seconds,
        list_mb: list.mb,
        searches: [common?, rare?],
        // The first login also loads what the others find.
        login: median(logins.get(1..).unwrap_or_default()),
        start: median(&starts),
    })
}

/// In an order that no index has.
fn name(number: u64) -> String {
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let pick = |list: [&'static str; 12], at: u64| list[at as usize % list.len()];
    format!("{}.{}.{number}", pick(GIVEN, mixed), pick(FAMILY, mixed / 12))
}

fn write_users(file: &Path, users: u64, hash: &str) -> Outcome {
    let mut out = BufWriter::new(File::create(file)?);
    writeln!(out, "username,email,display_name,password_hash,roles,status")?;
    for number in 0..users {
        let name = name(number);
        writeln!(out, "{name},{name}@example.com,\"Of {name}\",\"{hash}\",user,active")?;
    }
    Ok(out.flush()?)
}

/// What a command took.
struct Ran {
    /// Until the first byte on its standard output, in ms.
    first: f64,
    seconds: f64,
    /// Resident memory at most.
    mb: f64,
}

/// Runs a command on all cores, its output read and thrown away.
fn run(place: &Place, cores: Cores, arguments: &[&str]) -> Outcome<Ran> {
    let mut command = pinned(&cores.both(), env!("CARGO_BIN_EXE_rolecall"));
    command
        .args(arguments)
        .current_dir(&place.folder)
        .env("ROLECALL_DATABASE_URL", &place.url)
        .env("ROLECALL_KEY_FILE", place.key_file());
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or("no standard output")?;
    let reading = std::thread::spawn(move || -> std::io::Result<Duration> {
        let (mut output, mut chunk) = (BufReader::new(output), [0; 64 * 1024]);
        output.read_exact(&mut chunk[..1])?;
        let first = begun.elapsed();
        while output.read(&mut chunk)? > 0 {}
        Ok(first)
    });
    let mut most = 0;
    let status = loop {
        most = most.max(resident(&child));
        match child.try_wait()? {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let seconds = begun.elapsed().as_secs_f64();
    if !status.success() {
        return Err(format!("{arguments:?}: {status}").into());
    }
    let first = reading.join().map_err(|_| "nobody read")??;
    Ok(Ran { first: first.as_secs_f64() * 1e3, seconds, mb: most as f64 * 1024.0 / 1e6 })
}

/// At most so far, in KiB.
fn resident(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    let status = status.unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

type Value = fn(&Found) -> String;

const ROWS: [(&str, Value); 12] = [
    ("Import: users per second", |found| per_second(found, found.import_seconds)),
    ("Import: seconds", |found| format!("{:.1}", found.import_seconds)),
    ("Import: memory at most, MB", |found| format!("{:.0}", found.import_mb)),
    ("Import again, all are there: users per second", |found| {
        per_second(found, found.again_seconds)
    }),
    ("Import again: memory at most, MB", |found| format!("{:.0}", found.again_mb)),
    ("`user list`: first line, ms", |found| format!("{:.0}", found.list_first)),
    ("`user list`: all, seconds", |found| format!("{:.1}", found.list_seconds)),
    ("`user list`: memory at most, MB", |found| format!("{:.0}", found.list_mb)),
    ("Search by a common beginning, ms", |found| format!("{:.1}", found.searches[0])),
    ("Search by a whole name, ms", |found| format!("{:.1}", found.searches[1])),
    ("Login without its hash, ms", |found| format!("{:.1}", found.login)),
    ("Start to the first answer, ms", |found| format!("{:.0}", found.start)),
];

fn per_second(found: &Found, seconds: f64) -> String {
    report::count(found.users as f64 / seconds)
}

fn table(engine: &str, found: &[Found]) -> Table {
    let sizes = found.iter().map(|found| format!("{} users", report::count(found.users as f64)));
    let header: Vec<String> = std::iter::once(String::new()).chain(sizes).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = Table::new(format!("{engine}: an import, and life after it"), &header);
    for (title, value) in ROWS {
        table.line(std::iter::once(title.to_owned()).chain(found.iter().map(value)).collect());
    }
    table
}

impl Found {
    /// What is not as promised, beside the same with the fewest users.
    fn problems(&self, few: &Self) -> Vec<String> {
        let memory = self.import_mb.max(self.again_mb).max(self.list_mb);
        let search = self.searches[0].max(self.searches[1]);
        let limits = [
            ("memory, MB", memory, MOST_MB),
            ("search, ms", search, LIMIT),
            ("login without its hash beyond that among few, ms", self.login - few.login, LOGIN),
            ("start, ms", self.start, START),
        ];
        let over = limits.iter().filter(|(_, value, limit)| value > limit);
        over.map(|(what, value, limit)| format!("{what}: {value:.1}, not {limit:.0}")).collect()
    }
}
