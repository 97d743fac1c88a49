//! The tables `seals` and `audit_unsealed`: the chain, and the records that wait for it.

use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Db, Tx, sql};

/// A record as it is stored, with its seal. A column is `None` when it is null or when one of
/// the two is missing.
#[derive(Debug, Clone)]
pub struct Stored {
    pub number: Option<i64>,
    pub audit_id: Uuid,
    pub record_digest: Option<Vec<u8>>,
    pub chain_digest: Option<Vec<u8>>,
    pub at: Option<OffsetDateTime>,
    pub action: Option<String>,
    pub actor: Option<String>,
    pub actor_id: Option<Uuid>,
    pub target: Option<String>,
    pub target_id: Option<String>,
    pub detail: Option<String>,
    pub request_id: Option<String>,
    pub actor_digest: Option<String>,
    pub target_digest: Option<String>,
    pub actor_personal: Option<String>,
    pub target_personal: Option<String>,
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub number: i64,
    pub chain_digest: Vec<u8>,
}

/// What a seal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    pub number: i64,
    pub audit_id: Uuid,
    pub record_digest: Vec<u8>,
    pub chain_digest: Vec<u8>,
}

/// `$id` names the column of the id, `$from` joins what is `a` (the record) and `s` (its seal).
macro_rules! select_stored {
    ($tx:expr, $id:literal, $from:literal, $where:literal $(, $arg:expr)*) => {
        sql!(in $tx, fetch_all Stored:
            "select " + $id + r#" as "audit_id!: Uuid", s.number as "number?: i64",
                    s.record_digest as "record_digest?: Vec<u8>",
                    s.chain_digest as "chain_digest?: Vec<u8>",
                    a.at as "at?: OffsetDateTime", a.action as "action?", a.actor as "actor?",
                    a.actor_id as "actor_id?: Uuid", a.target as "target?",
                    a.target_id as "target_id?", a.detail as "detail?",
                    a.request_id as "request_id?", a.actor_digest as "actor_digest?",
                    a.target_digest as "target_digest?",
                    p.content as "actor_personal?", t.content as "target_personal?"
             from "# + $from + r#"
             left join audit_personal p on p.audit_id = a.id and p.part = 'actor'
             left join audit_personal t on t.audit_id = a.id and t.part = 'target'
             where "# + $where $(, $arg)*)
    };
}

/// The next seals of the chain, with their records as far as these are there.
pub async fn list_after(tx: &mut Tx, number: i64, limit: i64) -> sqlx::Result<Vec<Stored>> {
    select_stored!(
        tx,
        "s.audit_id",
        "seals s left join audit a on a.id = s.audit_id",
        "s.number > $1 order by s.number limit $2",
        number,
        limit
    )
}

/// The next sealed records of that time and later.
pub async fn list_since(
    tx: &mut Tx,
    number: i64,
    since: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<Stored>> {
    select_stored!(
        tx,
        "s.audit_id",
        "seals s join audit a on a.id = s.audit_id",
        "s.number > $1 and a.at >= $2 order by s.number limit $3",
        number,
        since,
        limit
    )
}

/// The next records of that time and later that have no seal, in the order of their ids.
pub async fn list_unsealed_since(
    tx: &mut Tx,
    id: Uuid,
    since: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<Stored>> {
    select_stored!(
        tx,
        "a.id",
        "audit a left join seals s on s.audit_id = a.id",
        "a.id > $1 and a.at >= $2 and s.number is null order by a.id limit $3",
        id,
        since,
        limit
    )
}

/// The next records to seal, in the order of their ids.
pub async fn list_waiting(tx: &mut Tx, after: Uuid, limit: i64) -> sqlx::Result<Vec<Stored>> {
    select_stored!(
        tx,
        "q.audit_id",
        "audit_unsealed q join audit a on a.id = q.audit_id
         left join seals s on s.audit_id = q.audit_id",
        "q.audit_id > $1 and s.number is null order by q.audit_id limit $2",
        after,
        limit
    )
}

/// Their ids alone.
pub async fn list_waiting_ids(tx: &mut Tx, limit: i64) -> sqlx::Result<Vec<Uuid>> {
    sql!(in tx, fetch_all scalar:
        r#"select q.audit_id as "id: Uuid"
           from audit_unsealed q join audit a on a.id = q.audit_id
           where not exists (select 1 from seals s where s.audit_id = q.audit_id)
           order by q.audit_id limit $1"#, limit)
}

/// Takes those out of the line that have their seal, up to this id.
pub async fn unqueue(tx: &mut Tx, through: Uuid) -> sqlx::Result<u64> {
    sql!(in tx, execute:
        "delete from audit_unsealed where audit_id <= $1
         and exists (select 1 from seals s where s.audit_id = audit_unsealed.audit_id)", through)
}

/// Whether a record waits for its seal.
pub async fn is_waiting(db: &Db) -> sqlx::Result<bool> {
    let found = sql!(db, fetch_optional scalar:
        r#"select 1 as "one!: i32" from audit_unsealed q join audit a on a.id = q.audit_id
           where not exists (select 1 from seals s where s.audit_id = q.audit_id) limit 1"#)?;
    Ok(found.is_some())
}

/// How far the chain is, for whoever watches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The number of the last seal; 0 without one.
    pub head: i64,
    /// When the oldest record was written that waits for its seal.
    pub unsealed_since: Option<OffsetDateTime>,
    pub checkpoint_at: Option<OffsetDateTime>,
}

pub async fn standing(db: &Db) -> sqlx::Result<Standing> {
    sql!(db, fetch_one Standing:
        r#"select coalesce((select max(number) from seals), (select max(number) from checkpoints), 0)
                      as "head!: i64",
                  (select a.at from audit_unsealed q join audit a on a.id = q.audit_id
                   where not exists (select 1 from seals s where s.audit_id = q.audit_id)
                   order by q.audit_id limit 1) as "unsealed_since?: OffsetDateTime",
                  (select at from checkpoints where kind = 'end' order by number desc limit 1)
                      as "checkpoint_at?: OffsetDateTime""#)
}

pub async fn count_waiting(tx: &mut Tx) -> sqlx::Result<i64> {
    sql!(in tx, fetch_one scalar:
        r#"select count(*) as "n!: i64" from audit_unsealed q
           where not exists (select 1 from seals s where s.audit_id = q.audit_id)"#)
}

/// One that waits for its seal although there is no such record.
pub async fn find_lost(tx: &mut Tx) -> sqlx::Result<Option<Uuid>> {
    sql!(in tx, fetch_optional scalar:
        r#"select q.audit_id as "id: Uuid" from audit_unsealed q
           where not exists (select 1 from audit a where a.id = q.audit_id)
             and not exists (select 1 from seals s where s.audit_id = q.audit_id)
           order by q.audit_id limit 1"#)
}

/// A record that has no seal and waits for none.
pub async fn find_stray(tx: &mut Tx) -> sqlx::Result<Option<Uuid>> {
    sql!(in tx, fetch_optional scalar:
        r#"select a.id as "id: Uuid" from audit a
           where not exists (select 1 from seals s where s.audit_id = a.id)
             and not exists (select 1 from audit_unsealed q where q.audit_id = a.id)
           order by a.id limit 1"#)
}

/// Names and addresses that belong to no record, or to no part of one.
pub async fn find_stray_personal(tx: &mut Tx) -> sqlx::Result<Option<Uuid>> {
    sql!(in tx, fetch_optional scalar:
        r#"select audit_id as "id: Uuid" from audit_personal p
           where p.part not in ('actor', 'target')
              or not exists (select 1 from audit a where a.id = p.audit_id)
           order by audit_id limit 1"#)
}

pub async fn end(tx: &mut Tx) -> sqlx::Result<Option<End>> {
    sql!(in tx, fetch_optional End:
        r#"select number, chain_digest as "chain_digest!: Vec<u8>" from seals
           order by number desc limit 1"#)
}

/// Writes a part of the chain in one statement: a flood of logins has the chain grow as fast.
pub async fn create(tx: &mut Tx, seals: &[Seal]) -> sqlx::Result<()> {
    let numbers: Vec<i64> = seals.iter().map(|seal| seal.number).collect();
    let ids: Vec<Uuid> = seals.iter().map(|seal| seal.audit_id).collect();
    let records: Vec<Vec<u8>> = seals.iter().map(|seal| seal.record_digest.clone()).collect();
    let chain: Vec<Vec<u8>> = seals.iter().map(|seal| seal.chain_digest.clone()).collect();
    // Neither engine reads the lists of the other.
    let listed: serde_json::Value = seals.iter().map(in_json).collect();
    let listed = listed.to_string();
    sql!(in tx, execute one of:
        ["insert into seals (number, audit_id, record_digest, chain_digest)
          select value ->> 0, unhex(value ->> 1), unhex(value ->> 2), unhex(value ->> 3)
          from json_each($1)", listed],
        ["insert into seals (number, audit_id, record_digest, chain_digest)
          select * from unnest($1::bigint[], $2::uuid[], $3::bytea[], $4::bytea[])",
          &numbers, &ids, &records, &chain])?;
    Ok(())
}

/// As the statement for SQLite reads it.
fn in_json(seal: &Seal) -> serde_json::Value {
    let (record, chain) = (hex::encode(&seal.record_digest), hex::encode(&seal.chain_digest));
    json!([seal.number, seal.audit_id.simple(), record, chain])
}

/// The next seals alone.
pub async fn list(tx: &mut Tx, after: i64, limit: i64) -> sqlx::Result<Vec<Seal>> {
    sql!(in tx, fetch_all Seal:
        r#"select number, audit_id as "audit_id: Uuid", record_digest as "record_digest!: Vec<u8>",
                  chain_digest as "chain_digest!: Vec<u8>"
           from seals where number > $1 order by number limit $2"#, after, limit)
}

/// The last seal up to a number.
pub async fn find_through(tx: &mut Tx, number: i64) -> sqlx::Result<Option<End>> {
    sql!(in tx, fetch_optional End:
        r#"select number, chain_digest as "chain_digest!: Vec<u8>" from seals
           where number <= $1 order by number desc limit 1"#, number)
}

/// The number of the first sealed record of that time or later.
pub async fn first_since(tx: &mut Tx, at: OffsetDateTime) -> sqlx::Result<Option<i64>> {
    sql!(in tx, fetch_one scalar:
        r#"select min(s.number) as "number?: i64" from audit a join seals s on s.audit_id = a.id
           where a.at >= $1"#, at)
}

/// How many records there are of that time and later.
pub async fn count_since(db: &Db, at: OffsetDateTime) -> sqlx::Result<i64> {
    sql!(db, fetch_one scalar: r#"select count(*) as "n!: i64" from audit where at >= $1"#, at)
}

/// Deletes the seals up to a number with their records. Returns how many seals.
pub async fn delete_through(tx: &mut Tx, number: i64) -> sqlx::Result<u64> {
    sql!(in tx, execute:
        "delete from audit where id in (select audit_id from seals where number <= $1)", number)?;
    sql!(in tx, execute: "delete from seals where number <= $1", number)
}
