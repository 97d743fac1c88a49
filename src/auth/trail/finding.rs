//! What does not fit in the trail, in words. Each names the first place where it shows.

use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    #[error("record {number} ({id}) was edited after it was sealed")]
    Edited { number: i64, id: Uuid },
    #[error("record {number} ({id}) was swapped: it holds what record {with} held")]
    Swapped { number: i64, id: Uuid, with: i64 },
    #[error("record {number} ({id}) was removed; its seal is still there")]
    Removed { number: i64, id: Uuid },
    #[error("record {number} was removed together with its seal")]
    RemovedWithSeal { number: i64 },
    #[error("records {number} to {last} were removed together with their seals")]
    ManyRemoved { number: i64, last: i64 },
    #[error("record {id} was removed before it was sealed")]
    RemovedUnsealed { id: Uuid },
    #[error("record {number} ({id}) was inserted: its seal has no place in the chain")]
    Inserted { number: i64, id: Uuid },
    #[error("record {id} was inserted: it has no seal and waits for none")]
    InsertedUnsealed { id: Uuid },
    #[error("the seal of record {number} ({id}) was edited")]
    SealEdited { number: i64, id: Uuid },
    #[error("the seals of records {number} ({id}) and {with} were swapped")]
    SealSwapped { number: i64, id: Uuid, with: i64 },
    #[error("what record {number} ({id}) keeps of names and addresses ({part}) was edited")]
    PersonalEdited { number: i64, id: Uuid, part: &'static str },
    #[error("names or addresses were inserted for record {id}, which has no such part")]
    PersonalInserted { id: Uuid },
    #[error("record {number} cannot be read: it or its seal was edited")]
    Unreadable { number: i64 },
    #[error("a row of seals, checkpoints or audit_unsealed cannot be read: it was edited")]
    RowUnreadable,
    #[error("the checkpoint of record {number} was edited, or made without the key file")]
    CheckpointForged { number: i64 },
    #[error(
        "the checkpoint of record {number} is signed with key {key_id}, which the key file does not have; name the right file with key_file, or restore it from a backup"
    )]
    KeyMissing { number: i64, key_id: String },
    #[error(
        "somewhere from record {number} to record {last} the trail was rewritten: a signed checkpoint of record {last} says otherwise"
    )]
    Rewritten { number: i64, last: i64 },
    #[error(
        "the trail was cut: it ends with record {last}, and a signed checkpoint tells of record {number}"
    )]
    Truncated { number: i64, last: i64 },
}

impl Finding {
    /// One word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Edited { .. } | Self::PersonalEdited { .. } | Self::SealEdited { .. } => "edited",
            Self::Swapped { .. } | Self::SealSwapped { .. } => "swapped",
            Self::Removed { .. }
            | Self::RemovedWithSeal { .. }
            | Self::ManyRemoved { .. }
            | Self::RemovedUnsealed { .. } => "removed",
            Self::Inserted { .. }
            | Self::InsertedUnsealed { .. }
            | Self::PersonalInserted { .. } => "inserted",
            Self::Unreadable { .. } | Self::RowUnreadable => "unreadable",
            Self::CheckpointForged { .. } => "forged",
            Self::KeyMissing { .. } => "key missing",
            Self::Rewritten { .. } => "rewritten",
            Self::Truncated { .. } => "truncated",
        }
    }

    /// Number of the record in the chain, if it has one.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Edited { number, .. }
            | Self::Swapped { number, .. }
            | Self::Removed { number, .. }
            | Self::RemovedWithSeal { number }
            | Self::ManyRemoved { number, .. }
            | Self::Inserted { number, .. }
            | Self::SealEdited { number, .. }
            | Self::SealSwapped { number, .. }
            | Self::PersonalEdited { number, .. }
            | Self::Unreadable { number }
            | Self::CheckpointForged { number }
            | Self::KeyMissing { number, .. }
            | Self::Rewritten { number, .. }
            | Self::Truncated { number, .. } => Some(*number),
            Self::RemovedUnsealed { .. }
            | Self::InsertedUnsealed { .. }
            | Self::PersonalInserted { .. }
            | Self::RowUnreadable => None,
        }
    }

    /// Id of the record, if it is known.
    pub fn id(&self) -> Option<Uuid> {
        match self {
            Self::Edited { id, .. }
            | Self::Swapped { id, .. }
            | Self::Removed { id, .. }
            | Self::RemovedUnsealed { id }
            | Self::Inserted { id, .. }
            | Self::InsertedUnsealed { id }
            | Self::SealEdited { id, .. }
            | Self::SealSwapped { id, .. }
            | Self::PersonalEdited { id, .. }
            | Self::PersonalInserted { id } => Some(*id),
            _ => None,
        }
    }
}

/// What to do about any of them.
pub const HINT: &str = "keep a copy of the database, compare it with a backup or an export, and see docs/audit.md for what to do";
