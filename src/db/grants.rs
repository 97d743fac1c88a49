//! The table `grants`: which user has which role, by whom, why and until when.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Db, Tx, UserId, sql};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub user_id: UserId,
    pub role_name: String,
    pub granted_at: OffsetDateTime,
    /// `user`, `cli:<OS user>` or `system`; [`Grant::granted_by_id`] says which user.
    pub granted_by: String,
    pub granted_by_id: Option<Uuid>,
    pub reason: String,
    /// The second from which it no longer holds; `None`: it has no end.
    pub ends_at: Option<OffsetDateTime>,
}

impl Grant {
    pub fn holds_at(&self, now: OffsetDateTime) -> bool {
        self.ends_at.is_none_or(|end| end > now)
    }
}

macro_rules! select_grants {
    ($($on:ident)+, $fetch:ident, $tail:literal $(, $arg:expr)*) => {
        sql!($($on)+, $fetch Grant:
            r#"select user_id as "user_id: UserId", role_name,
                      granted_at as "granted_at: OffsetDateTime", granted_by,
                      granted_by_id as "granted_by_id: Uuid", reason,
                      ends_at as "ends_at: OffsetDateTime" from grants "#
            + $tail $(, $arg)*)
    };
}

/// All grants of a user, those that have ended too.
pub async fn list_of_user(db: &Db, user_id: UserId) -> sqlx::Result<Vec<Grant>> {
    select_grants!(db, fetch_all, "where user_id = $1 order by role_name", user_id.0)
}

/// The grants of the users whose name keys lie after `after` and up to `last`.
pub async fn list_of_users(db: &Db, after: &[u8], last: &[u8]) -> sqlx::Result<Vec<Grant>> {
    select_grants!(
        db,
        fetch_all,
        "where user_id in (select user_id from login_keys
                           where kind = 'name' and key > $1 and key <= $2)
         order by role_name",
        after,
        last
    )
}

pub async fn list_of_user_in(tx: &mut Tx, user_id: UserId) -> sqlx::Result<Vec<Grant>> {
    select_grants!(in tx, fetch_all, "where user_id = $1 order by role_name", user_id.0)
}

pub async fn find(tx: &mut Tx, user_id: UserId, role: &str) -> sqlx::Result<Option<Grant>> {
    select_grants!(in tx, fetch_optional, "where user_id = $1 and role_name = $2", user_id.0, role)
}

/// Grants a role anew or changes the grant that is there.
pub async fn save(tx: &mut Tx, grant: &Grant) -> sqlx::Result<()> {
    sql!(in tx, execute:
        "insert into grants (user_id, role_name, granted_at, granted_by, granted_by_id, reason,
                             ends_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (user_id, role_name) do update
         set granted_at = excluded.granted_at, granted_by = excluded.granted_by,
             granted_by_id = excluded.granted_by_id, reason = excluded.reason,
             ends_at = excluded.ends_at",
        grant.user_id.0, grant.role_name, grant.granted_at, grant.granted_by,
        grant.granted_by_id, grant.reason, grant.ends_at)
    .map(|_| ())
}

pub async fn delete(tx: &mut Tx, user_id: UserId, role: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "delete from grants where user_id = $1 and role_name = $2", user_id.0, role)
    .map(|deleted| deleted == 1)
}

pub async fn delete_of_user(tx: &mut Tx, user_id: UserId) -> sqlx::Result<u64> {
    sql!(in tx, execute: "delete from grants where user_id = $1", user_id.0)
}

/// Active users who can log in and whose grant of `admin` has no end.
pub async fn count_lasting_admins(tx: &mut Tx) -> sqlx::Result<i64> {
    sql!(in tx, fetch_one scalar:
        r#"select count(*) as "count!: i64" from grants g join users u on u.id = g.user_id
           where g.role_name = 'admin' and g.ends_at is null
             and u.status = 'active' and u.password_hash is not null"#)
}

/// Active users who hold `admin`, whether they can log in yet or not.
pub async fn count_admins(tx: &mut Tx, now: OffsetDateTime) -> sqlx::Result<i64> {
    sql!(in tx, fetch_one scalar:
        r#"select count(*) as "count!: i64" from grants g join users u on u.id = g.user_id
           where g.role_name = 'admin' and (g.ends_at is null or g.ends_at > $1)
             and u.status = 'active'"#, now)
}
