//! `audit export`.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Failure, Outcome, output};
use crate::{
    app::App,
    auth::trail::export,
    cli::{grant::parse_time, operator},
    db::seals::Stored,
    web::csv::{self, File},
};

#[derive(Args)]
pub struct Export {
    #[arg(long)]
    format: Format,
    /// Only records of this time (RFC 3339) and later
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<OffsetDateTime>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A JSON object in each line
    Jsonl,
    /// A header and a row for each record
    Csv,
}

const COLUMNS: [&str; 16] = [
    "number",
    "id",
    "at",
    "action",
    "actor",
    "actor_id",
    "target",
    "target_id",
    "detail",
    "request_id",
    "actor_digest",
    "target_digest",
    "actor_personal",
    "target_personal",
    "record_digest",
    "chain_digest",
];

pub async fn run(app: &App, asked: Export) -> Outcome {
    let name = match asked.format {
        Format::Jsonl => "jsonl",
        Format::Csv => "csv",
    };
    let mut export = export::begin(app, &operator(), name, asked.since).await?;
    let mut file = File::new(&COLUMNS);
    let mut text = if asked.format == Format::Csv { file.take() } else { String::new() };
    loop {
        let records = export.next().await.map_err(unreadable)?;
        for record in &records {
            match asked.format {
                Format::Jsonl => text.push_str(&format!("{}\n", object(record))),
                Format::Csv => {
                    file.row(&cells(record).each_ref().map(String::as_str));
                    text.push_str(&file.take());
                }
            }
        }
        output::write(text.as_bytes())?;
        text.clear();
        if records.is_empty() {
            return Ok(());
        }
    }
}

fn unreadable(error: crate::auth::Error) -> Failure {
    match error {
        crate::auth::Error::Db(sqlx::Error::ColumnDecode { .. }) => {
            Failure::Other("a record cannot be read; run: rolecall audit verify".to_owned())
        }
        error => error.into(),
    }
}

/// All but the number are text, exactly as it was digested.
fn cells(record: &Stored) -> [String; 16] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let hexed = |bytes: &Option<Vec<u8>>| bytes.as_deref().map(hex::encode).unwrap_or_default();
    [
        record.number.map(|number| number.to_string()).unwrap_or_default(),
        record.audit_id.to_string(),
        csv::time(record.at),
        text(&record.action),
        text(&record.actor),
        record.actor_id.map(|id| id.to_string()).unwrap_or_default(),
        text(&record.target),
        text(&record.target_id),
        text(&record.detail),
        text(&record.request_id),
        text(&record.actor_digest),
        text(&record.target_digest),
        text(&record.actor_personal),
        text(&record.target_personal),
        hexed(&record.record_digest),
        hexed(&record.chain_digest),
    ]
}

fn object(record: &Stored) -> Value {
    json!({
        "number": record.number,
        "id": record.audit_id,
        "at": record.at.map(output::time),
        "action": record.action,
        "actor": record.actor,
        "actor_id": record.actor_id,
        "target": record.target,
        "target_id": record.target_id,
        "detail": record.detail,
        "request_id": record.request_id,
        "actor_digest": record.actor_digest,
        "target_digest": record.target_digest,
        "actor_personal": record.actor_personal,
        "target_personal": record.target_personal,
        "record_digest": record.record_digest.as_deref().map(hex::encode),
        "chain_digest": record.chain_digest.as_deref().map(hex::encode),
    })
}
