//! How the engine is set, and whether its clock and ours agree.

use super::{Report, database::TOPIC};
use crate::{
    clock::Clock,
    db::{
        self, Backend, Db, Schema,
        inspect::{self, Postgres, Sqlite},
    },
};

/// The engine, and the clock beside it.
pub async fn look(report: &mut Report, url: &str, db: &Db, clock: &Clock) {
    let asked_at = clock.now_ms();
    let theirs = match inspect::engine(db).await {
        Ok(Backend::Sqlite(found)) => {
            sqlite(report, &found);
            None
        }
        Ok(Backend::Postgres(found)) => {
            postgres(report, url, &found);
            Some(found.clock_ms)
        }
        Err(error) => {
            let found = format!("it cannot be read: {}", db::plain(&error));
            return report.fail(TOPIC, found, "restore a backup");
        }
    };
    let newest = match db.schema().await {
        Ok(Schema::Current) => inspect::newest_record(db).await.ok().flatten(),
        _ => None,
    };
    let newest_ms = newest.map(|at| at.unix_timestamp().saturating_mul(1_000));
    clocks(report, clock, asked_at, theirs, newest_ms);
}

fn sqlite(report: &mut Report, found: &Sqlite) {
    let before = report.0.len();
    if let Some(damage) = &found.damage {
        let advice = "stop the server, keep a copy of the file and restore a backup";
        report.fail(TOPIC, format!("the file is damaged: {damage}"), advice);
    }
    if let Some(table) = &found.orphans {
        let found = format!("rows of {table} refer to what is not there: somebody wrote by hand");
        report.fail(TOPIC, found, "pragma foreign_key_check names them; or restore a backup");
    }
    if !found.foreign_keys || found.synchronous < 2 {
        let found = "it does not keep foreign keys, or does not wait for the disk";
        report.fail(TOPIC, found, "run the program as it was released");
    }
    if report.0.len() == before {
        let version = &found.version;
        let journal = match found.journal_mode.as_str() {
            "wal" => "write-ahead log",
            // As in a backup.
            _ => "a write-ahead log with the next start",
        };
        let found = format!("SQLite {version}: whole, {journal}, waits for the disk, foreign keys");
        report.ok(TOPIC, found);
    }
}

/// Oldest version that has all that is used, and the oldest that is still mended.
const OLDEST: i32 = 110_000;
const OLDEST_MENDED: i32 = 150_000;

fn postgres(report: &mut Report, url: &str, found: &Postgres) {
    let before = report.0.len();
    let version = &found.version;
    let newer = format!("take {} or newer", OLDEST_MENDED / 10_000);
    if found.number < OLDEST {
        report.fail(TOPIC, format!("Postgres {version} lacks what is needed"), newer);
    } else if found.number < OLDEST_MENDED {
        report.warn(TOPIC, format!("Postgres {version} gets no fixes any more"), newer);
    }
    if found.is_standby {
        report.fail(
            TOPIC,
            "it is a standby: nobody can sign in, nothing can be changed",
            "name the primary, or promote this one: select pg_promote()",
        );
    }
    if found.encoding != "UTF8" {
        let found = format!("its texts are in {}", found.encoding);
        report.fail(TOPIC, found, "make a database with encoding 'UTF8' and copy to it");
    }
    for (name, value) in [("fsync", &found.fsync), ("full_page_writes", &found.full_page_writes)] {
        if value == "off" {
            let found = format!("{name} is off: a crash of the machine destroys it");
            report.fail(TOPIC, found, set_on(name));
        }
    }
    if found.synchronous_commit == "off" {
        let found = "synchronous_commit is off: a crash undoes what was told to be done";
        report.warn(TOPIC, found, set_on("synchronous_commit"));
    }
    if db::is_unprotected(url) {
        let found = "the connection to another machine may be read or answered by others";
        report.warn(TOPIC, found, "add sslmode=verify-full to the URL");
    }
    if report.0.len() == before {
        report.ok(TOPIC, format!("Postgres {version}: a primary that waits for the disk"));
    }
}

fn set_on(name: &str) -> String {
    format!("alter system set {name} = on; select pg_reload_conf()")
}

/// What two clocks may differ by without anybody noticing, in milliseconds.
const SLACK_MS: i64 = 5_000;

fn clocks(
    report: &mut Report,
    clock: &Clock,
    asked_at: i64,
    theirs: Option<i64>,
    newest: Option<i64>,
) {
    const TOPIC: &str = "clock";
    let now = clock.now_ms();
    if !clock.works() {
        return report.fail(TOPIC, "it shows a time before 1970", "set it");
    }
    // Theirs was read between the question and now.
    let apart = theirs.map(|theirs| (asked_at - theirs).max(theirs - now).max(0));
    let advice = "keep the clocks of all machines by NTP";
    match apart {
        Some(ms) if ms > SLACK_MS => {
            let found = format!("it is {} s from that of Postgres", ms / 1_000);
            report.warn(TOPIC, found, advice);
        }
        _ => {}
    }
    match newest {
        Some(newest) if newest > now + SLACK_MS => {
            let found =
                format!("it is {} s behind the newest audit record", (newest - now) / 1_000);
            report.fail(TOPIC, found, "set it: what has ended would hold again");
        }
        _ => match apart {
            None => report.ok(TOPIC, "it is behind no audit record"),
            Some(ms) if ms <= SLACK_MS => {
                report.ok(TOPIC, "it agrees with that of Postgres, and is behind no audit record");
            }
            Some(_) => {}
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{super::Level, *};

    #[test]
    fn a_clock_before_1970_is_all_that_is_told_of_the_clock() {
        let clock = Clock::new(|| SystemTime::UNIX_EPOCH - Duration::from_secs(1));
        let mut report = Report::default();
        clocks(&mut report, &clock, clock.now_ms(), Some(1_000_000), Some(1_000_000));
        let [line] = report.0.as_slice() else { panic!("one line") };
        assert_eq!((line.level, line.found.as_str()), (Level::Fail, "it shows a time before 1970"));
        assert_eq!(line.advice.as_deref(), Some("set it"));
    }
}
