//! Why a seal or its record does not fit its place.

use super::{
    BATCH, Judged, Result,
    canonical::{chain_digest, record_digest},
    finding::Finding,
};
use crate::db::{
    Tx,
    audit::personal_digest,
    seals::{self, End, Seal, Stored},
};

/// Holds a record against its seal, and the seal against the one before. Gives the seal as the
/// next one's predecessor, or what is wrong.
pub async fn judge(tx: &mut Tx, before: &End, row: &Stored) -> Judged<End> {
    let (Some(number), Some(sealed), Some(chain)) =
        (row.number, &row.record_digest, &row.chain_digest)
    else {
        return Ok(Err(Finding::Unreadable { number: before.number.saturating_add(1) }));
    };
    let seal = Seal {
        number,
        audit_id: row.audit_id,
        record_digest: sealed.clone(),
        chain_digest: chain.clone(),
    };
    let id = row.audit_id;
    let follows = chain_digest(&before.chain_digest, number, sealed) == chain.as_slice();
    Ok(Err(match record_digest(row) {
        None => Finding::Removed { number, id },
        Some(digest) if follows && digest == sealed.as_slice() => match edited_part(row) {
            Some(part) => Finding::PersonalEdited { number, id, part },
            None => return Ok(Ok(End { number, chain_digest: seal.chain_digest })),
        },
        Some(digest) if follows => match holds_another(tx, row, &digest).await? {
            Some(with) => Finding::Swapped { number, id, with },
            None => Finding::Edited { number, id },
        },
        // The chain was made over the record as it is: only the seal says otherwise.
        Some(digest) if chain_digest(&before.chain_digest, number, &digest) == chain.as_slice() => {
            Finding::SealEdited { number, id }
        }
        Some(_) => misplaced(tx, before, &seal).await?,
    }))
}

/// The part whose names and addresses are not those that the record was written with. A part
/// that is gone fits: it goes with the person.
fn edited_part(row: &Stored) -> Option<&'static str> {
    let fits = |content: &Option<String>, digest: &Option<String>| match content {
        Some(content) => digest.as_ref().is_some_and(|digest| personal_digest(content) == *digest),
        None => true,
    };
    if !fits(&row.actor_personal, &row.actor_digest) {
        Some("actor")
    } else if !fits(&row.target_personal, &row.target_digest) {
        Some("target")
    } else {
        None
    }
}

/// The number of the seal that was made over what the record holds now.
async fn holds_another(tx: &mut Tx, row: &Stored, digest: &[u8]) -> Result<Option<i64>> {
    let other = find(tx, |seal| {
        let there = Stored { audit_id: seal.audit_id, ..row.clone() };
        let there = record_digest(&there).is_some_and(|there| there == seal.record_digest[..]);
        Some(seal.number) != row.number && (there || seal.record_digest == digest)
    });
    Ok(other.await?.map(|seal| seal.number))
}

/// A seal that does not follow from the one before: another one may belong here.
async fn misplaced(tx: &mut Tx, before: &End, seal: &Seal) -> Result<Finding> {
    let (number, id) = (seal.number, seal.audit_id);
    let here = |other: &Seal| chain_digest(&before.chain_digest, number, &other.record_digest);
    let belongs = |other: &Seal| {
        let here = here(other);
        let chains = [&seal.chain_digest, &other.chain_digest];
        other.number != number && chains.iter().any(|chain| here == chain[..])
    };
    if let Some(other) = find(tx, belongs).await? {
        let last = match other.number.saturating_sub(1) {
            last if last == number => here(&other).to_vec(),
            last => {
                let found = seals::find_through(tx, last).await?;
                found.map(|found| found.chain_digest).unwrap_or_default()
            }
        };
        let there = chain_digest(&last, other.number, &seal.record_digest);
        let chains = [&seal.chain_digest, &other.chain_digest];
        return Ok(if chains.iter().any(|chain| there == chain[..]) {
            Finding::SealSwapped { number, id, with: other.number }
        } else {
            Finding::Inserted { number, id }
        });
    }
    // The next one shows what this one was.
    let meant = chain_digest(&before.chain_digest, number, &seal.record_digest);
    let next = seals::list(tx, number, 1).await?.pop();
    let follows = |from: &[u8], skipped: i64| {
        next.as_ref().is_some_and(|next| {
            let number = next.number.saturating_add(skipped);
            next.chain_digest == chain_digest(from, number, &next.record_digest)
        })
    };
    Ok(if follows(&meant, 0) {
        Finding::SealEdited { number, id }
    } else if follows(&seal.chain_digest, 0) {
        Finding::Edited { number, id }
    } else if (1..=BATCH).any(|skipped| follows(&seal.chain_digest, skipped)) {
        // What is left was given the numbers of what is gone.
        Finding::RemovedWithSeal { number }
    } else {
        Finding::Inserted { number, id }
    })
}

/// Looks through all seals, which takes a while and is done once, for the words of a finding.
async fn find(tx: &mut Tx, is_it: impl Fn(&Seal) -> bool) -> Result<Option<Seal>> {
    let mut after = i64::MIN;
    loop {
        let seals = seals::list(tx, after, 1000).await?;
        let Some(last) = seals.last() else { return Ok(None) };
        after = last.number;
        if let Some(found) = seals.into_iter().find(&is_it) {
            return Ok(Some(found));
        }
    }
}
