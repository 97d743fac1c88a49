//! What one node at a time does. A lease saves the others the work; that the work is right when
//! two do it at once is not its business. Times are milliseconds since 1970.

use super::{Db, Tx, sql};

/// Putting records into the chain.
pub const SEAL: &str = "seal";
/// Deleting what has expired.
pub const SWEEP: &str = "sweep";

/// Whether another holder has the lease. One that is held longer than `term` from now was taken
/// by a clock that was wrong, and holds nobody back.
pub async fn is_taken(
    db: &Db,
    name: &str,
    holder: &str,
    now: i64,
    term: i64,
) -> sqlx::Result<bool> {
    let latest = now.saturating_add(term);
    let found = sql!(db, fetch_optional scalar:
        r#"select 1 as "one!: i32" from leases
           where name = $1 and holder <> $2 and held_until > $3 and held_until <= $4"#,
        name, holder, now, latest)?;
    Ok(found.is_some())
}

/// Takes the lease until `term` from now, or keeps it; false when another one has it.
pub async fn take(
    tx: &mut Tx,
    name: &str,
    holder: &str,
    now: i64,
    term: i64,
) -> sqlx::Result<bool> {
    let until = now.saturating_add(term);
    let taken = sql!(in tx, execute:
        "insert into leases (name, holder, held_until) values ($1, $2, $4)
         on conflict (name) do update set holder = $2, held_until = $4
         where leases.holder = $2 or leases.held_until <= $3 or leases.held_until > $4",
        name, holder, now, until)?;
    Ok(taken > 0)
}

/// The same in a transaction of its own.
pub async fn take_alone(
    db: &Db,
    name: &str,
    holder: &str,
    now: i64,
    term: i64,
) -> sqlx::Result<bool> {
    if is_taken(db, name, holder, now, term).await? {
        return Ok(false);
    }
    let mut tx = db.begin_aside().await?;
    let taken = take(&mut tx, name, holder, now, term).await?;
    tx.commit().await?;
    Ok(taken)
}
