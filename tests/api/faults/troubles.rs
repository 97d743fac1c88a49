//! What goes wrong at random: the sources of randomness and time, connections, locks, tables.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use rolecall::{
    auth::sessions,
    clock::Clock,
    random::{Random, RandomFailed},
};
use tokio::time::sleep;

use super::Run;
use crate::support::{Dice, Engine, NOW, Pool, Wire};

/// Randomness that fails at times, and a clock that is off by seconds.
pub struct Sources {
    dice: Mutex<Dice>,
    are_bad: AtomicBool,
    faults: AtomicUsize,
}

impl Sources {
    pub fn new(seed: u64) -> Arc<Self> {
        let (are_bad, faults) = Default::default();
        Arc::new(Self { dice: Mutex::new(Dice::new(seed)), are_bad, faults })
    }

    /// A number below `end` while sources are bad.
    fn draw(&self, end: usize) -> Option<usize> {
        self.are_bad.load(Ordering::Relaxed).then(|| self.dice.lock().unwrap().below(end))
    }

    pub fn random(self: &Arc<Self>) -> Random {
        let (sources, system) = (self.clone(), Random::system());
        Random::new(move |buffer| {
            if sources.draw(15) == Some(0) {
                sources.faults.fetch_add(1, Ordering::Relaxed);
                return Err(RandomFailed);
            }
            for byte in buffer {
                [*byte] = system.bytes()?;
            }
            Ok(())
        })
    }

    pub fn clock(self: &Arc<Self>) -> Clock {
        let sources = self.clone();
        Clock::new(move || {
            let seconds = NOW + sources.draw(9).unwrap_or(4) as u64;
            SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
        })
    }
}

/// Tables that are away for a moment.
const TABLES: [&str; 14] = [
    "audit",
    "audit_personal",
    "grants",
    "login_keys",
    "permissions",
    "role_grantors",
    "role_includes",
    "role_permissions",
    "roles",
    "session_data",
    "sessions",
    "tallies",
    "turns",
    "users",
];

/// Makes faults until the run is over; then everything works again. Returns how many there were.
pub async fn until_over(run: &Run, wire: Option<&Wire>, sources: &Sources) -> usize {
    sources.are_bad.store(true, Ordering::Relaxed);
    if let Some(wire) = wire {
        wire.leave_to(Some(Dice::new(run.seed + 1)));
    }
    let dice = |number| Dice::new(run.seed + number);
    let (some, others) = tokio::join!(make(run, wire, dice(2)), make(run, wire, dice(3)));
    sources.are_bad.store(false, Ordering::Relaxed);
    if let Some(wire) = wire {
        wire.leave_to(None);
    }
    some + others + sources.faults.load(Ordering::Relaxed) + wire.map_or(0, Wire::faults)
}

async fn make(run: &Run, wire: Option<&Wire>, mut dice: Dice) -> usize {
    let mut faults = 0;
    while !run.is_over() {
        sleep(Duration::from_millis(dice.below(100) as u64)).await;
        let long = if dice.once_in(200) { 2000 } else { 0 };
        let moment = Duration::from_millis(long + 3 + dice.below(30) as u64);
        match dice.below(7) {
            0 | 1 => table_away(run, TABLES[dice.below(TABLES.len())], moment).await,
            2 => table_locked(run, TABLES[dice.below(TABLES.len())], moment).await,
            3 => pool_taken(run, moment).await,
            4 => wire_dead(wire, moment).await,
            5 => connections_ended(run, wire, &mut dice).await,
            // What runs beside requests meets the faults of the others.
            _ => {
                let _ = sessions::write_touched(&run.t.app).await;
                let _ = sessions::sweep(&run.t.app).await;
                continue;
            }
        }
        faults += 1;
    }
    faults
}

/// Statements that need the table fail.
async fn table_away(run: &Run, table: &str, moment: Duration) {
    let db = &run.t.db;
    let limit = match db.engine {
        Engine::Sqlite => "",
        Engine::Postgres => "set lock_timeout = '1s'; ",
    };
    // The other one may have it.
    if db.try_execute(&format!("{limit}alter table {table} rename to {table}_away")).await.is_err()
    {
        return;
    }
    sleep(moment).await;
    while let Err(error) =
        db.try_execute(&format!("{limit}alter table {table}_away rename to {table}")).await
    {
        println!("{table} is still away: {error}");
    }
}

/// Somebody else holds the table; on SQLite, the file.
async fn table_locked(run: &Run, table: &str, moment: Duration) {
    match &run.t.db.pool {
        Pool::Sqlite(pool) => {
            let held = pool.begin_with("begin immediate").await;
            sleep(moment).await;
            drop(held);
        }
        Pool::Postgres(pool) => {
            let Ok(mut held) = pool.begin().await else { return };
            let lock = format!("set local lock_timeout = '1s'; lock table {table}");
            let _ = sqlx::raw_sql(&lock).execute(&mut *held).await;
            sleep(moment).await;
            let _ = held.rollback().await;
        }
    }
}

/// No connection is left for requests.
async fn pool_taken(run: &Run, moment: Duration) {
    let mut held = Vec::new();
    let soon = Duration::from_millis(50);
    if let Ok(writer) = tokio::time::timeout(soon, run.t.app.db.begin()).await {
        held.push(writer);
    }
    while let Ok(reader) = tokio::time::timeout(soon, run.t.app.db.begin_read()).await {
        held.push(reader);
        if held.len() > 20 {
            break;
        }
    }
    sleep(moment).await;
}

async fn wire_dead(wire: Option<&Wire>, moment: Duration) {
    use crate::support::wire::{DEAD, WHOLE};
    if let Some(wire) = wire {
        wire.set(DEAD);
        sleep(moment).await;
        wire.set(WHOLE);
    }
}

/// The server ends some connections.
async fn connections_ended(run: &Run, wire: Option<&Wire>, dice: &mut Dice) {
    for id in wire.map(Wire::backends).unwrap_or_default() {
        if dice.once_in(2) {
            let end = format!("select pg_terminate_backend({id})");
            run.t.db.try_execute(&end).await.expect("backends can be ended");
        }
    }
}
