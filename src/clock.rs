//! The one place where time comes from. Everything else is handed a [`Clock`], so that tests
//! can move it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::{ContextV7, Timestamp, Uuid};

type Read = dyn Fn() -> SystemTime + Send + Sync;

/// Tells the time, and makes ids that sort by it.
#[derive(Clone)]
pub struct Clock {
    read: Arc<Read>,
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
        Self { read: Arc::new(read), ids }
    }

    /// Now, UTC, in whole seconds: SQLite compares times as text, and only texts of one form
    /// compare in the order of time.
    pub fn now(&self) -> OffsetDateTime {
        let seconds = self.since_epoch().as_secs().min(MAX_SECONDS);
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

    fn since_epoch(&self) -> Duration {
        (self.read)().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
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

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
