//! The one place where time comes from. Everything else is handed a [`Clock`], so that tests
//! can move it.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, SystemTimeError},
};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::{ContextV7, Timestamp, Uuid};

type Read = dyn Fn() -> SystemTime + Send + Sync;

/// Tells the time, and makes ids that sort by it.
#[derive(Clone)]
pub struct Clock {
    read: Arc<Read>,
    /// Microseconds since 1970 that it showed last, for when it fails.
    last: Arc<AtomicU64>,
    ids: Arc<std::sync::Mutex<ContextV7>>,
}

impl Clock {
    /// The clock of this machine.
    #[expect(clippy::disallowed_methods, reason = "time enters the program here")]
    pub fn system() -> Self {
        Self::new(SystemTime::now)
    }

    /// A clock that shows what `read` returns.
    pub fn new(read: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        let ids = Arc::new(std::sync::Mutex::new(ContextV7::new()));
        Self { read: Arc::new(read), last: Arc::default(), ids }
    }

    /// Whether it shows a time at all, which one before 1970 is not.
    pub fn works(&self) -> bool {
        self.shown().is_ok()
    }

    /// Now, UTC, in whole seconds: SQLite compares times as text, and only texts of one form
    /// compare in the order of time.
    pub fn now(&self) -> OffsetDateTime {
        let seconds = self.since_epoch().as_secs().min(MAX_SECONDS - CENTURY);
        OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(seconds as i64)
    }

    /// Now, in milliseconds since 1970: for waits that are shorter than a second is long.
    pub fn now_ms(&self) -> i64 {
        i64::try_from(self.since_epoch().as_millis()).unwrap_or(i64::MAX)
    }

    /// A new id, UUIDv7 (RFC 9562 §5.7): later ones of this process sort after earlier ones.
    pub fn new_id(&self) -> Uuid {
        let now = self.since_epoch();
        let ids = self.ids.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        Uuid::new_v7(Timestamp::from_unix(&*ids, now.as_secs(), now.subsec_nanos()))
    }

    /// A clock that fails stands still: at another time, what has ended would hold again, or
    /// everybody would be signed out.
    fn since_epoch(&self) -> Duration {
        let last = |_| Duration::from_micros(self.last.load(Ordering::Relaxed));
        self.shown().unwrap_or_else(last)
    }

    fn shown(&self) -> Result<Duration, SystemTimeError> {
        let since = (self.read)().duration_since(SystemTime::UNIX_EPOCH)?;
        let micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        self.last.store(micros, Ordering::Relaxed);
        Ok(since)
    }
}

/// A time in the form of RFC 3339, in UTC and whole seconds. `None` when it is none, or lies
/// beyond the years 1970 to 9999.
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    let time = OffsetDateTime::parse(text.trim(), &Rfc3339).ok()?;
    let seconds = u64::try_from(time.unix_timestamp()).ok()?;
    let whole = || OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(seconds as i64);
    (seconds <= MAX_SECONDS).then(whole)
}

/// The last second of the year 9999, the last that both engines and RFC 3339 can write.
const MAX_SECONDS: u64 = 253_402_300_799;
/// So long before that, clocks stop, to leave room for what ends later than now.
const CENTURY: u64 = 100 * 366 * 86_400;

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::*;

    #[test]
    fn a_clock_that_shows_a_time_before_1970_stands_still() {
        let (shown, clock) = clock_from(1_000);
        assert_eq!(clock.now().unix_timestamp(), 1_000);
        for (seconds, expected) in [(-1, 1_000), (2_000, 2_000), (-4_000_000_000, 2_000)] {
            shown.store(seconds, Ordering::Relaxed);
            assert_eq!(clock.now().unix_timestamp(), expected, "{seconds}");
            assert_eq!(clock.now_ms(), expected * 1_000, "{seconds}");
            assert_eq!(clock.works(), seconds > 0);
        }
    }

    #[test]
    fn the_latest_time_leaves_room_for_the_longest_span() {
        let (_, clock) = clock_from(i64::MAX);
        let later = clock.now() + time::Duration::days(10 * 366);
        assert!(later.year() <= 9999, "{later}");
    }

    fn clock_from(seconds: i64) -> (Arc<AtomicI64>, Clock) {
        let shown = Arc::new(AtomicI64::new(seconds));
        let read = shown.clone();
        let clock = Clock::new(move || {
            let seconds = read.load(Ordering::Relaxed);
            let span = Duration::from_secs(seconds.unsigned_abs());
            match seconds {
                0.. => SystemTime::UNIX_EPOCH + span,
                _ => SystemTime::UNIX_EPOCH - span,
            }
        });
        (shown, clock)
    }

    #[test]
    fn a_written_time_is_taken_in_utc_and_whole_seconds() {
        let first = OffsetDateTime::UNIX_EPOCH;
        for text in ["1970-01-01T00:00:00Z", "1970-01-01T02:00:00.9+02:00", " 1970-01-01T00:00:00z"]
        {
            assert_eq!(parse(text), Some(first), "{text}");
        }
        let last = "9999-12-31T23:59:59";
        assert!(parse(&format!("{last}Z")).is_some());
        for text in ["", "soon", "2027-01-01", "1969-12-31T23:59:59Z", &format!("{last}-01:00")] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
