//! Runs the load tool for one row and one round, and reads what it found.

use std::{collections::BTreeMap, path::Path, time::Duration};

use crate::{Outcome, machine::CONNECTIONS, server::pinned};

/// Whether every status is looked at, or only whether it is an error, which costs nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Statuses,
    Errors,
}

#[derive(Debug)]
pub struct Found {
    pub requests: u64,
    pub took: Duration,
    pub p99: Duration,
    /// Connections that failed, and answers that did not come in time.
    socket_errors: u64,
    /// Answers with a status of 400 or above.
    error_statuses: u64,
    /// Empty unless they were looked at.
    statuses: BTreeMap<u16, u64>,
}

/// Puts load on `url` from these cores for so many seconds; each line of the file goes along as
/// Cookie header in its turn.
pub fn run(cores: &str, url: &str, cookies: &Path, seconds: u64, look: Look) -> Outcome<Found> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/load/load.lua");
    let mode = if look == Look::Statuses { "count" } else { "quick" };
    let output = pinned(cores, "wrk")
        .args(["--latency", "--threads", "1", "--connections", &CONNECTIONS.to_string()])
        .args(["--duration", &format!("{seconds}s"), "--script"])
        .arg(script)
        .args([url, "--"])
        .arg(cookies)
        .arg(mode)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let found = read(&text).filter(|_| output.status.success());
    found.ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("wrk failed on {url}: {text}{errors}").into()
    })
}

fn read(text: &str) -> Option<Found> {
    let mut found = None;
    let mut statuses = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let kind = words.next();
        let numbers: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
        match (kind, &numbers[..]) {
            (Some("result"), &[requests, took, p99, socket_errors, error_statuses]) => {
                found = Some(Found {
                    requests,
                    took: Duration::from_micros(took),
                    p99: Duration::from_micros(p99),
                    socket_errors,
                    error_statuses,
                    statuses: BTreeMap::new(),
                });
            }
            (Some("status"), &[status, count]) => {
                statuses.insert(u16::try_from(status).ok()?, count);
            }
            _ => {}
        }
    }
    found.map(|found| Found { statuses, ..found })
}

impl Found {
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.took.as_secs_f64()
    }

    /// Why this counts for nothing, if one answer was not what it should have been.
    pub fn problem(&self, expected: u16) -> Option<String> {
        let errors = if expected < 400 { 0 } else { self.requests };
        if self.requests == 0 {
            Some("no answer at all".to_owned())
        } else if self.socket_errors > 0 {
            Some(format!("{} connections failed or timed out", self.socket_errors))
        } else if self.statuses.keys().any(|status| *status != expected) {
            Some(format!("not all answers were {expected}: {:?}", self.statuses))
        } else if self.error_statuses != errors {
            Some(format!(
                "{} of {} answers were errors, expected {errors}",
                self.error_statuses, self.requests
            ))
        } else {
            None
        }
    }
}
