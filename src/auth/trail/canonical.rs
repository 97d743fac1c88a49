//! What is digested, byte for byte. `docs/audit.md` has the same in words, with an example.

use sha2::{Digest, Sha256};
use time::format_description::well_known::Rfc3339;

use crate::db::seals::Stored;

/// What the first seal follows on.
pub const GENESIS: [u8; 32] = [0; 32];

const HEADER: &[u8] = b"rolecall audit record 1\n";

/// The record as bytes: a header, then each column as a netstring (`5:hello,`) or `-,` for null.
/// `None` when there is no such record.
pub fn record(stored: &Stored) -> Option<Vec<u8>> {
    let id = stored.audit_id.hyphenated().to_string();
    let at = stored.at?.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()?;
    let actor_id = stored.actor_id.map(|id| id.hyphenated().to_string());
    let columns = [
        Some(id.as_str()),
        Some(at.as_str()),
        stored.action.as_deref(),
        stored.actor.as_deref(),
        actor_id.as_deref(),
        stored.target.as_deref(),
        stored.target_id.as_deref(),
        stored.detail.as_deref(),
        stored.request_id.as_deref(),
        stored.actor_digest.as_deref(),
        stored.target_digest.as_deref(),
    ];
    let mut bytes = HEADER.to_vec();
    for column in columns {
        match column {
            Some(text) => bytes.extend(format!("{}:{text},", text.len()).into_bytes()),
            None => bytes.extend(b"-,"),
        }
    }
    Some(bytes)
}

pub fn record_digest(stored: &Stored) -> Option<[u8; 32]> {
    Some(Sha256::digest(record(stored)?).into())
}

/// Binds a record to its place: the digest of the seal before, the number as eight bytes, the
/// highest first, and the digest of the record.
pub fn chain_digest(before: &[u8], number: i64, record_digest: &[u8]) -> [u8; 32] {
    let digest = Sha256::new().chain_update(before).chain_update(number.to_be_bytes());
    digest.chain_update(record_digest).finalize().into()
}
