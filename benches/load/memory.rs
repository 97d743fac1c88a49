//! Resident memory of the servers, idle and after the checks.

use crate::{
    Outcome,
    report::{self, Table},
    server::Server,
};

pub struct Reading {
    name: &'static str,
    now: u64,
    most: u64,
}

/// What each server uses now and has used at most.
pub fn read(servers: &[(&'static str, &Server)]) -> Outcome<Vec<Reading>> {
    let read = |(name, server): &(&'static str, &Server)| {
        let (now, most) = server.memory()?;
        Ok(Reading { name, now, most })
    };
    servers.iter().map(read).collect()
}

pub fn table(idle: &[Reading], after: &[Reading]) -> Table {
    let title = "Memory: resident, MB".to_owned();
    let mut table = Table::new(title, &["Server", "Just started", "After the checks", "At most"]);
    for (idle, after) in idle.iter().zip(after) {
        let cells = [idle.now, after.now, after.most].map(report::mb);
        let [idle_now, after_now, most] = cells;
        table.row([idle.name.to_owned(), idle_now, after_now, most]);
    }
    table
}
