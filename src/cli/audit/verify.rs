//! `audit verify`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{Failure, Outcome, found, output};
use crate::{
    app::App,
    auth::trail::{
        checkpoint,
        finding::{Finding, HINT},
        verify::{self, Report},
    },
    db::checkpoints::Checkpoint,
    text::{count, number},
};

#[derive(Args)]
pub struct Verify {
    /// Checkpoints that were kept elsewhere: their lines, or a log that has them; finds what
    /// was cut from the end or written anew
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    #[arg(long)]
    json: bool,
}

pub async fn run(app: &App, verify: Verify) -> Outcome {
    let kept = match &verify.checkpoint {
        Some(file) => read(app, file)?,
        None => Vec::new(),
    };
    match verify::verify(app, &kept).await? {
        Ok(report) if verify.json => output::json(&as_json(&report)),
        Ok(report) => output::line(&words(&report)),
        Err(finding) if verify.json => {
            output::json(&finding_as_json(&finding))?;
            Err(Failure::Finding)
        }
        Err(finding) => Err(found(&finding)),
    }
}

/// What is not signed by a key of ours tells nothing about the trail.
fn read(app: &App, file: &Path) -> Result<Vec<Checkpoint>, Failure> {
    let name = file.display();
    let text = std::fs::read(file)
        .map_err(|error| Failure::Other(format!("cannot read {name}: {error}")))?;
    let kept = checkpoint::parse_all(&String::from_utf8_lossy(&text)).map_err(|line| {
        Failure::Other(format!(
            "the checkpoint in line {line} of {name} is damaged; copy it again, or take the line out"
        ))
    })?;
    if kept.is_empty() {
        return Err(Failure::Other(format!(
            "there is no checkpoint in {name}; audit verify prints one to keep, and a server logs them"
        )));
    }
    for one in &kept {
        let number = one.number;
        match checkpoint::is_signed(&app.keys, one) {
            Some(true) => {}
            Some(false) => {
                return Err(Failure::Other(format!(
                    "the checkpoint of record {number} in {name} was edited, or made without the key file"
                )));
            }
            None => {
                let key_id = one.key_id.clone();
                return Err(Failure::Other(Finding::KeyMissing { number, key_id }.to_string()));
            }
        }
    }
    Ok(kept)
}

fn words(report: &Report) -> String {
    let mut lines = vec![format!(
        "nothing is amiss in {}",
        records(report.sealed, "sealed record", "sealed records")
    )];
    if report.pruned > 0 {
        lines.push(format!("  {} pruned before them", records(report.pruned, "record", "records")));
    }
    lines.push(match report.unsealed {
        0 => "  none waits for its seal".to_owned(),
        waiting => {
            let age = report.unsealed_ms.map(age).unwrap_or_else(|| "an unknown time".to_owned());
            format!("  not sealed yet: {}, the oldest for {age}", number(waiting))
        }
    });
    lines.push(format!(
        "  checkpoints that fit: {}, of these kept elsewhere: {}",
        report.checkpoints, report.kept
    ));
    if report.kept_of_pruned > 0 {
        lines.push(format!(
            "  kept checkpoints of pruned records, which say nothing any more: {}",
            report.kept_of_pruned
        ));
    }
    if let Some(made) = &report.checkpoint {
        lines.push("keep this line elsewhere, for audit verify --checkpoint FILE:".to_owned());
        lines.push(checkpoint::line(made));
    }
    lines.join("\n")
}

fn records(number: i64, one: &str, more: &str) -> String {
    count(u64::try_from(number).unwrap_or(0), one, more)
}

fn age(ms: i64) -> String {
    match ms {
        ..10_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms => humantime::format_duration(std::time::Duration::from_secs(ms.unsigned_abs() / 1000))
            .to_string(),
    }
}

fn as_json(report: &Report) -> serde_json::Value {
    json!({
        "ok": true,
        "sealed": report.sealed,
        "pruned": report.pruned,
        "unsealed": report.unsealed,
        "unsealed_ms": report.unsealed_ms,
        "checkpoints": report.checkpoints,
        "kept": report.kept,
        "kept_of_pruned": report.kept_of_pruned,
        "checkpoint": report.checkpoint.as_ref().map(checkpoint::line),
    })
}

fn finding_as_json(finding: &Finding) -> serde_json::Value {
    json!({
        "ok": false,
        "finding": finding.kind(),
        "number": finding.number(),
        "id": finding.id(),
        "message": finding.to_string(),
        "hint": HINT,
    })
}
