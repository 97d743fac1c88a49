//! What this process counts, for Prometheus. Each label has a handful of values, all of them words
//! of this program: nothing that somebody sends becomes one, and no number is about one person.

use std::{fmt::Display, time::Duration};

use axum::http::{Method, StatusCode};
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts,
    Registry, TextEncoder, core::Collector,
};

/// Seconds; a check that memory answers is below the first.
const REQUEST_BUCKETS: [f64; 12] =
    [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5];
/// Seconds; a hash takes tens of milliseconds, and may wait for those before it.
const HASH_BUCKETS: [f64; 10] = [0.001, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// The counters of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Only where somebody may ask for them, since their time is measured.
    pub requests: Option<Requests>,
    pub lookups: Lookups,
    logins: IntCounterVec,
    held_back: IntCounterVec,
    swept: IntCounter,
    swept_at: GaugeVec,
}

/// How a login ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Login {
    /// A session was opened.
    Ok,
    /// The password was good for one login, which led to a link.
    OneTime,
    Refused,
    HeldBack,
    /// The queue of hashes was full.
    Busy,
    /// Through a fault of ours or the database's.
    Failed,
}

impl Login {
    const ALL: [Self; 6] =
        [Self::Ok, Self::OneTime, Self::Refused, Self::HeldBack, Self::Busy, Self::Failed];

    fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::OneTime => "one_time",
            Self::Refused => "refused",
            Self::HeldBack => "held_back",
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }
}

impl Metrics {
    /// Of a process that hashes with `hashing`. Without a door that they are read at, requests are
    /// not counted.
    pub fn new(is_served: bool, hashing: &Hashing, holding_back: &[impl Display]) -> Self {
        let registry = Registry::new();
        hashing.register(&registry);
        let lookups = counters(
            &registry,
            "rolecall_cache_lookups_total",
            "Sessions looked for in memory, by whether they were found there",
            &["result"],
        );
        let logins = counters(
            &registry,
            "rolecall_logins_total",
            "Logins with a password, by how they ended",
            &["outcome"],
        );
        let held_back = counters(
            &registry,
            "rolecall_held_back_total",
            "Tries at a password or link that had to wait, by the counter that said so",
            &["counter"],
        );
        // What has not happened yet is 0, so that its first time shows.
        for outcome in Login::ALL {
            logins.with_label_values(&[outcome.label()]);
        }
        for counter in holding_back {
            held_back.with_label_values(&[counter.to_string().as_str()]);
        }
        let swept = IntCounter::new(
            "rolecall_sessions_swept_total",
            "Expired sessions that this process deleted",
        );
        // Without labels, so that there is no value before there was a sweep.
        let swept_at = Opts::new(
            "rolecall_sweep_last_success_timestamp_seconds",
            "When this process last swept expired sessions",
        );
        Self {
            requests: is_served.then(|| Requests::new(&registry)),
            lookups: Lookups {
                hits: lookups.with_label_values(&["hit"]),
                misses: lookups.with_label_values(&["miss"]),
            },
            logins,
            held_back,
            swept: added(&registry, swept),
            swept_at: added(&registry, GaugeVec::new(swept_at, &[])),
            registry,
        }
    }

    pub fn login(&self, ended: Login) {
        self.logins.with_label_values(&[ended.label()]).inc();
    }

    /// A try had to wait for this counter.
    pub fn held_back(&self, by: impl Display) {
        self.held_back.with_label_values(&[by.to_string().as_str()]).inc();
    }

    pub fn swept(&self, sessions: u64) {
        self.swept.inc_by(sessions);
    }

    /// A sweep came to its end.
    pub fn swept_at(&self, now: time::OffsetDateTime) {
        self.swept_at.with_label_values::<&str>(&[]).set(now.unix_timestamp() as f64);
    }

    /// All of it with what was looked at just now, in the text format of Prometheus (0.0.4).
    pub fn text(&self, now: &Snapshot) -> String {
        let mut families = self.registry.gather();
        families.extend(now.0.gather());
        TextEncoder::new().encode_to_string(&families).unwrap_or_else(|error| impossible(&error))
    }
}

/// Requests that were answered, by what answered them.
#[derive(Debug)]
pub struct Requests {
    answered: IntCounterVec,
    seconds: HistogramVec,
}

