//! Numbers that are kept while they change, since counting them would take longer the more
//! there are.

use time::OffsetDateTime;

use super::{Db, Tx, audit::Action, sql};

pub const ACTIVE: &str = "users.active";
pub const DISABLED: &str = "users.disabled";
pub const LOGINS: &str = "logins";
pub const REFUSALS: &str = "logins.refused";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub name: String,
    pub day: String,
    pub n: i64,
}

/// What is counted by day when it is recorded.
pub fn of(action: Action) -> Option<&'static str> {
    match action {
        Action::SessionCreate => Some(LOGINS),
        Action::LoginRefuse => Some(REFUSALS),
        _ => None,
    }
}

/// The day of a time, UTC, as the table has it: `2026-11-22`.
pub fn day(at: OffsetDateTime) -> String {
    at.date().to_string()
}

/// Adds to a number that is not counted by day.
pub async fn add(tx: &mut Tx, name: &str, by: i64) -> sqlx::Result<()> {
    sql!(in tx, execute:
        "insert into tallies (name, day, n) values ($1, '', $2)
         on conflict (name, day) do update set n = tallies.n + excluded.n", name, by)
    .map(|_| ())
}

/// The numbers over all days, and those of the days from `since` on.
pub async fn list(db: &Db, since: &str) -> sqlx::Result<Vec<Tally>> {
    sql!(db, fetch_all Tally:
        "select name, day, n from tallies where day = '' or day >= $1 order by day, name", since)
}

/// One number that is not counted by day.
pub async fn find(db: &Db, name: &str) -> sqlx::Result<i64> {
    let found: Option<i64> = sql!(db, fetch_optional scalar:
        "select n from tallies where name = $1 and day = ''", name)?;
    Ok(found.unwrap_or(0))
}
