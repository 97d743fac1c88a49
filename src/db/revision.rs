//! The revision of who may do what: a number in the database that every change raises in its own
//! transaction. What a process remembers of sessions and rights holds only while the revision is
//! the one it knows, and not longer than [`TRUST`] after it last asked.
//!
//! Changes that come past this program count too: on Postgres through triggers, on SQLite since
//! the file says that somebody else wrote to it.

mod triggers;

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Backend, Db, Tx, connect, in_time, sql, turns};

/// So long after the revision was asked for, what is remembered may be answered with.
pub const TRUST: Duration = Duration::from_secs(1);

/// What this process knows of the revision.
#[derive(Debug)]
pub struct Revision {
    begun: Instant,
    /// Microseconds from `begun` to when the newest answer was asked for; 0: never.
    asked_at: AtomicU64,
    /// Another one whenever something may have changed.
    epoch: AtomicU64,
    last: Mutex<Last>,
    /// Connections of SQLite's writer so far. Each has its own count of what others wrote.
    writers: AtomicU64,
}

#[derive(Debug, Default)]
struct Last {
    seen: Option<Seen>,
    /// What was asked before says nothing.
    forgotten: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    number: i64,
    /// Whose number it is. A server that takes the place of another one may have come to the same
    /// number by other changes.
    server: i64,
    writer: u64,
    /// How often somebody else wrote to the SQLite file, as that writer counts.
    version: i64,
}

/// A time in which nothing changed, as far as this process knows. Named before something is read
/// and kept with it, so that what was read before a change is not taken for what is true after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch(u64);

impl Revision {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            asked_at: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            last: Mutex::default(),
            writers: AtomicU64::new(0),
        }
    }

    /// The epoch of this moment; `None` when the revision was not asked for lately.
    pub fn epoch(&self) -> Option<Epoch> {
        // In this order: an answer that changed the epoch is seen with it.
        let asked_at = self.asked_at.load(Ordering::Acquire);
        let epoch = self.now();
        let age = self.begun.elapsed().checked_sub(Duration::from_micros(asked_at))?;
        (asked_at > 0 && age < TRUST).then_some(epoch)
    }

    /// How long ago the newest answer was asked for; `None` when there was none yet.
    pub fn age(&self) -> Option<Duration> {
        let asked_at = self.asked_at.load(Ordering::Acquire);
        let asked_at = (asked_at > 0).then(|| Duration::from_micros(asked_at))?;
        Some(self.begun.elapsed().saturating_sub(asked_at))
    }

    pub(crate) fn now(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// What was read before this is not true any more.
    pub(crate) fn end_epoch(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn note_writer(&self) {
        self.writers.fetch_add(1, Ordering::AcqRel);
    }

    /// Nothing that was read or asked until now is true any more.
    pub(super) fn forget(&self) {
        let mut last = self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *last = Last { seen: None, forgotten: Some(Instant::now()) };
        self.end_epoch();
        self.asked_at.store(0, Ordering::Release);
    }

    fn note(&self, asked: Instant, seen: Seen) {
        let mut last = self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if last.forgotten.is_some_and(|forgotten| asked <= forgotten) {
            return;
        }
        if last.seen.replace(seen) != Some(seen) {
            self.end_epoch();
        }
        let micros = asked.saturating_duration_since(self.begun).as_micros();
        self.asked_at.store(u64::try_from(micros).unwrap_or(u64::MAX).max(1), Ordering::Release);
    }
}

/// Ends the epoch when a commit is over, however it ended: also when nobody waits for it any more.
pub(super) struct Ending<'a>(pub &'a Revision);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end_epoch();
    }
}

/// Raises the number. The last statement of a transaction, since all changes meet in this row.
pub(super) async fn raise(tx: &mut Tx) -> sqlx::Result<()> {
    turns::take(tx, turns::REVISION).await
}

