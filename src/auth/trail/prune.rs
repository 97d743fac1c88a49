//! Deletes the oldest part of the trail. A signed checkpoint stands for it, where the chain then
//! begins; in batches, each of which leaves a chain that can be verified.

use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{BATCH, By, Judged, checkpoint, finding::Finding, verify::verify};
use crate::{
    app::App,
    auth::Result,
    db::{
        Tx,
        audit::{Action, Entry, Target},
        checkpoints::{self, Checkpoint, Kind},
        seals, turns,
    },
};

/// What was deleted, and what stands for it.
#[derive(Debug)]
pub struct Pruned {
    pub records: u64,
    /// `None` when nothing was deleted.
    pub checkpoint: Option<Checkpoint>,
}

/// Deletes the records before the first sealed one that is not older than `before`. A trail
/// that does not fit together is refused, unless `despite` says to go on all the same.
pub async fn prune(app: &App, by: &By, before: OffsetDateTime, despite: bool) -> Judged<Pruned> {
    let finding = match verify(app, &[]).await? {
        Ok(_) => None,
        Err(finding) if despite => Some(finding),
        Err(finding) => return Ok(Err(finding)),
    };
    let mut tx = app.db.begin_read().await?;
    let cut = match seals::first_since(&mut tx, before).await? {
        Some(first) => first.saturating_sub(1),
        None => seals::end(&mut tx).await?.map_or(0, |end| end.number),
    };
    drop(tx);
    let mut pruned = Pruned { records: 0, checkpoint: None };
    loop {
        let mut tx = app.db.begin_aside().await?;
        turns::take(&mut tx, turns::SEALS).await?;
        let Some((made, records)) = batch(app, &mut tx, cut).await? else { break };
        if pruned.checkpoint.is_none() {
            app.pen.record(&mut tx, by, entry(before, cut, finding.as_ref())).await?;
        }
        tx.commit().await?;
        pruned.records += records;
        pruned.checkpoint = Some(made);
    }
    Ok(Ok(pruned))
}

fn entry(before: OffsetDateTime, cut: i64, finding: Option<&Finding>) -> Entry {
    let before = before.format(&Rfc3339).unwrap_or_default();
    let mut detail = json!({ "before": before, "through": cut });
    if let Some(finding) = finding {
        detail["despite"] = finding.to_string().into();
    }
    Entry::new(Action::AuditPrune, Target::Audit).detail(detail)
}

/// Deletes the next records up to `cut`; `None` when all of them are gone.
async fn batch(app: &App, tx: &mut Tx, cut: i64) -> Result<Option<(Checkpoint, u64)>> {
    let from = checkpoints::newest_pruned(tx).await?.map_or(0, |base| base.number);
    let through = from.saturating_add(BATCH).min(cut);
    let end = match seals::find_through(tx, through).await? {
        Some(end) if end.number > from => Some(end),
        // Only where a stretch of the chain is missing.
        _ => seals::find_through(tx, cut).await?.filter(|end| end.number > from),
    };
    let Some(end) = end else { return Ok(None) };
    let records = seals::delete_through(tx, end.number).await?;
    checkpoints::delete_through(tx, end.number).await?;
    let made = checkpoint::sign(app, Kind::Pruned, &end);
    checkpoints::create(tx, &made).await?;
    Ok(Some((made, records)))
}
