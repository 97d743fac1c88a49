//! How long a start takes, from exec to the first answer of `/readyz`.

use std::time::Instant;

use crate::{
    Outcome, Plan,
    databases::{Databases, Place},
    report::{self, Table, median},
    scale::{self, fill::Size},
    server::Server,
};

/// Starts on an empty database, which is migrated, and on the same one again.
pub fn measure(plan: Plan, databases: &mut Databases) -> Outcome<Table> {
    println!("filling two databases with {} sessions", report::count(plan.many as f64));
    let [many_on_sqlite, many_on_postgres] = [databases.sqlite()?, databases.postgres()?];
    let size = Size { users: 1000, sessions: plan.many, records: 1000 };
    for place in [&many_on_sqlite, &many_on_postgres] {
        databases.runtime.block_on(scale::filled(place, size))?;
    }
    let mut times: [Vec<f64>; 6] = Default::default();
    let [on_sqlite, sqlite_again, sqlite_many, on_postgres, postgres_again, postgres_many] =
        &mut times;
    for round in 1..=plan.starts {
        println!("starts, round {round} of {}", plan.starts);
        let sqlite = databases.sqlite()?;
        on_sqlite.push(start(&sqlite)?);
        sqlite_again.push(start(&sqlite)?);
        sqlite_many.push(start(&many_on_sqlite)?);
        let postgres = databases.postgres()?;
        on_postgres.push(start(&postgres)?);
        postgres_again.push(start(&postgres)?);
        postgres_many.push(start(&many_on_postgres)?);
    }
    let titles = [
        "SQLite, empty: migrates",
        "SQLite, up to date",
        "SQLite, 1,000,000 sessions",
        "Postgres, empty: migrates",
        "Postgres, up to date",
        "Postgres, 1,000,000 sessions",
    ];
    let title = "Start: from exec to the first 200 of `/readyz`, on all cores".to_owned();
    let mut table = Table::new(title, &["Database", "ms", "Fastest", "Slowest"]);
    for (name, times) in titles.iter().zip(&times) {
        let fastest = times.iter().copied().fold(f64::INFINITY, f64::min);
        let slowest = times.iter().copied().fold(0.0, f64::max);
        let ms = |value: f64| format!("{value:.0}");
        table.row([(*name).to_owned(), ms(median(times)), ms(fastest), ms(slowest)]);
    }
    Ok(table)
}

/// Milliseconds until it answers.
fn start(place: &Place) -> Outcome<f64> {
    let begun = Instant::now();
    let server = Server::rolecall_unpinned(place)?;
    let took = begun.elapsed();
    drop(server);
    Ok(took.as_secs_f64() * 1e3)
}