impl Db {
    /// Asks for the revision. What is remembered holds for another [`TRUST`] from the moment of
    /// asking when it is still the same, and no more when it is not.
    pub async fn follow_revision(&self) -> sqlx::Result<()> {
        let asked = Instant::now();
        let name = turns::REVISION;
        let seen = match &self.write {
            Backend::Sqlite(lender) => {
                let mut writer = in_time(lender.pool.acquire()).await?;
                let version = sqlx::query_scalar("pragma data_version").fetch_one(&mut *writer);
                let version = in_time(version).await?;
                let writer = self.revision.writers.load(Ordering::Acquire);
                let number =
                    sql!(self, fetch_one scalar: "select taken from turns where name = $1", name)?;
                Seen { number, server: 0, writer, version }
            }
            Backend::Postgres(cluster) => {
                let answer = async {
                    let mut lent = cluster.lend().await?;
                    let query = sqlx::query_as(connect::REVISION).bind(name);
                    let answer = query.fetch_one(lent.runner()).await;
                    lent.heed(answer)
                };
                let (number, server) = cluster.heed(in_time(answer).await)?;
                if !cluster.is_at(server) {
                    // Behind a pooler, or by a connection that was being made.
                    cluster.leave();
                    return Ok(());
                }
                Seen { number, server, writer: 0, version: 0 }
            }
        };
        self.revision.note(asked, seen);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(number: i64, version: i64) -> Seen {
        Seen { number, server: 1, writer: 1, version }
    }

    #[test]
    fn nothing_holds_before_the_revision_was_asked_for_nor_long_after() {
        let revision = Revision::new();
        assert_eq!((revision.epoch(), revision.age()), (None, None));
        std::thread::sleep(Duration::from_millis(2));
        let asked = Instant::now();
        revision.note(asked, seen(1, 1));
        assert!(revision.epoch().is_some() || asked.elapsed() >= TRUST);
        let long_ago = Revision { begun: asked - 3 * TRUST, ..Revision::new() };
        long_ago.note(asked - 2 * TRUST, seen(1, 1));
        assert_eq!(long_ago.epoch(), None);
        assert!(long_ago.age() >= Some(2 * TRUST));
    }

    #[test]
    fn whatever_differs_ends_the_epoch_and_what_is_the_same_does_not() {
        let revision = Revision::new();
        let mut epochs = Vec::new();
        for (number, version) in [(1, 1), (1, 1), (2, 1), (2, 2), (2, 1), (1, 1), (1, 1)] {
            revision.note(Instant::now(), seen(number, version));
            epochs.push(revision.epoch.load(Ordering::Relaxed));
        }
        assert_eq!(epochs, [1, 1, 2, 3, 4, 5, 5]);
        revision.note(Instant::now(), Seen { writer: 2, ..seen(1, 1) });
        assert_eq!(revision.epoch.load(Ordering::Relaxed), 6, "another writer counts anew");
        revision.note(Instant::now(), Seen { server: 2, ..seen(1, 1) });
        assert_eq!(revision.epoch.load(Ordering::Relaxed), 7, "of another server");
    }

    #[test]
    fn what_another_server_is_asked_before_the_change_says_nothing() {
        let revision = Revision::new();
        let asked = Instant::now();
        revision.note(asked, seen(1, 1));
        let before = revision.now();
        revision.forget();
        assert_eq!(revision.epoch(), None);
        revision.note(asked, seen(1, 1));
        assert_eq!(revision.epoch(), None, "the answer was on its way");
        std::thread::sleep(Duration::from_millis(2));
        revision.note(Instant::now(), seen(1, 1));
        assert!(revision.epoch().is_some_and(|epoch| epoch != before), "the same number");
    }

    #[test]
    fn a_commit_that_nobody_waits_for_ends_the_epoch_too() {
        let revision = Revision::new();
        drop(Ending(&revision));
        assert_eq!(revision.epoch.load(Ordering::Relaxed), 1);
    }
}
