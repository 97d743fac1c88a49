//! What a flood of logins does to them, to checks and to memory, beside a bare loop of the same
//! hasher.

use std::{
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::{
    Engine, Outcome, Plan, http,
    machine::Cores,
    report::{self, Table, median},
    seed::Seeded,
    server::{Server, pinned},
};

type Failed = std::io::Error;

const SLOTS: usize = 2;
/// Those who only log in, all the time.
const FLOOD: usize = 64;
/// More than there is room for: two slots and a queue of 64.
const OVERFLOW: usize = 128;
/// Whoever is told to come back waits a little.
const PAUSE: Duration = Duration::from_millis(100);
/// Enough for a p99; more would be a load of its own.
const CHECK_EVERY: Duration = Duration::from_millis(10);
const OTHER_EVERY: Duration = Duration::from_millis(200);
/// What is shipped, but for the slots, which depend on the machine, and for a proxy to believe.
const SETTINGS: [(&str, &str); 2] =
    [("ROLECALL_HASH_SLOTS", "2"), ("ROLECALL_TRUSTED_PROXIES", "127.0.0.1")];
/// Whose logins these are, as the proxy says.
const FLOODER: &str = "X-Forwarded-For: 203.0.113.7\r\n";
const OTHER: &str = "X-Forwarded-For: 198.51.100.4\r\n";

/// What all rounds found of one server under one flood.
#[derive(Default)]
struct Row {
    per_second: Vec<f64>,
    /// Of the bare loop around it.
    ratio: Vec<f64>,
    idle_p99: Vec<f64>,
    p99: Vec<f64>,
    /// The slowest login from another address.
    other: Vec<f64>,
    turned_away: usize,
    turned_away_p99: Vec<f64>,
    problem: Option<String>,
}

/// What happened in one window.
#[derive(Default)]
struct Flood {
    logins: usize,
    checks: Vec<Duration>,
    others: Vec<Duration>,
    turned_away: Vec<Duration>,
    problem: Option<String>,
}

/// Floods the login round by round, with checks and another person's logins beside it. Server,
/// load and database share the two cores. The bare loop runs right before and right after each
/// flood, so that what else the machine does weighs on both alike.
pub fn measure(plan: Plan, cores: Cores, targets: &[Engine]) -> Outcome<Table> {
    let both = cores.both();
    let started = targets.iter().map(|engine| Server::rolecall(&both, &engine.place, &SETTINGS));
    let servers = started.collect::<Outcome<Vec<Server>>>()?;
    let base: Vec<u64> = servers.iter().map(|one| Ok(one.memory()?.0)).collect::<Outcome<_>>()?;
    let floods = [FLOOD, OVERFLOW];
    let mut bare = Vec::new();
    let mut rows: Vec<Row> = Vec::new();
    rows.resize_with(targets.len() * floods.len(), Row::default);
    for round in 1..=plan.rounds {
        println!("logins, round {round} of {}", plan.rounds);
        let pairs = targets.iter().zip(&servers);
        for ((Engine { seeded, .. }, server), rows) in pairs.zip(rows.chunks_mut(floods.len())) {
            let idle = flood(server, seeded, 0, plan.window())?;
            for (row, connections) in rows.iter_mut().zip(floods) {
                row.idle_p99.push(p99(&idle.checks));
                let before = hashes_per_second(&both, plan.window() / 2)?;
                let found = flood(server, seeded, connections, plan.window())?;
                let after = hashes_per_second(&both, plan.window() / 2)?;
                let alone = f64::midpoint(before, after);
                bare.push(alone);
                row.add(found, plan, alone);
            }
        }
    }
    let params = Params::DEFAULT;
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    let title = format!(
        "A flood of logins: {SLOTS} hashing slots and all else on two cores, argon2id m={m},t={t},p={p}"
    );
    let header = [
        "Flood",
        "Logins per second",
        "Of the loop",
        "Check p99 ms",
        "without flood",
        "Other address, slowest login ms",
        "Turned away",
        "p99 ms",
        "Memory before, MB",
        "at most",
    ];
    let mut table = Table::new(title, &header);
    let mut first =
        ["bare loop of the hasher".to_owned(), format!("{:.1}", median(&bare))].to_vec();
    first.push("1".to_owned());
    first.resize(header.len(), String::new());
    table.line(first);
    let pairs = targets.iter().zip(&servers).zip(base);
    for (((Engine { names: [_, name], .. }, server), base), rows) in
        pairs.zip(rows.chunks(floods.len()))
    {
        let (_, most) = server.memory()?;
        for (row, connections) in rows.iter().zip(floods) {
            let ms = |values: &[f64]| format!("{:.1}", median(values));
            let turned_away = match row.turned_away {
                0 => Default::default(),
                count => (report::count(count as f64), ms(&row.turned_away_p99)),
            };
            table.row([
                format!("{connections} connections, {name}"),
                format!("{:.1}", median(&row.per_second)),
                report::ratio(&row.ratio),
                ms(&row.p99),
                ms(&row.idle_p99),
                format!("{:.0}", row.other.iter().copied().fold(0.0, f64::max)),
                turned_away.0,
                turned_away.1,
                report::mb(base),
                report::mb(most),
            ]);
            table.problem(row.problem.as_deref());
        }
    }
    Ok(table)
}

impl Row {
    fn add(&mut self, flood: Flood, plan: Plan, loop_alone: f64) {
        let per_second = flood.logins as f64 / plan.window().as_secs_f64();
        self.per_second.push(per_second);
        self.ratio.push(per_second / loop_alone);
        self.p99.push(p99(&flood.checks));
        self.other.extend(flood.others.iter().map(|took| took.as_secs_f64() * 1e3));
        self.turned_away += flood.turned_away.len();
        if !flood.turned_away.is_empty() {
            self.turned_away_p99.push(p99(&flood.turned_away));
        }
        self.problem = self.problem.take().or(flood.problem);
    }
}

/// In ms.
fn p99(times: &[Duration]) -> f64 {
    let mut times: Vec<f64> = times.iter().map(|took| took.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}

/// So many connections that log in, one that checks at its own pace, one that logs in from
/// elsewhere.
fn flood(server: &Server, seeded: &Seeded, count: usize, window: Duration) -> Outcome<Flood> {
    let forms = std::fs::read_to_string(&seeded.forms)?;
    let forms: Vec<&str> = forms.lines().collect();
    let cookie = std::fs::read_to_string(&seeded.one)?;
    let (port, until) = (server.port, Instant::now() + window);
    thread::scope(|scope| {
        let flooding: Vec<_> = (0..count)
            .map(|number| {
                let form = forms[number % forms.len()];
                scope.spawn(move || log_in_until(port, form, (FLOODER, Duration::ZERO), until))
            })
            .collect();
        let other = forms[forms.len() - 1];
        let other = scope.spawn(move || log_in_until(port, other, (OTHER, OTHER_EVERY), until));
        let checking = scope.spawn(|| check_until(port, cookie.trim(), until));
        let mut all = Flood::default();
        for one in flooding {
            let one = one.join().map_err(|_| "a thread of the flood failed")??;
            all.logins += one.others.len();
            all.turned_away.extend(one.turned_away);
            all.problem = all.problem.take().or(one.problem);
        }
        let other = other.join().map_err(|_| "the other thread failed")??;
        if other.others.is_empty() || !other.turned_away.is_empty() {
            let away = other.turned_away.len();
            all.problem = Some(format!("{away} logins from another address were turned away"));
        }
        all.problem = all.problem.take().or(other.problem);
        all.logins += other.others.len();
        all.others = other.others;
        all.checks = checking.join().map_err(|_| "the checking thread failed")??;
        Ok(all)
    })
}

/// What was done is in `others`.
fn log_in_until(
    port: u16,
    form: &str,
    (whose, pause): (&str, Duration),
    until: Instant,
) -> Result<Flood, Failed> {
    let mut found = Flood::default();
    let mut connection = http::Kept::open(port)?;
    while Instant::now() < until {
        let answer = connection.post_form("/login", form, whose)?;
        match answer.status {
            // What ends after the window is not of it.
            303 if Instant::now() > until => {}
            303 => found.others.push(answer.took),
            503 => {
                found.turned_away.push(answer.took);
                thread::sleep(PAUSE);
            }
            other => found.problem = Some(format!("a login was answered with {other}")),
        }
        thread::sleep(pause);
    }
    Ok(found)
}

fn check_until(port: u16, cookie: &str, until: Instant) -> Result<Vec<Duration>, Failed> {
    let mut connection = http::Kept::open(port)?;
    let mut times = Vec::new();
    while Instant::now() < until {
        let took = connection.get("/auth/check?role=admin", cookie)?;
        times.push(took);
        thread::sleep(CHECK_EVERY.saturating_sub(took));
    }
    Ok(times)
}

fn hashes_per_second(cores: &str, window: Duration) -> Outcome<f64> {
    let output = pinned(cores, std::env::current_exe()?)
        .args(["--hash", &window.as_secs_f64().to_string()])
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Hashes in a loop on a thread for each slot, in a process of its own, and prints how many per
/// second.
pub fn hash(seconds: &str) -> Outcome {
    let window = Duration::from_secs_f64(seconds.parse()?);
    let begun = Instant::now();
    let threads = [(); SLOTS].map(|()| thread::spawn(move || hash_until(begun, window)));
    let mut count = 0;
    for thread in threads {
        count += thread.join().map_err(|_| "a hashing thread failed")??;
    }
    println!("{}", f64::from(count) / begun.elapsed().as_secs_f64());
    Ok(())
}

fn hash_until(begun: Instant, window: Duration) -> Result<u32, argon2::Error> {
    let params = Params::DEFAULT;
    let mut memory = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut output = [0; 32];
    let mut count = 0;
    while begun.elapsed() < window {
        argon2.hash_password_into_with_memory(
            b"correct horse battery staple",
            &[7; 16],
            &mut output,
            &mut memory,
        )?;
        count += 1;
    }
    Ok(count)
}
