//! Logins per second with two hashing slots, beside a bare loop of the same hasher.

use std::{
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::{
    Outcome, Plan,
    databases::Place,
    machine::{CONNECTIONS, Cores},
    report::{self, Table, median},
    seed::Seeded,
    server::{Server, pinned},
    wrk::{self, Look, Requests},
};

const SLOTS: usize = 2;
/// Differs from what is shipped, whatever the machine.
const SETTINGS: [(&str, &str); 1] = [("ROLECALL_HASH_SLOTS", "2")];

#[derive(Default)]
struct Row {
    per_second: Vec<f64>,
    p99_ms: Vec<f64>,
    /// Of the bare loop in the same round.
    ratio: Vec<f64>,
    problem: Option<String>,
}

/// Logs people in, round by round. Server, load and database share the two cores.
pub fn measure(plan: Plan, cores: Cores, targets: &[(&str, &Place, &Seeded)]) -> Outcome<Table> {
    let both = cores.both();
    let started = targets.iter().map(|(_, place, _)| Server::rolecall(&both, place, &SETTINGS));
    let servers = started.collect::<Outcome<Vec<Server>>>()?;
    let mut bare = Vec::new();
    let mut rows: Vec<Row> = targets.iter().map(|_| Row::default()).collect();
    for round in 1..=plan.rounds {
        println!("logins, round {round} of {}", plan.rounds);
        let loop_alone = hashes_per_second(&both, plan.window())?;
        bare.push(loop_alone);
        for ((server, (.., seeded)), row) in servers.iter().zip(targets).zip(&mut rows) {
            let forms = Requests::Forms(&seeded.forms);
            let found =
                wrk::run(&both, &server.url("/login"), forms, plan.seconds, Look::Statuses)?;
            row.per_second.push(found.per_second());
            row.p99_ms.push(found.p99.as_secs_f64() * 1e3);
            row.ratio.push(found.per_second() / loop_alone);
            row.problem = row.problem.take().or_else(|| found.problem(303));
        }
    }
    let params = Params::DEFAULT;
    let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
    let title = format!(
        "Logins: `POST /login`, {CONNECTIONS} connections, {SLOTS} hashing slots on two cores, argon2id m={m},t={t},p={p}"
    );
    let header = ["Done by", "Per second", "p99 ms", "Of the loop", "Memory after, MB", "at most"];
    let mut table = Table::new(title, &header);
    table.row([
        "bare loop of the hasher".to_owned(),
        format!("{:.1}", median(&bare)),
        String::new(),
        "1".to_owned(),
        String::new(),
        String::new(),
    ]);
    for (((name, ..), server), row) in targets.iter().zip(&servers).zip(&rows) {
        let (now, most) = server.memory()?;
        table.row([
            (*name).to_owned(),
            format!("{:.1}", median(&row.per_second)),
            format!("{:.0}", median(&row.p99_ms)),
            report::ratio(&row.ratio),
            report::mb(now),
            report::mb(most),
        ]);
        table.problem(row.problem.as_deref());
    }
    Ok(table)
}

fn hashes_per_second(cores: &str, window: Duration) -> Outcome<f64> {
    let output = pinned(cores, std::env::current_exe()?)
        .args(["--hash", &window.as_secs().to_string()])
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Hashes in a loop on a thread for each slot, in a process of its own, and prints how many per
/// second.
pub fn hash(seconds: &str) -> Outcome {
    let window = Duration::from_secs(seconds.parse()?);
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
