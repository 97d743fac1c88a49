//! Log lines: pretty for people, JSON for machines, and the id that ties those of one request
//! together. No password, token, cookie, digest or query is in any of them.

use std::{
    fmt,
    io::IsTerminal,
    sync::atomic::{AtomicU32, Ordering},
};

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Starts logging to standard error. `ROLECALL_LOG` chooses what is logged, as in
/// `debug` or `info,rolecall::web=trace`.
pub fn init(format: Option<LogFormat>) {
    let is_terminal = std::io::stderr().is_terminal();
    let default = if is_terminal { LogFormat::Pretty } else { LogFormat::Json };
    let filter = EnvFilter::try_from_env("ROLECALL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    match format.unwrap_or(default) {
        LogFormat::Pretty => lines.with_ansi(is_terminal).init(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).init(),
    }
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panicked")));
}

/// Names a request in log lines, answers and audit records: unique among the processes and
/// restarts of a service, and no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    process: u32,
    number: u32,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}{:08x}", self.process, self.number)
    }
}

/// Makes the request ids of one process.
#[derive(Debug)]
pub struct RequestIds {
    process: u32,
    next: AtomicU32,
}

impl RequestIds {
    pub fn new(process: [u8; 4]) -> Self {
        Self { process: u32::from_le_bytes(process), next: AtomicU32::new(1) }
    }

    pub fn make(&self) -> RequestId {
        RequestId { process: self.process, number: self.next.fetch_add(1, Ordering::Relaxed) }
    }
}
