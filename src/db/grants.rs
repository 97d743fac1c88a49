//! The table `grants`: which user has which role, by whom, why and until when.

use std::cmp::Ordering;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Db, Tx, UserId, sorted, sql};

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

fn by_role(one: &Grant, other: &Grant) -> Ordering {
    one.role_name.cmp(&other.role_name)
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
    sorted(select_grants!(db, fetch_all, "where user_id = $1", user_id.0), by_role)
}

/// The grants of the users whose name keys lie after `after` and up to `last`.
pub async fn list_of_users(db: &Db, after: &[u8], last: &[u8]) -> sqlx::Result<Vec<Grant>> {
    let found = select_grants!(
        db,
        fetch_all,
        "where user_id in (select user_id from login_keys
                           where kind = 'name' and key > $1 and key <= $2)",
        after,
        last
    );
    sorted(found, by_role)
}

pub async fn list_of_users_in(tx: &mut Tx, after: &[u8], last: &[u8]) -> sqlx::Result<Vec<Grant>> {
    let found = select_grants!(in tx, fetch_all,
        "where user_id in (select user_id from login_keys
                           where kind = 'name' and key > $1 and key <= $2)",
        after, last);
    sorted(found, by_role)
}

pub async fn list_of_user_in(tx: &mut Tx, user_id: UserId) -> sqlx::Result<Vec<Grant>> {
    sorted(select_grants!(in tx, fetch_all, "where user_id = $1", user_id.0), by_role)
}

/// The first grants of a role, those that have ended too.
pub async fn list_of_role_in(tx: &mut Tx, role: &str, limit: i64) -> sqlx::Result<Vec<Grant>> {
    select_grants!(in tx, fetch_all, "where role_name = $1 order by user_id limit $2", role, limit)
}

pub async fn count_of_role_in(tx: &mut Tx, role: &str, now: OffsetDateTime) -> sqlx::Result<i64> {
    sql!(in tx, fetch_one scalar:
        r#"select count(*) as "count!: i64" from grants
           where role_name = $1 and end_recorded = false and (ends_at is null or ends_at > $2)"#,
        role, now)
}

pub async fn find(tx: &mut Tx, user_id: UserId, role: &str) -> sqlx::Result<Option<Grant>> {
    select_grants!(in tx, fetch_optional, "where user_id = $1 and role_name = $2", user_id.0, role)
}

/// A grant with the names that people know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub user_id: UserId,
    pub username: String,
    pub role_name: String,
    pub granted_at: OffsetDateTime,
    pub granted_by: String,
    pub granted_by_id: Option<Uuid>,
    /// Name of the user who granted it, if it was one who still has a name.
    pub granted_by_name: Option<String>,
    pub reason: String,
    pub ends_at: Option<OffsetDateTime>,
}

impl From<&Named> for Grant {
    fn from(named: &Named) -> Self {
        Self {
            user_id: named.user_id,
            role_name: named.role_name.clone(),
            granted_at: named.granted_at,
            granted_by: named.granted_by.clone(),
            granted_by_id: named.granted_by_id,
            reason: named.reason.clone(),
            ends_at: named.ends_at,
        }
    }
}

