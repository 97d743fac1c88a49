//! Walks the chain from its beginning to its end and names the first that does not fit.

use std::collections::BTreeMap;

use super::{
    BATCH, Judged, canonical::GENESIS, checkpoint, finding::Finding, is_unreadable, judge::judge,
};
use crate::{
    app::App,
    auth::{Error, Result},
    db::{
        Tx, checkpoints,
        checkpoints::{Checkpoint, Kind},
        seals::{self, End},
    },
};

/// A trail that fits together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Records that are sealed and there.
    pub sealed: i64,
    /// Number of the last record that was pruned, or 0.
    pub pruned: i64,
    /// Records that are not sealed yet.
    pub unsealed: i64,
    /// Milliseconds since the oldest of them was written.
    pub unsealed_ms: Option<i64>,
    /// Checkpoints that fit, and those among them that were kept elsewhere.
    pub checkpoints: usize,
    pub kept: usize,
    /// Kept checkpoints of what is pruned: there is nothing left to hold against them.
    pub kept_of_pruned: usize,
    /// A new one, of the end of the chain as it was found.
    pub checkpoint: Option<Checkpoint>,
}

/// Verifies the trail as it is at one moment, also against checkpoints kept elsewhere.
pub async fn verify(app: &App, kept: &[Checkpoint]) -> Judged<Report> {
    let mut tx = app.db.begin_read().await?;
    match walk(app, &mut tx, kept).await {
        Err(Error::Db(error)) if is_unreadable(&error) => Ok(Err(Finding::RowUnreadable)),
        done => done,
    }
}

async fn walk(app: &App, tx: &mut Tx, kept: &[Checkpoint]) -> Judged<Report> {
    let stored = checkpoints::list_in(tx).await?;
    let base = stored.iter().rfind(|one| one.kind == Kind::Pruned);
    if let Some(Err(finding)) = base.map(|base| signed(app, base)) {
        return Ok(Err(finding));
    }
    let base = match base {
        Some(base) => End { number: base.number, chain_digest: base.chain_digest.clone() },
        None => End { number: 0, chain_digest: GENESIS.to_vec() },
    };
    let mut signs = Signs::new(app, base.number, stored.iter().chain(kept));
    if let Err(finding) = signs.pass(&base) {
        return Ok(Err(finding));
    }
    let end = match chain(tx, &base, &mut signs).await? {
        Ok(end) => end,
        Err(finding) => return Ok(Err(finding)),
    };
    if let Err(finding) = signs.finish(&end) {
        return Ok(Err(finding));
    }
    if let Some(finding) = beside(tx).await? {
        return Ok(Err(finding));
    }
    let oldest = seals::list_waiting_ids(tx, 1).await?.pop();
    let written = oldest.and_then(|id| id.get_timestamp()).map(|at| at.to_unix());
    let written = written
        .map(|(s, ns)| (s as i64).saturating_mul(1000).saturating_add(i64::from(ns / 1_000_000)));
    Ok(Ok(Report {
        sealed: end.number - base.number,
        pruned: base.number,
        unsealed: seals::count_waiting(tx).await?,
        unsealed_ms: written.map(|ms| app.pen.clock.now_ms().saturating_sub(ms).max(0)),
        checkpoints: signs.passed,
        kept: kept.iter().filter(|one| one.number >= base.number).count(),
        kept_of_pruned: kept.iter().filter(|one| one.number < base.number).count(),
        checkpoint: (end.number > 0).then(|| checkpoint::sign(app, Kind::End, &end)),
    }))
}

async fn chain(tx: &mut Tx, base: &End, signs: &mut Signs<'_>) -> Judged<End> {
    let mut end = base.clone();
    // What stands before the beginning has no place there.
    let (mut after, mut batch) = (i64::MIN, BATCH);
    loop {
        let rows = match seals::list_after(tx, after, batch).await {
            // Row by row, to name the one.
            Err(error) if is_unreadable(&error) && batch > 1 => {
                batch = 1;
                continue;
            }
            Err(error) if is_unreadable(&error) => {
                return Ok(Err(Finding::Unreadable { number: end.number.saturating_add(1) }));
            }
            rows => rows?,
        };
        let Some(last) = rows.last() else { return Ok(Ok(end)) };
        after = last.number.unwrap_or(after);
        for row in rows {
            let (expected, number) = (end.number.saturating_add(1), row.number.unwrap_or_default());
            if number < expected {
                return Ok(Err(Finding::Inserted { number, id: row.audit_id }));
            }
            if number > expected {
                return Ok(Err(match number - 1 {
                    last if last == expected => Finding::RemovedWithSeal { number: expected },
                    last => Finding::ManyRemoved { number: expected, last },
                }));
            }
            end = match judge(tx, &end, &row).await? {
                Ok(end) => end,
                Err(finding) => return Ok(Err(finding)),
            };
            if let Err(finding) = signs.pass(&end) {
                return Ok(Err(finding));
            }
        }
    }
}

/// What shows in no seal.
async fn beside(tx: &mut Tx) -> Result<Option<Finding>> {
    if let Some(id) = seals::find_lost(tx).await? {
        return Ok(Some(Finding::RemovedUnsealed { id }));
    }
    if let Some(id) = seals::find_stray(tx).await? {
        return Ok(Some(Finding::InsertedUnsealed { id }));
    }
    let stray = seals::find_stray_personal(tx).await?;
    Ok(stray.map(|id| Finding::PersonalInserted { id }))
}

fn signed(app: &App, one: &Checkpoint) -> std::result::Result<(), Finding> {
    match checkpoint::is_signed(&app.keys, one) {
        Some(true) => Ok(()),
        Some(false) => Err(Finding::CheckpointForged { number: one.number }),
        None => Err(Finding::KeyMissing { number: one.number, key_id: one.key_id.clone() }),
    }
}

/// Checkpoints on the way, by number.
struct Signs<'a> {
    app: &'a App,
    ahead: BTreeMap<i64, Vec<&'a Checkpoint>>,
    /// The last number that fits.
    last: i64,
    passed: usize,
}

impl<'a> Signs<'a> {
    fn new(app: &'a App, base: i64, all: impl Iterator<Item = &'a Checkpoint>) -> Self {
        let mut ahead: BTreeMap<i64, Vec<&Checkpoint>> = BTreeMap::new();
        for one in all.filter(|one| one.number >= base) {
            ahead.entry(one.number).or_default().push(one);
        }
        Self { app, ahead, last: base, passed: 0 }
    }

    fn pass(&mut self, end: &End) -> std::result::Result<(), Finding> {
        let Some(here) = self.ahead.remove(&end.number) else { return Ok(()) };
        for one in here {
            signed(self.app, one)?;
            if one.chain_digest != end.chain_digest {
                return Err(Finding::Rewritten { number: self.last + 1, last: end.number });
            }
            self.passed += 1;
        }
        self.last = end.number;
        Ok(())
    }

    /// None may be left.
    fn finish(&mut self, end: &End) -> std::result::Result<(), Finding> {
        let Some((number, left)) = self.ahead.pop_last() else { return Ok(()) };
        for one in left {
            signed(self.app, one)?;
        }
        Err(Finding::Truncated { number, last: end.number })
    }
}
