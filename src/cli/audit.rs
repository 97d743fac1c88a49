//! `audit`: who changed what, when, and whether the trail was tampered with.

mod export;
mod prune;
mod verify;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Failure, Outcome, Place,
    output::{self, List},
};
use crate::{
    app::App,
    auth::trail::finding::{Finding, HINT},
    db::audit::{self, Record},
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// List the records, newest first
    List {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[arg(long)]
        json: bool,
    },
    /// Look for edited, removed, swapped and inserted records; exit 1 if there is one
    Verify(verify::Verify),
    /// Write all records to standard output, with their digests
    Export(export::Export),
    /// Delete old records; what is left stays verifiable
    Prune(prune::Prune),
}

pub async fn run(place: &Place, command: Command) -> Outcome {
    let app = place.open().await?;
    match command {
        Command::List { limit, json } => list(&app, limit, json).await,
        Command::Verify(verify) => verify::run(&app, verify).await,
        Command::Export(export) => export::run(&app, export).await,
        Command::Prune(prune) => prune::run(&app, prune).await,
    }
}

async fn list(app: &App, limit: usize, json: bool) -> Outcome {
    let mut list = List::new(json, ["TIME", "ACTOR", "ACTION", "TARGET", "DETAIL"]);
    let filter = audit::Filter::default();
    let (mut before, mut left) = (Uuid::max(), limit);
    while left > 0 {
        let batch = left.min(500);
        let records = audit::list(&app.db, &filter, (Uuid::nil(), before), batch as i64).await?;
        left = if records.len() < batch { 0 } else { left - batch };
        for record in records {
            before = record.id;
            let row = [
                output::time(record.at),
                actor(&record),
                record.action.clone(),
                target(&record),
                if record.detail == "{}" { String::new() } else { record.detail.clone() },
            ];
            list.push(row, || as_json(&record))?;
        }
    }
    list.finish()
}

/// Tells what was found, and that it was.
fn found(finding: &Finding) -> Failure {
    Failure::Other(format!("{finding}; {HINT}"))
}

fn parsed(text: Option<&String>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}

fn name_in(personal: Option<&String>) -> Option<String> {
    parsed(personal).get("name").and_then(Value::as_str).map(str::to_owned)
}

fn actor(record: &Record) -> String {
    name_in(record.actor_personal.as_ref())
        .or_else(|| record.actor_id.map(|id| id.to_string()))
        .unwrap_or_else(|| record.actor.clone())
}

fn target(record: &Record) -> String {
    let name = name_in(record.target_personal.as_ref());
    let name = name.unwrap_or_else(|| record.target_id.clone());
    format!("{} {name}", record.target).trim_end().to_owned()
}

fn as_json(record: &Record) -> Value {
    json!({
        "id": record.id,
        "at": output::time(record.at),
        "action": record.action,
        "actor": record.actor,
        "actor_id": record.actor_id,
        "actor_personal": parsed(record.actor_personal.as_ref()),
        "target": record.target,
        "target_id": record.target_id,
        "target_personal": parsed(record.target_personal.as_ref()),
        "detail": parsed(Some(&record.detail)),
        "request_id": record.request_id,
    })
}
