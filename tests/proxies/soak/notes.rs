//! What is noted while it runs: how much was done, what failed, and what was wrong.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::program::Response;

/// Requests that were on their way when a node was killed, or were sent within this time after
/// it, may find no answer.
const KILLED: Duration = Duration::from_secs(1);

#[derive(Default)]
pub struct Notes {
    counts: Mutex<BTreeMap<String, usize>>,
    wrong: Mutex<Vec<String>>,
    failures: Mutex<Vec<Failure>>,
    kills: Mutex<Vec<Instant>>,
}

struct Failure {
    sent: Instant,
    ended: Instant,
    what: String,
}

impl Notes {
    pub fn count(&self, what: &str) {
        *self.counts.lock().unwrap().entry(what.to_owned()).or_default() += 1;
    }

    pub fn counted(&self, what: &str) -> usize {
        self.counts.lock().unwrap().get(what).copied().unwrap_or_default()
    }

    pub fn wrong(&self, what: String) {
        println!("WRONG: {what}");
        self.wrong.lock().unwrap().push(what);
    }

    /// A node is killed at this moment.
    pub fn kill(&self) {
        self.kills.lock().unwrap().push(Instant::now());
    }

    /// Sends a request, and notes what came of it. `None` when that was no answer, or a 5xx.
    pub fn exchange(&self, send: impl FnOnce() -> std::io::Result<Response>) -> Option<Response> {
        let sent = Instant::now();
        let answer = send();
        let what = match answer {
            Ok(answer) if answer.status < 500 => {
                self.count(answer.header("x-node").unwrap_or("no node"));
                return Some(answer);
            }
            Ok(answer) => answer.head,
            Err(error) => error.to_string(),
        };
        self.failures.lock().unwrap().push(Failure { sent, ended: Instant::now(), what });
        None
    }

    /// All that was wrong, and the failures that no kill accounts for.
    pub fn faults(&self) -> Vec<String> {
        let failures = self.failures.lock().unwrap();
        let late = failures.iter().filter(|failure| !self.is_by_kill(failure));
        let late = late.map(|failure| {
            format!("no answer after {:?}: {}", failure.ended - failure.sent, failure.what)
        });
        self.wrong.lock().unwrap().iter().cloned().chain(late).collect()
    }

    fn is_by_kill(&self, failure: &Failure) -> bool {
        let kills = self.kills.lock().unwrap();
        kills.iter().any(|kill| failure.ended >= *kill && failure.sent <= *kill + KILLED)
    }

    pub fn tell(&self) {
        for (what, count) in &*self.counts.lock().unwrap() {
            println!("{what}: {count}");
        }
        let (failures, kills) = (self.failures.lock().unwrap(), self.kills.lock().unwrap());
        println!("without an answer, at {} kills: {}", kills.len(), failures.len());
        for failure in &*failures {
            println!("  {:?}", failure.what.lines().next().unwrap_or_default());
        }
    }
}
