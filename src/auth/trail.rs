//! What makes tampering with the audit trail show: records are sealed into a chain of digests
//! soon after their commit, and checkpoints of the chain are signed. `docs/audit.md` describes
//! all that somebody else needs to check it.

pub mod canonical;
pub mod checkpoint;
pub mod export;
pub mod finding;
mod judge;
pub mod prune;
pub mod verify;

use time::Duration;
use uuid::Uuid;

use super::{By, Result};
use crate::{
    app::App,
    db::{
        Tx, checkpoints,
        checkpoints::{Checkpoint, Kind},
        leases,
        seals::{self, End, Seal, Stored},
        turns,
    },
};
use canonical::{GENESIS, chain_digest, record_digest};

/// Something that fits, or what does not.
pub type Judged<T> = Result<std::result::Result<T, finding::Finding>>;

/// Most records that are sealed at once, and between two checkpoints.
const BATCH: i64 = 1000;
/// There is a checkpoint this often if anything was sealed.
const CHECKPOINT_EVERY: Duration = Duration::hours(1);
/// A node that is gone is missed after so many milliseconds.
const LEASE_MS: i64 = 600;

/// Who seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sealer {
    /// A node while it has the lease. It makes the checkpoints, since it has a log.
    Node,
    /// Whoever is about to exit.
    Leaving,
}

/// Seals what waits, unless another node is at it. Returns how many records.
pub async fn seal_as_node(app: &App) -> Result<u64> {
    let now = app.pen.clock.now_ms();
    let is_due = seals::is_waiting(&app.db).await?
        || checkpoints::is_due(&app.db, app.now() - CHECKPOINT_EVERY).await?;
    if !is_due || leases::is_taken(&app.db, leases::SEAL, &app.node, now, LEASE_MS).await? {
        return Ok(0);
    }
    seal(app, Sealer::Node).await
}

/// Seals what waits, whoever else is at it. Returns how many records.
pub async fn seal_before_leaving(app: &App) -> Result<u64> {
    if !seals::is_waiting(&app.db).await? {
        return Ok(0);
    }
    seal(app, Sealer::Leaving).await
}

async fn seal(app: &App, sealer: Sealer) -> Result<u64> {
    let mut sealed = 0;
    loop {
        let batch = seal_batch(app, sealer).await?;
        sealed += batch.sealed;
        // What came meanwhile has time until the next round: in a flood something always waits.
        if !batch.is_full {
            return Ok(sealed);
        }
    }
}

#[derive(Default)]
struct Batch {
    /// So many records.
    sealed: u64,
    /// There may be more.
    is_full: bool,
}

/// Two who do this at once wait for each other: the chain never forks.
async fn seal_batch(app: &App, sealer: Sealer) -> Result<Batch> {
    let mut tx = app.db.begin_aside().await?;
    let now = app.pen.clock.now_ms();
    if sealer == Sealer::Node
        && !leases::take(&mut tx, leases::SEAL, &app.node, now, LEASE_MS).await?
    {
        return Ok(Batch::default());
    }
    turns::take(&mut tx, turns::SEALS).await?;
    let newest = checkpoints::newest_in(&mut tx).await?;
    let mut end = end(&mut tx, newest.as_ref()).await?;
    let before = end.number;
    let signed = newest.as_ref().map_or(0, |newest| newest.number);
    // A node ends its batch where the next checkpoint is due.
    let left =
        if sealer == Sealer::Node { BATCH - before.saturating_sub(signed) % BATCH } else { BATCH };
    let most = left.clamp(1, BATCH);
    append(&mut tx, &mut end, most).await?;
    let sealed = end.number.saturating_sub(signed);
    let is_old = |newest: &Checkpoint| app.now() - newest.at >= CHECKPOINT_EVERY;
    let is_due = sealed >= BATCH || (sealed > 0 && newest.as_ref().is_none_or(is_old));
    let made = if sealer == Sealer::Node && is_due {
        let made = checkpoint::sign(app, Kind::End, &end);
        checkpoints::create(&mut tx, &made).await?;
        Some(made)
    } else {
        None
    };
    tx.commit().await?;
    if let Some(made) = made {
        log(&made);
    }
    let sealed = end.number.saturating_sub(before);
    Ok(Batch { sealed: u64::try_from(sealed).unwrap_or(0), is_full: sealed >= most })
}

/// Seals so many of those that wait, and moves the end along.
async fn append(tx: &mut Tx, end: &mut End, most: i64) -> sqlx::Result<()> {
    let mut seals = Vec::new();
    for row in waiting(tx, most).await? {
        let Some(record_digest) = record_digest(&row) else { continue };
        let number = end.number.saturating_add(1);
        let chain_digest = chain_digest(&end.chain_digest, number, &record_digest).to_vec();
        *end = End { number, chain_digest: chain_digest.clone() };
        seals.push(Seal {
            number,
            audit_id: row.audit_id,
            record_digest: record_digest.to_vec(),
            chain_digest,
        });
    }
    let Some(last) = seals.last() else { return Ok(()) };
    seals::create(tx, &seals).await?;
    seals::unqueue(tx, last.audit_id).await.map(|_| ())
}

/// The line that is worth keeping elsewhere. Message and field stay as they are.
fn log(made: &Checkpoint) {
    tracing::info!(checkpoint = %checkpoint::line(made), "audit checkpoint");
}

/// Where the chain goes on.
async fn end(tx: &mut Tx, newest: Option<&Checkpoint>) -> sqlx::Result<End> {
    let start = || match newest {
        Some(newest) => End { number: newest.number, chain_digest: newest.chain_digest.clone() },
        None => End { number: 0, chain_digest: GENESIS.to_vec() },
    };
    Ok(seals::end(tx).await?.unwrap_or_else(start))
}

/// Records to seal. One that cannot be read any more does not keep the others waiting.
async fn waiting(tx: &mut Tx, limit: i64) -> sqlx::Result<Vec<Stored>> {
    match seals::list_waiting(tx, Uuid::nil(), limit).await {
        Err(error) if is_unreadable(&error) => {}
        found => return found,
    }
    let mut rows = Vec::new();
    for id in seals::list_waiting_ids(tx, limit).await? {
        let before = Uuid::from_u128(id.as_u128().saturating_sub(1));
        match seals::list_waiting(tx, before, 1).await {
            Ok(found) => rows.extend(found),
            Err(error) if is_unreadable(&error) => {
                tracing::error!(%id, "this audit record cannot be read; run: rolecall audit verify");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(rows)
}

/// Whether a row holds what its columns cannot hold: only SQLite lets that be written.
fn is_unreadable(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))
}