macro_rules! select_named {
    ($db:expr, $tail:literal $(, $arg:expr)*) => {
        sql!($db, fetch_all Named:
            r#"select g.user_id as "user_id: UserId", u.username, g.role_name,
                      g.granted_at as "granted_at: OffsetDateTime", g.granted_by,
                      g.granted_by_id as "granted_by_id: Uuid",
                      b.username as "granted_by_name?", g.reason,
                      g.ends_at as "ends_at: OffsetDateTime"
               from grants g join users u on u.id = g.user_id
               left join users b on b.id = g.granted_by_id "# + $tail $(, $arg)*)
    };
}

/// All grants of a user with who gave them.
pub async fn list_named(db: &Db, user_id: UserId) -> sqlx::Result<Vec<Named>> {
    let found = select_named!(db, "where g.user_id = $1", user_id.0);
    sorted(found, |one: &Named, other| one.role_name.cmp(&other.role_name))
}

/// A page of those who hold a role, after the user `after`.
pub async fn list_holders(
    db: &Db,
    role: &str,
    after: Uuid,
    limit: i64,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Named>> {
    select_named!(
        db,
        "where g.role_name = $1 and g.end_recorded = false and g.user_id > $2
           and (g.ends_at is null or g.ends_at > $3)
         order by g.user_id limit $4",
        role,
        after,
        now,
        limit
    )
}

/// Grants that end from now until `before`, the next first.
pub async fn list_ending(
    db: &Db,
    now: OffsetDateTime,
    before: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<Named>> {
    select_named!(
        db,
        "where g.ends_at > $1 and g.ends_at <= $2 order by g.ends_at limit $3",
        now,
        before,
        limit
    )
}

/// Holders of a role are counted up to here on pages; this many means "at least so many".
pub const MOST_COUNTED: i64 = 1001;

/// How many hold a role directly, counted up to `most`.
pub async fn count_holders(
    db: &Db,
    role: &str,
    most: i64,
    now: OffsetDateTime,
) -> sqlx::Result<i64> {
    sql!(db, fetch_one scalar:
        r#"select count(*) as "count!: i64" from
           (select 1 as one from grants
            where role_name = $1 and end_recorded = false and (ends_at is null or ends_at > $2)
            limit $3) capped"#, role, now, most)
}

/// How many have a role, directly or through one that includes it, counted up to `most`.
pub async fn count_having(
    db: &Db,
    role: &str,
    most: i64,
    now: OffsetDateTime,
) -> sqlx::Result<i64> {
    sql!(db, fetch_one scalar:
        r#"with recursive giving (role_name) as (
               select name from roles where name = $1
               union
               select i.role_name
               from giving g join role_includes i on i.included_name = g.role_name
           )
           select count(*) as "count!: i64" from
           (select distinct user_id from
            -- Nobody has more grants of these roles than there are such roles.
            (select g.user_id from giving r cross join grants g
             where g.role_name = r.role_name and g.end_recorded = false
               and (g.ends_at is null or g.ends_at > $2)
             limit $3 * (select count(*) from giving)) first
            limit $3) capped"#, role, now, most)
}

/// How many have `other` only because `role`, which they have, includes it, counted up to `most`.
pub async fn count_losing(
    db: &Db,
    role: &str,
    other: &str,
    most: i64,
    now: OffsetDateTime,
) -> sqlx::Result<i64> {
    sql!(db, fetch_one scalar:
        r#"with recursive giving (role_name) as (
               select name from roles where name = $1
               union
               select i.role_name
               from giving g join role_includes i on i.included_name = g.role_name
           ), keeping (role_name) as (
               select name from roles where name = $2
               union
               select i.role_name
               from keeping k join role_includes i on i.included_name = k.role_name
               where not (i.role_name = $1 and i.included_name = $2)
           )
           select count(*) as "count!: i64" from
           (select distinct g.user_id from giving r cross join grants g
            where g.role_name = r.role_name and g.end_recorded = false
              and (g.ends_at is null or g.ends_at > $3)
              and not exists (
                  select 1 from grants other
                  where other.user_id = g.user_id and other.end_recorded = false
                    and (other.ends_at is null or other.ends_at > $3)
                    and other.role_name in (select role_name from keeping))
            limit $4) capped"#, role, other, now, most)
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
             ends_at = excluded.ends_at, end_recorded = false",
        grant.user_id.0, grant.role_name, grant.granted_at, grant.granted_by,
        grant.granted_by_id, grant.reason, grant.ends_at)
    .map(|_| ())
}

pub async fn delete(tx: &mut Tx, user_id: UserId, role: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "delete from grants where user_id = $1 and role_name = $2", user_id.0, role)
    .map(|deleted| deleted == 1)
}

/// Marks at most `limit` grants whose end has come and is not recorded, and returns them. Of
/// several that ask at once, one gets each.
pub async fn take_ended(tx: &mut Tx, now: OffsetDateTime, limit: i64) -> sqlx::Result<Vec<Grant>> {
    sql!(in tx, fetch_all Grant:
        r#"update grants set end_recorded = true
           where end_recorded = false and (user_id, role_name) in
                 (select user_id, role_name from grants
                  where end_recorded = false and ends_at <= $1 limit $2)
           returning user_id as "user_id!: UserId", role_name as "role_name!",
                     granted_at as "granted_at!: OffsetDateTime", granted_by as "granted_by!",
                     granted_by_id as "granted_by_id: Uuid", reason as "reason!",
                     ends_at as "ends_at: OffsetDateTime""#, now, limit)
}

/// The same for all that have ended of one user or of one role.
pub async fn take_ended_of(
    tx: &mut Tx,
    now: OffsetDateTime,
    user_id: Option<UserId>,
    role: &str,
) -> sqlx::Result<Vec<Grant>> {
    let user_id = user_id.map(|id| id.0);
    sql!(in tx, fetch_all Grant:
        r#"update grants set end_recorded = true
           where end_recorded = false and ends_at <= $1 and (user_id = $2 or role_name = $3)
           returning user_id as "user_id!: UserId", role_name as "role_name!",
                     granted_at as "granted_at!: OffsetDateTime", granted_by as "granted_by!",
                     granted_by_id as "granted_by_id: Uuid", reason as "reason!",
                     ends_at as "ends_at: OffsetDateTime""#, now, user_id, role)
}

pub async fn delete_of_user(tx: &mut Tx, user_id: UserId) -> sqlx::Result<u64> {
    sql!(in tx, execute: "delete from grants where user_id = $1", user_id.0)
}

// The joins below name their order: SQLite would begin with all active users.

/// Active users who can log in and whose grant of `admin` has no end.
pub async fn count_lasting_admins(tx: &mut Tx) -> sqlx::Result<i64> {
    sql!(in tx, fetch_one scalar:
        r#"select count(*) as "count!: i64" from grants g cross join users u
           where u.id = g.user_id and g.role_name = 'admin' and g.ends_at is null
             and u.status = 'active' and u.password_hash is not null"#)
}

/// Active users who hold `admin`, whether they can log in yet or not.
pub async fn count_admins(tx: &mut Tx, now: OffsetDateTime) -> sqlx::Result<i64> {
    sql!(in tx, fetch_one scalar:
        r#"select count(*) as "count!: i64" from grants g cross join users u
           where u.id = g.user_id and g.role_name = 'admin' and (g.ends_at is null or g.ends_at > $1)
             and u.status = 'active'"#, now)
}

/// At most `limit` names of active users who hold `admin` and have no password to log in with.
pub async fn list_admins_without_password(
    tx: &mut Tx,
    now: OffsetDateTime,
    limit: i64,
) -> sqlx::Result<Vec<String>> {
    sql!(in tx, fetch_all scalar:
        r#"select u.username from grants g cross join users u
           where u.id = g.user_id and g.role_name = 'admin' and (g.ends_at is null or g.ends_at > $1)
             and u.status = 'active' and u.password_hash is null order by u.id limit $2"#,
        now, limit)
}
