//! The table `sessions`: who is signed in where, until when. Ids and tokens of cookies are
//! never in it, only their digests.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Db, Tx, UserId, lifetimes, sql};

/// A session as it is made.
#[derive(Debug, Clone)]
pub struct NewSession {
    pub id: Uuid,
    pub digest: String,
    pub check_digest: Option<String>,
    pub user_id: UserId,
    pub remember: bool,
    pub created_at: OffsetDateTime,
    pub idle_expires_at: OffsetDateTime,
    pub absolute_expires_at: OffsetDateTime,
    pub ip: String,
    pub user_agent: String,
}

/// A live session as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: Uuid,
    pub user_id: UserId,
    pub username: String,
    pub remember: bool,
    pub created_at: OffsetDateTime,
    pub last_seen_at: OffsetDateTime,
    pub idle_expires_at: OffsetDateTime,
    pub absolute_expires_at: OffsetDateTime,
    pub ip: String,
    pub user_agent: String,
}

/// What one request needs to know about who sent it, read in one round trip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    pub session_id: Uuid,
    pub remember: bool,
    pub created_at: OffsetDateTime,
    pub last_seen_at: OffsetDateTime,
    pub idle_expires_at: OffsetDateTime,
    pub absolute_expires_at: OffsetDateTime,
    /// The limits of the user's effective roles, for [`lifetimes::Limits::least`].
    pub limits: Option<String>,
    /// Those of roles that ended at `former_end` and which nobody has seen to yet.
    pub former_limits: Option<String>,
    pub former_end: Option<OffsetDateTime>,
    /// When the first of the user's grants ends, if one does.
    pub next_end: Option<OffsetDateTime>,
    /// When the password was last entered in it.
    pub proved_at: Option<OffsetDateTime>,
    pub user_id: UserId,
    pub username: String,
    pub email: Option<String>,
    pub display_name: String,
    /// Effective roles, granted and included, joined by commas.
    pub roles: Option<String>,
    /// What these roles permit, joined by commas; for `admin` all there is.
    pub permissions: Option<String>,
}

/// Splits what the engine has joined. Sorted here, since the engines sort by their locale.
pub fn split(joined: &str) -> BTreeSet<String> {
    joined.split(',').map(str::to_owned).collect()
}

macro_rules! select_current {
    ($db:expr, $is_it:literal, $digest:expr, $now:expr) => {
        sql!($db, fetch_optional Current:
            // `ended_at`: by a grant that has ended and whose end nobody has seen to yet.
            r#"with recursive held (role_name, ended_at) as (
                   select g.role_name, case when g.ends_at <= $2 then g.ends_at end
                   from sessions s join grants g on g.user_id = s.user_id
                   where "# + $is_it + r#"
                     and (g.ends_at is null or g.ends_at > $2 or g.end_recorded = false)
                   union
                   select i.included_name, h.ended_at
                   from held h join role_includes i on i.role_name = h.role_name
               )
               select s.id as "session_id: Uuid", s.remember,
                      s.created_at as "created_at: OffsetDateTime",
                      s.last_seen_at as "last_seen_at: OffsetDateTime",
                      s.idle_expires_at as "idle_expires_at: OffsetDateTime",
                      s.absolute_expires_at as "absolute_expires_at: OffsetDateTime",
                      (select string_agg(coalesce(cast(r.idle_timeout as text), '') || '/' ||
                                         coalesce(cast(r.absolute_timeout as text), ''), ',')
                       from held h cross join roles r
                       where r.name = h.role_name and h.ended_at is null
                         and (r.idle_timeout is not null or r.absolute_timeout is not null))
                          as "limits: String",
                      (select string_agg(coalesce(cast(r.idle_timeout as text), '') || '/' ||
                                         coalesce(cast(r.absolute_timeout as text), ''), ',')
                       from held h cross join roles r
                       where r.name = h.role_name and h.ended_at is not null
                         and (r.idle_timeout is not null or r.absolute_timeout is not null))
                          as "former_limits: String",
                      (select max(ended_at) from held) as "former_end: OffsetDateTime",
                      (select min(g.ends_at) from grants g
                       where g.user_id = u.id and g.ends_at > $2) as "next_end: OffsetDateTime",
                      s.proved_at as "proved_at: OffsetDateTime",
                      u.id as "user_id: UserId", u.username, u.email, u.display_name,
                      (select string_agg(role_name, ',') from held where ended_at is null)
                          as "roles: String",
                      (select string_agg(name, ',') from (
                           select p.permission_name as name
                           from held h join role_permissions p on p.role_name = h.role_name
                           where h.ended_at is null
                           union
                           select name from permissions
                           where exists (select 1 from held
                                         where role_name = 'admin' and ended_at is null)
                       ) permitted) as "permissions: String"
               from sessions s join users u on u.id = s.user_id
               where "# + $is_it + r#" and u.status = 'active'
                 and s.idle_expires_at > $2 and s.absolute_expires_at > $2"#, $digest, $now)
    };
}

