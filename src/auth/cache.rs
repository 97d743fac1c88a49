//! What is remembered of sessions between requests, so that a check asks no database. It holds
//! while nobody changed who may do what ([`crate::db::revision`]), and of each session only until
//! time changes something by itself.

use std::{
    any::Any,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
};

use time::{Duration, OffsetDateTime};

use super::access::{CurrentUser, Names};
use crate::db::{Epoch, sessions::split};

/// Which cookie brought the token: the same bits in the other one open nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cookie {
    Session,
    Check,
}

/// A cookie's kind, and the digest of its token.
pub type Key = (Cookie, i128);

/// A session and its user, as they were found.
#[derive(Debug)]
pub struct Known {
    pub user: Arc<CurrentUser>,
    /// When it was found, as all times here a Unix time: of earlier, when a clock that was ahead is
    /// set right, it says nothing.
    from: i64,
    /// When time changes something: a grant ends, the proof is over, the session must end.
    until: i64,
    /// In how many seconds without use it ends.
    idle: i64,
    note_after: i64,
    /// Moved on by each use that is noted.
    idle_until: AtomicI64,
    noted_at: AtomicI64,
    made: OnceLock<Box<dyn Any + Send + Sync>>,
}

/// A use is noted when the last one noted is so many seconds ago, and up to half of that more, or a
/// quarter of the idle limit. How many more differs by session, so that those that were first used
/// in one second, such as after a restart, are not written down in one second for ever.
const NOTE_AFTER: i64 = 60;

impl Known {
    /// What was found at a time, and holds until another one. The session ends after `idle` without
    /// use, which is at `idle_until` if it is not used any more.
    pub fn new(
        user: CurrentUser,
        (from, until): (OffsetDateTime, OffsetDateTime),
        (idle, idle_until): (Duration, OffsetDateTime),
    ) -> Self {
        let noted_at = user.session.last_seen_at.unix_timestamp();
        let idle = idle.whole_seconds();
        // The end of its id is random (RFC 9562).
        let [.., random] = user.session.id.into_bytes();
        let note_after = NOTE_AFTER + NOTE_AFTER * i64::from(random) / 512;
        Self {
            note_after: note_after.min(idle / 4),
            user: Arc::new(user),
            from: from.unix_timestamp(),
            until: until.unix_timestamp(),
            idle,
            idle_until: AtomicI64::new(idle_until.unix_timestamp()),
            noted_at: AtomicI64::new(noted_at),
            made: OnceLock::new(),
        }
    }

    /// What the caller makes of the user, once; it goes with what is known of them.
    pub fn made<T: Any + Send + Sync>(&self, make: impl FnOnce(&CurrentUser) -> T) -> Option<&T> {
        self.made.get_or_init(|| Box::new(make(&self.user))).downcast_ref()
    }

    /// Whether a use is to be written down: the last one noted is long ago. It is, from then on, and
    /// the session goes on.
    pub fn note(&self, now: OffsetDateTime) -> bool {
        let seconds = now.unix_timestamp();
        let noted = self.noted_at.load(Ordering::Relaxed);
        let is_due = seconds - noted >= self.note_after;
        // Of many at once, one.
        let is_mine = is_due
            && self
                .noted_at
                .compare_exchange(noted, seconds, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_mine {
            self.idle_until.store(seconds + self.idle, Ordering::Relaxed);
        }
        is_mine
    }

    fn holds_at(&self, now: OffsetDateTime) -> bool {
        let now = now.unix_timestamp();
        (self.from..self.until).contains(&now) && now < self.idle_until.load(Ordering::Relaxed)
    }
}

/// So many lists of names are kept, each once: with a list for each session, a check would wait
/// for the processor's memory.
const LISTS: usize = 1000;

/// Bounded: what was not asked for lately makes room.
#[derive(Debug)]
pub struct Cache {
    known: quick_cache::sync::Cache<Key, (Epoch, Arc<Known>)>,
    /// By what the database says.
    names: quick_cache::sync::Cache<String, Names>,
}

impl Cache {
    pub fn new(entries: usize) -> Self {
        Self {
            known: quick_cache::sync::Cache::new(entries),
            names: quick_cache::sync::Cache::new(entries.min(LISTS)),
        }
    }

    /// The names that the database has joined.
    pub fn names(&self, joined: Option<&str>) -> Names {
        let Some(joined) = joined else { return Names::default() };
        self.names.get(joined).unwrap_or_else(|| {
            let names = Names::new(split(joined));
            self.names.insert(joined.to_owned(), names.clone());
            names
        })
    }

    /// How many sessions it holds, whether they still hold or not.
    pub fn entries(&self) -> usize {
        self.known.len()
    }

    /// What was found in this epoch and still holds.
    pub fn get(&self, key: Key, epoch: Epoch, now: OffsetDateTime) -> Option<Arc<Known>> {
        let (found_in, known) = self.known.get(&key)?;
        let holds = known.holds_at(now);
        if !holds {
            // For good: a clock that is set back brings nothing back.
            self.known.remove(&key);
        }
        (found_in == epoch && holds).then_some(known)
    }

    /// Keeps what was looked up: `epoch` was named before the database was asked.
    pub fn put(&self, key: Key, epoch: Epoch, known: Arc<Known>) {
        self.known.insert(key, (epoch, known));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::access::tests::user, db::Revision};

    fn known() -> Arc<Known> {
        let (begin, day) = (OffsetDateTime::UNIX_EPOCH, Duration::days(1));
        Arc::new(Known::new(user(&[], &[]), (begin, begin + day), (day / 2, begin + day)))
    }

    #[test]
    fn what_was_looked_up_before_a_change_is_not_taken_for_what_is_true_after_it() {
        let (cache, revision) = (Cache::new(10), Revision::new());
        let (key, now) = ((Cookie::Session, 1), OffsetDateTime::UNIX_EPOCH);
        let before = revision.now();
        // Here the database is asked, and here the change is committed.
        revision.end_epoch();
        cache.put(key, before, known());
        assert!(cache.get(key, revision.now(), now).is_none());
        cache.put(key, revision.now(), known());
        assert!(cache.get(key, revision.now(), now).is_some());
        assert!(cache.get((Cookie::Check, 1), revision.now(), now).is_none(), "another cookie");
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let (cache, revision) = (Cache::new(10), Revision::new());
        for number in 0..10_000 {
            cache.put((Cookie::Session, number), revision.now(), known());
        }
        assert!((1..=10).contains(&cache.known.len()), "{}", cache.known.len());
    }

    #[test]
    fn of_many_uses_at_once_one_is_noted() {
        let known = known();
        let minute = OffsetDateTime::UNIX_EPOCH + Duration::seconds(60);
        let mut noted = Vec::new();
        for after in [-1, 0, 0, 59, 60, 60] {
            let now = minute + Duration::seconds(after);
            noted.push(known.note(now));
        }
        assert_eq!(noted, [false, true, false, false, true, false]);
    }
}
