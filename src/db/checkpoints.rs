//! The table `checkpoints`: signed digests of the chain.

use time::OffsetDateTime;

use super::{Db, Tx, sql, words};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// How far the chain was then.
    End,
    /// Stands for what was pruned: the chain goes on from here.
    Pruned,
}

words!(Kind: End = "end", Pruned = "pruned");

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::End => "end",
            Self::Pruned => "pruned",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub number: i64,
    pub kind: Kind,
    pub chain_digest: Vec<u8>,
    pub at: OffsetDateTime,
    pub key_id: String,
    pub mac: Vec<u8>,
}

macro_rules! select_checkpoints {
    ($tx:expr, $fetch:ident, $rest:literal) => {
        sql!(in $tx, $fetch Checkpoint:
            r#"select number, kind as "kind: Kind", chain_digest as "chain_digest!: Vec<u8>",
                      at as "at: OffsetDateTime", key_id, mac as "mac!: Vec<u8>"
               from checkpoints "# + $rest)
    };
}

/// Where the chain goes on when it has no seal.
pub async fn newest_in(tx: &mut Tx) -> sqlx::Result<Option<Checkpoint>> {
    select_checkpoints!(tx, fetch_optional, "order by number desc, kind limit 1")
}

pub async fn list_in(tx: &mut Tx) -> sqlx::Result<Vec<Checkpoint>> {
    select_checkpoints!(tx, fetch_all, "order by number, kind")
}

/// Whether the chain is longer than at the newest checkpoint, and that one older than `since`.
pub async fn is_due(db: &Db, since: OffsetDateTime) -> sqlx::Result<bool> {
    let found = sql!(db, fetch_optional scalar:
        r#"select 1 as "one!: i32" from seals
           where number > (select coalesce(max(number), 0) from checkpoints)
             and not exists (select 1 from checkpoints
                             where number = (select max(number) from checkpoints) and at > $1)
           limit 1"#, since)?;
    Ok(found.is_some())
}

pub async fn create(tx: &mut Tx, new: &Checkpoint) -> sqlx::Result<()> {
    let Checkpoint { number, kind, chain_digest, at, key_id, mac } = new;
    sql!(in tx, execute:
        "insert into checkpoints (number, kind, chain_digest, at, key_id, mac)
         values ($1, $2, $3, $4, $5, $6)", number, kind as _, chain_digest, at, key_id, mac)?;
    Ok(())
}

pub async fn newest_pruned(tx: &mut Tx) -> sqlx::Result<Option<Checkpoint>> {
    select_checkpoints!(tx, fetch_optional, "where kind = 'pruned' order by number desc limit 1")
}

/// Deletes those of what is pruned.
pub async fn delete_through(tx: &mut Tx, number: i64) -> sqlx::Result<u64> {
    sql!(in tx, execute: "delete from checkpoints where number <= $1", number)
}
