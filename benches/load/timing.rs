//! Whether the time of a failed login tells what there is to know of an account:
//! `cargo bench --bench load -- --timing [COUNT]`, or `just bench-timing`. Writes
//! `docs/benchmarks-timing.md`, and fails when two kinds can be told apart.

mod people;

use std::time::Instant;

use rolecall::{clock::Clock, random::Random};
use time::OffsetDateTime;

use crate::{
    Outcome, QUIET,
    databases::{Databases, Place},
    destination, http,
    machine::{self, Cores},
    report::{self, Table, median},
    server::Server,
};
use people::Kind;

/// Logins of each kind.
const COUNT: usize = 2000;
/// With fewer, chance alone gets over the limit; nothing is judged or published then.
const LEAST: usize = 1000;
/// Of the area under the curve: whoever guesses by the time which of two kinds a login was is
/// right this often at most.
const LIMIT: f64 = 0.55;

/// Milliseconds of each login of one kind.
type Times = Vec<f64>;

pub fn run(count: Option<&str>) -> Outcome {
    let (count, begun) = (count.map_or(Ok(COUNT), str::parse)?, Instant::now());
    machine::install_tools()?;
    let cores = Cores::find()?;
    let busy_before = machine::busy()?;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut databases = Databases::start(cores, folder.path())?;
    let (mut tables, mut told) = (Vec::new(), Vec::new());
    for engine in ["SQLite", "Postgres"] {
        let place = match engine {
            "SQLite" => databases.sqlite()?,
            _ => databases.postgres()?,
        };
        println!("{engine}: making people, holding some of them back");
        databases.runtime.block_on(people::make(&place, Clock::system().now()))?;
        // First, since a wait that was begun ends; as many as ever, since they are quick.
        let held_back = measure(cores, &place, "on", &Kind::HELD_BACK, count.max(COUNT))?;
        let failed = measure(cores, &place, "off", &Kind::FAILED, count)?;
        let all: Vec<(Kind, Times)> = failed.into_iter().chain(held_back).collect();
        for table in [times(engine, &all), pairs(engine, &all, &mut told)] {
            println!("\n{table}");
            tables.push(table);
        }
    }
    let busy = busy_before.max(machine::busy()?);
    let mut facts = machine::facts(&databases, cores, busy, folder.path())?;
    facts.retain(|(name, _)| *name != "Load tool");
    let is_quick = count < LEAST;
    let file = destination(is_quick, "benchmarks-timing.md");
    let date: OffsetDateTime = Clock::system().now();
    report::write(&file, &head(date), busy <= QUIET, &facts, &tables, &method(count))?;
    println!("\nwritten to {} after {} s", file.display(), begun.elapsed().as_secs());
    match told.as_slice() {
        [] => Ok(()),
        _ if is_quick => {
            println!("above {LIMIT}, but {count} of each kind are too few to judge by:");
            told.iter().for_each(|pair| println!("{pair}"));
            Ok(())
        }
        _ => Err(format!("can be told apart by their time:\n{}", told.join("\n")).into()),
    }
}

/// So many logins of each kind, in an order that chance gives, one after the other.
fn measure(
    cores: Cores,
    place: &Place,
    throttle: &str,
    kinds: &[Kind],
    count: usize,
) -> Outcome<Vec<(Kind, Times)>> {
    let settings = [("ROLECALL_THROTTLE", throttle)];
    let server = Server::rolecall(&cores.server.to_string(), place, &settings)?;
    let random = Random::system();
    let mut order = Vec::with_capacity(kinds.len() * count);
    for number in 0..count {
        for kind in 0..kinds.len() {
            order.push((random.bytes::<8>()?, kind, number));
        }
    }
    order.sort_unstable();
    let mut found: Vec<(Kind, Times)> = kinds.iter().map(|kind| (*kind, Vec::new())).collect();
    // The first are for nothing: the server grows warm.
    for (_, kind, number) in order.iter().take(20) {
        log_in(&server, kinds[*kind], *number)?;
    }
    for (_, kind, number) in &order {
        let took = log_in(&server, kinds[*kind], *number)?;
        found[*kind].1.push(took);
    }
    Ok(found)
}

