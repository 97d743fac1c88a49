//! The table `throttles`: failed tries, counted by the database, so that tries at the same time
//! and on several nodes cannot overshoot. Times are milliseconds since 1970.

use super::{Db, Tx, UserId, sql, words};

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Everybody who tries an account from a device that it does not know.
    Account,
    /// One device that the account knows.
    Device,
    /// One network.
    Address,
}

words!(Kind: Account = "account", Device = "device", Address = "address");

impl Kind {
    pub const ALL: [Self; 3] = [Self::Account, Self::Device, Self::Address];
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Account => "account",
            Self::Device => "device",
            Self::Address => "address",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Throttle {
    pub kind: Kind,
    pub key: String,
    pub failures: i64,
    pub since: i64,
    pub free_at: i64,
}

/// Failures after which an account is closed to strangers, and a device becomes one.
pub const MOST_FAILURES: i64 = 100;
/// The longest wait, and the window of an address.
pub const LONGEST_MS: i64 = 15 * 60 * 1000;
/// Failures of an address within [`LONGEST_MS`].
pub const MOST_OF_ADDRESS: i64 = 50;

pub async fn find(db: &Db, kind: Kind, key: &str) -> sqlx::Result<Option<Throttle>> {
    sql!(db, fetch_optional Throttle:
        r#"select kind as "kind: Kind", key, failures, since, free_at
           from throttles where kind = $1 and key = $2"#, kind as _, key)
}

/// Those of two counters that there are.
pub async fn find_two(db: &Db, [one, other]: [&(Kind, String); 2]) -> sqlx::Result<Vec<Throttle>> {
    sql!(db, fetch_all Throttle:
        r#"select kind as "kind: Kind", key, failures, since, free_at
           from throttles where (kind = $1 and key = $2) or (kind = $3 and key = $4)
           order by kind"#,
        one.0 as _, one.1, other.0 as _, other.1)
}

/// Every counter, in the order of kind and key, after `after`.
pub async fn list(db: &Db, after: (&str, &str), limit: i64) -> sqlx::Result<Vec<Throttle>> {
    let (kind, key) = after;
    sql!(db, fetch_all Throttle:
        r#"select kind as "kind: Kind", key, failures, since, free_at
           from throttles where kind > $1 or (kind = $1 and key > $2)
           order by kind, key limit $3"#, kind, key, limit)
}

/// Counts a try as failed before it is made, unless it is held back. Returns how many in a row
/// these are. Five are free, then each doubles the wait from 1 s to 15 min; a wait that ends
/// later than the longest can only come from a clock that was wrong.
pub async fn take(tx: &mut Tx, kind: Kind, key: &str, now: i64) -> sqlx::Result<Option<i64>> {
    sql!(in tx, fetch_optional scalar:
        r#"insert into throttles (kind, key, failures, since, free_at)
           values ($1, $2, 1, $3, $3)
           on conflict (kind, key) do update set
               failures = throttles.failures + 1,
               since = $3,
               free_at = $3 + case
                   when throttles.failures < 4 then 0
                   when throttles.failures > 13 then 900000
                   else 1000 * (cast(1 as bigint) << cast(throttles.failures - 4 as integer))
               end
           where throttles.failures < 100
             and (throttles.free_at <= $3 or throttles.free_at > $3 + 900000)
           returning failures as "failures!: i64""#, kind as _, key, now)
}

/// The same for an address: fifty within 15 min.
pub async fn take_address(tx: &mut Tx, key: &str, now: i64) -> sqlx::Result<Option<i64>> {
    sql!(in tx, fetch_optional scalar:
        r#"insert into throttles (kind, key, failures, since, free_at)
           values ('address', $1, 1, $2, $2)
           on conflict (kind, key) do update set
               failures = case
                   when throttles.since <= $2 - 900000 or throttles.since > $2 then 1
                   else throttles.failures + 1
               end,
               since = case
                   when throttles.since <= $2 - 900000 or throttles.since > $2 then $2
                   else throttles.since
               end
           where throttles.failures < 50
              or throttles.since <= $2 - 900000 or throttles.since > $2
           returning failures as "failures!: i64""#, key, now)
}

/// Takes back one failure that was none.
pub async fn give_back(tx: &mut Tx, kind: Kind, key: &str) -> sqlx::Result<u64> {
    sql!(in tx, execute:
        "update throttles set failures = failures - 1
         where kind = $1 and key = $2 and failures > 0", kind as _, key)
}

/// After a right try: the account's counter begins anew, that of the device too, and the address
/// gets its failure back; of a wait that others may have caused, nothing. All in one go, since each
/// costs a round trip, in the way that each engine knows. The address comes last, as when a try is
/// counted, so that two logins never wait for each other.
pub async fn was_right(
    tx: &mut Tx,
    id: UserId,
    device: Option<&str>,
    address: Option<&str>,
) -> sqlx::Result<()> {
    let id = id.to_string();
    sql!(in tx, execute one of:
        ["delete from throttles
          where (kind = 'account' and key = $1) or (kind = 'device' and key = $2);
          update throttles set failures = failures - 1
          where kind = 'address' and key = $3 and failures > 0", id, device, address],
        ["with anew as (
              delete from throttles
              where (kind = 'account' and key = $1) or (kind = 'device' and key = $2)
              returning 1
          )
          update throttles set failures = failures - 1
          where kind = 'address' and key = $3 and failures > 0
            and (select count(*) from anew) >= 0", id, device, address])
    .map(|_| ())
}

/// Takes back one failure and the wait that came with it, if none came after it.
pub async fn undo(
    tx: &mut Tx,
    kind: Kind,
    key: &str,
    failures: i64,
    now: i64,
) -> sqlx::Result<u64> {
    sql!(in tx, execute:
        "update throttles set failures = failures - 1, free_at = $4
         where kind = $1 and key = $2 and failures = $3", kind as _, key, failures, now)
}

pub async fn delete(tx: &mut Tx, kind: Kind, key: &str) -> sqlx::Result<u64> {
    sql!(in tx, execute: "delete from throttles where kind = $1 and key = $2", kind as _, key)
}

/// What is counted for an account: by strangers and by devices that know it.
pub async fn delete_of_user(tx: &mut Tx, id: UserId) -> sqlx::Result<u64> {
    let id = id.to_string();
    sql!(in tx, execute:
        "delete from throttles
         where (kind = 'account' and key = $1) or (kind = 'device' and substr(key, 1, 36) = $1)",
        id)
}

pub async fn delete_all(tx: &mut Tx) -> sqlx::Result<u64> {
    sql!(in tx, execute: "delete from throttles")
}

/// Deletes what happened before: of addresses and of others.
pub async fn delete_old(tx: &mut Tx, of_addresses: i64, of_others: i64) -> sqlx::Result<u64> {
    sql!(in tx, execute:
        "delete from throttles where since < $2 or (since < $1 and kind = 'address')",
        of_addresses, of_others)
}