impl Requests {
    fn new(registry: &Registry) -> Self {
        let seconds = HistogramOpts::new(
            "rolecall_http_request_duration_seconds",
            "Time from the head of a request to its answer",
        );
        let seconds = seconds.buckets(REQUEST_BUCKETS.to_vec());
        Self {
            answered: counters(
                registry,
                "rolecall_http_requests_total",
                "Requests answered",
                &["method", "route", "status"],
            ),
            seconds: added(registry, HistogramVec::new(seconds, &["method", "route"])),
        }
    }

    /// Where answers of this kind are counted. `route` is one of the table of routes, never what a
    /// client sent.
    pub fn of(&self, method: &Method, route: &str, status: StatusCode) -> Answers {
        let method = match method.as_str() {
            known @ ("GET" | "HEAD" | "POST") => known,
            _ => "other",
        };
        Answers {
            answered: self.answered.with_label_values(&[method, route, status.as_str()]),
            seconds: self.seconds.with_label_values(&[method, route]),
        }
    }
}

/// Answers of one kind. Counting takes no lock and no memory.
#[derive(Debug, Clone)]
pub struct Answers {
    answered: IntCounter,
    seconds: Histogram,
}

impl Answers {
    pub fn note(&self, took: Duration) {
        self.answered.inc();
        self.seconds.observe(took.as_secs_f64());
    }
}

/// What memory knew of sessions. Counting takes no lock and no memory.
#[derive(Debug)]
pub struct Lookups {
    pub hits: IntCounter,
    pub misses: IntCounter,
}

/// Passwords on their way through the hasher.
#[derive(Debug, Clone)]
pub struct Hashing {
    wait: Histogram,
    seconds: Histogram,
    turned_away: IntCounter,
}

impl Default for Hashing {
    fn default() -> Self {
        let histogram = |name, help| {
            let options = HistogramOpts::new(name, help).buckets(HASH_BUCKETS.to_vec());
            Histogram::with_opts(options).unwrap_or_else(|error| impossible(&error))
        };
        let turned_away = IntCounter::new(
            "rolecall_hash_turned_away_total",
            "Passwords that the queue had no place for",
        );
        Self {
            wait: histogram(
                "rolecall_hash_wait_seconds",
                "Time that a password waits for its turn to be hashed",
            ),
            seconds: histogram(
                "rolecall_hash_duration_seconds",
                "Time that hashing a password takes, without the wait",
            ),
            turned_away: turned_away.unwrap_or_else(|error| impossible(&error)),
        }
    }
}

impl Hashing {
    fn register(&self, registry: &Registry) {
        added(registry, Ok(self.wait.clone()));
        added(registry, Ok(self.seconds.clone()));
        added(registry, Ok(self.turned_away.clone()));
    }

    /// Its turn came after this wait.
    pub fn begun(&self, waited: Duration) {
        self.wait.observe(waited.as_secs_f64());
    }

    pub fn done(&self, took: Duration) {
        self.seconds.observe(took.as_secs_f64());
    }

    pub fn turned_away(&self) {
        self.turned_away.inc();
    }
}

/// What is looked at when somebody asks, and not counted before. What cannot be known is left out.
#[derive(Debug, Default)]
pub struct Snapshot(Registry);

impl Snapshot {
    pub fn gauge(&self, name: &str, help: &str, value: f64) {
        added(&self.0, Gauge::new(name, help)).set(value);
    }

    /// One gauge with a value for each set of labels.
    pub fn gauges<const N: usize>(
        &self,
        (name, help): (&str, &str),
        labels: [&str; N],
        values: &[([&str; N], f64)],
    ) {
        let gauges = added(&self.0, GaugeVec::new(Opts::new(name, help), &labels));
        for (of, value) in values {
            gauges.with_label_values(of).set(*value);
        }
    }
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    added(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

/// Names, labels and buckets stand in this program, so that each start would fail or none.
fn added<T: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<T>) -> T {
    let made = made.unwrap_or_else(|error| impossible(&error));
    registry.register(Box::new(made.clone())).unwrap_or_else(|error| impossible(&error));
    made
}

fn impossible(error: &prometheus::Error) -> ! {
    unreachable!("a metric of ours is wrong: {error}")
}