/// Milliseconds that a failing login takes.
fn log_in(server: &Server, kind: Kind, number: usize) -> Outcome<f64> {
    let name = kind.name(number);
    let form = format!("username={name}&password=wrong+horse+battery+staple");
    let answer = http::post_form(server.port, "/login", &form)?;
    if answer.status != kind.answered_with() {
        return Err(format!("{kind}: {name} is answered with {}", answer.status).into());
    }
    Ok(answer.took.as_secs_f64() * 1e3)
}

fn times(engine: &str, all: &[(Kind, Times)]) -> Table {
    let title = format!("{engine}: time of a login in ms");
    let mut table = Table::new(title, &["Login", "Median", "A tenth below", "A tenth above"]);
    for (kind, times) in all {
        let mut sorted = times.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |tenth: usize| sorted.get(sorted.len() * tenth / 10).copied().unwrap_or_default();
        let ms = |value: f64| format!("{value:.3}");
        table.row([kind.to_string(), ms(median(times)), ms(at(1)), ms(at(9))]);
    }
    table
}

/// Every two kinds that must not differ, and those that are only reported.
fn pairs(engine: &str, all: &[(Kind, Times)], told: &mut Vec<String>) -> Table {
    let title = format!("{engine}: area under the curve, {LIMIT} at most");
    let mut table = Table::new(title, &["One", "Other", "Area", "Judged"]);
    for (index, (one, times)) in all.iter().enumerate() {
        for (other, other_times) in &all[index + 1..] {
            if one.answered_with() != other.answered_with() {
                continue;
            }
            let area = area(times, other_times);
            let is_judged = ![one, other].contains(&&Kind::OldHash);
            if is_judged && area > LIMIT {
                told.push(format!("{engine}: {one} and {other}: {area:.3}"));
            }
            let judged = if is_judged { "yes" } else { "no" };
            table.row([one.to_string(), other.to_string(), format!("{area:.3}"), judged.into()]);
        }
    }
    table
}

/// How often a time of one kind is above a time of the other (Mann-Whitney U over all pairs), or
/// below if that is more often; 0.5 is no difference.
fn area(one: &[f64], other: &[f64]) -> f64 {
    let mut sorted = other.to_vec();
    sorted.sort_by(f64::total_cmp);
    let wins = |time: &f64| {
        let below = sorted.partition_point(|other| other < time);
        let not_above = sorted.partition_point(|other| other <= time);
        (below + not_above) as f64 / 2.0
    };
    let share = one.iter().map(wins).sum::<f64>() / (one.len() * other.len()).max(1) as f64;
    0.5 + (share - 0.5).abs()
}

fn head(at: OffsetDateTime) -> String {
    format!(
        "# Benchmarks: what the time of a failed login tells\n\nWritten by `just bench-timing` on \
         {}; do not edit. A pair above {LIMIT} makes the run fail.\n\n",
        at.date()
    )
}

fn method(count: usize) -> String {
    format!(
        "
## Method

Repeat it with `just bench-timing` (`cargo bench --bench load -- --timing`) on a quiet Linux machine
with two cores; it takes a quarter of an hour. The source is in `benches/load/timing`.

- **Logins.** {count} of each kind in an order that chance gives, to {people} accounts of each kind,
  with names of one length; one at a time, so that none waits for another, each on a new loopback
  connection, from the request to the last byte of the answer. Failed ones must be answered with
  401, held back ones with 429.
- **Servers.** The release program on one core together with Postgres, the client on the other, with
  the shipped cost of a hash ({cost}). For the kinds that fail the throttle is off, since it would
  hold all of them back; a login counts its tries for known and unknown names alike.
- **Held back.** Accounts and names that nobody has, each with {tries} failures before, the last a
  moment ago; only for these is the throttle on.
- **Area under the curve.** The probability that a login of one kind takes longer than one of the
  other, or less long if that is more probable: 0.5 is no difference, 1 always to be told. With
  {count} of each, chance alone moves it by about {error:.3}.
- **Not judged.** A hash with the parameters of former days ({old}) takes the time that they take,
  until the next login of its owner renews it.
",
        people = people::EACH,
        cost = "m=19456,t=2,p=1",
        tries = people::TRIES,
        old = people::OLD_COST,
        error = (1.0 / (6.0 * count.max(1) as f64)).sqrt(),
    )
}