/// The user whose session cookie has this digest, if the session lives and the user is active.
pub async fn find_current(
    db: &Db,
    digest: &str,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Current>> {
    select_current!(db, "s.digest = $1", digest, now)
}

/// The same by the digest of the check cookie, which opens `/auth/check` alone.
pub async fn find_current_by_check(
    db: &Db,
    digest: &str,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Current>> {
    select_current!(db, "s.check_digest = $1", digest, now)
}

/// The same by the digest that the session had before the password was entered anew, for the
/// little while in which answers with the new cookie are on their way.
pub async fn find_current_by_former(
    db: &Db,
    digest: &str,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Current>> {
    select_current!(db, "s.former_digest = $1 and s.former_until > $2", digest, now)
}

/// When the live session with this digest ends at the latest.
pub async fn find_end(
    db: &Db,
    digest: &str,
    now: OffsetDateTime,
) -> sqlx::Result<Option<OffsetDateTime>> {
    sql!(db, fetch_optional scalar:
        r#"select s.absolute_expires_at as "end: OffsetDateTime"
           from sessions s join users u on u.id = s.user_id
           where s.digest = $1 and u.status = 'active'
             and s.idle_expires_at > $2 and s.absolute_expires_at > $2"#, digest, now)
}

macro_rules! select_sessions {
    ($($on:ident)+, $fetch:ident, $tail:literal $(, $arg:expr)*) => {
        sql!($($on)+, $fetch Session:
            r#"select s.id as "id: Uuid", s.user_id as "user_id: UserId", u.username, s.remember,
                      s.created_at as "created_at: OffsetDateTime",
                      s.last_seen_at as "last_seen_at: OffsetDateTime",
                      s.idle_expires_at as "idle_expires_at: OffsetDateTime",
                      s.absolute_expires_at as "absolute_expires_at: OffsetDateTime",
                      s.ip, s.user_agent
               from sessions s join users u on u.id = s.user_id "#
            + $tail $(, $arg)*)
    };
}

/// Live sessions, newest first; `after` is the id of the last one of the page before.
pub async fn list(
    db: &Db,
    after: Uuid,
    limit: i64,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Session>> {
    let (mut live, mut after, most) = (Vec::new(), after, usize::try_from(limit).unwrap_or(0));
    // What a role has ended leaves gaps, which those after fill.
    loop {
        let found = list_stored(db, after, limit, now).await?;
        let is_last = found.len() < most;
        after = found.last().map_or(after, |last| last.id);
        live.extend(lifetimes::living(db, found, now).await?);
        if is_last || live.len() >= most {
            live.truncate(most);
            return Ok(live);
        }
    }
}

async fn list_stored(
    db: &Db,
    after: Uuid,
    limit: i64,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Session>> {
    select_sessions!(
        db,
        fetch_all,
        "where s.id < $1 and s.idle_expires_at > $2 and s.absolute_expires_at > $2
         order by s.id desc limit $3",
        after,
        now,
        limit
    )
}

pub async fn list_of_user(
    db: &Db,
    user_id: UserId,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Session>> {
    let found = select_sessions!(
        db,
        fetch_all,
        "where s.user_id = $1 and s.idle_expires_at > $2 and s.absolute_expires_at > $2
         order by s.id desc",
        user_id.0,
        now
    )?;
    lifetimes::living(db, found, now).await
}

pub async fn find_in(tx: &mut Tx, id: Uuid) -> sqlx::Result<Option<Session>> {
    select_sessions!(in tx, fetch_optional, "where s.id = $1", id)
}

/// How many sessions live, counted up to `most`.
pub async fn count(db: &Db, now: OffsetDateTime, most: i64) -> sqlx::Result<i64> {
    sql!(db, fetch_one scalar:
        r#"select count(*) as "count!: i64" from
           (select 1 as one from sessions where idle_expires_at > $1 limit $2) capped"#, now, most)
}

/// Returns how many sessions the user has then, those that are over included; an engine may leave
/// out the new one.
pub async fn create(tx: &mut Tx, session: &NewSession) -> sqlx::Result<i64> {
    sql!(in tx, fetch_one scalar:
        r#"insert into sessions (id, digest, check_digest, user_id, remember, created_at,
                               last_seen_at, proved_at, idle_expires_at, absolute_expires_at, ip,
                               user_agent)
         values ($1, $2, $3, $4, $5, $6, $6, $6, $7, $8, $9, $10)
         returning (select count(*) from sessions where user_id = $4) as "n!: i64""#,
        session.id, session.digest, session.check_digest, session.user_id.0, session.remember,
        session.created_at, session.idle_expires_at, session.absolute_expires_at, session.ip,
        session.user_agent)
}

/// Another id for the cookie of a session.
#[derive(Debug, Clone, Copy)]
pub struct Renewal<'a> {
    pub old_digest: &'a str,
    pub new_digest: &'a str,
    pub now: OffsetDateTime,
    /// Until when the old id still finds the session.
    pub old_until: OffsetDateTime,
}

/// Gives the session another id, now that the password was entered in it. `false` when the old
/// one is not its id (any more).
pub async fn renew(tx: &mut Tx, id: Uuid, renewal: Renewal<'_>) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "update sessions set digest = $3, former_digest = $2, former_until = $5, proved_at = $4
         where id = $1 and digest = $2",
        id, renewal.old_digest, renewal.new_digest, renewal.now, renewal.old_until)
    .map(|renewed| renewed == 1)
}

/// Writes down that these sessions were used at a time, and now end without use at another one.
/// Those that have ended stay ended.
pub async fn touch(
    tx: &mut Tx,
    ids: &[Uuid],
    seen: OffsetDateTime,
    idle_expires_at: OffsetDateTime,
) -> sqlx::Result<()> {
    // With a statement for each row, a stop would take longer than it may; and neither engine
    // reads the lists of the other.
    let hex: Vec<_> = ids.iter().map(|id| id.simple()).collect();
    let listed = serde_json::to_string(&hex).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sql!(in tx, execute one of:
        [r#"update sessions set last_seen_at = $2,
                   idle_expires_at = case when $3 < absolute_expires_at
                                     then $3 else absolute_expires_at end
            where id in (select unhex(value) from json_each($1)) and last_seen_at < $2"#,
            listed, seen, idle_expires_at],
        [r#"update sessions set last_seen_at = $2,
                   idle_expires_at = case when $3 < absolute_expires_at
                                     then $3 else absolute_expires_at end
            where id = any($1) and last_seen_at < $2"#,
            ids, seen, idle_expires_at])
    .map(|_| ())
}

pub async fn delete(tx: &mut Tx, id: Uuid) -> sqlx::Result<bool> {
    sql!(in tx, execute: "delete from sessions where id = $1", id).map(|deleted| deleted == 1)
}

pub async fn delete_by_digest(tx: &mut Tx, digest: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute: "delete from sessions where digest = $1", digest)
        .map(|deleted| deleted == 1)
}

/// Ends a user's live sessions but `keep` and the `kept` newest of the others. Returns which.
pub async fn delete_oldest(
    tx: &mut Tx,
    user_id: UserId,
    (keep, kept): (Uuid, i64),
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Uuid>> {
    let all = i64::MAX;
    sql!(in tx, fetch_all scalar:
        r#"delete from sessions where id in
               (select id from sessions
                where user_id = $1 and idle_expires_at > $2 and absolute_expires_at > $2
                  and id <> $5
                order by created_at desc, id desc limit $3 offset $4)
           returning id as "id!: Uuid""#, user_id.0, now, all, kept, keep)
}

/// Ends a user's sessions but `keep`; returns how many.
pub async fn delete_of_user(tx: &mut Tx, user_id: UserId, keep: Option<Uuid>) -> sqlx::Result<u64> {
    let keep = keep.unwrap_or(Uuid::nil());
    sql!(in tx, execute:
        "delete from sessions where user_id = $1 and id <> $2", user_id.0, keep)
}

pub async fn delete_all(tx: &mut Tx) -> sqlx::Result<u64> {
    sql!(in tx, execute: "delete from sessions")
}

/// Deletes at most `limit` sessions that have expired.
pub async fn delete_expired(tx: &mut Tx, now: OffsetDateTime, limit: i64) -> sqlx::Result<u64> {
    sql!(in tx, execute:
        "delete from sessions where id in
             (select id from sessions where idle_expires_at <= $1 limit $2)", now, limit)
}
