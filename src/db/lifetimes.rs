//! How long sessions live by the roles of their users: shorter than their rows say, never longer.

use std::collections::{HashMap, hash_map::Entry};

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Db, Tx, UserId, sessions::Session, sql};

/// Limits that a role sets, or the shortest of several roles. `None`: they set none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    pub idle: Option<Duration>,
    pub absolute: Option<Duration>,
}

impl Limits {
    /// As the database has them.
    pub fn of_seconds(idle: Option<i64>, absolute: Option<i64>) -> Self {
        Self { idle: idle.map(Duration::seconds), absolute: absolute.map(Duration::seconds) }
    }

    /// The shortest of several that the engine has joined: seconds, as `900/28800,/3600`.
    pub fn least(joined: Option<&str>) -> Self {
        let all = joined.into_iter().flat_map(|all| all.split(','));
        all.filter_map(|one| one.split_once('/')).fold(
            Self::default(),
            |least, (idle, absolute)| {
                let one = Self::of_seconds(idle.parse().ok(), absolute.parse().ok());
                Self {
                    idle: one.idle.into_iter().chain(least.idle).min(),
                    absolute: one.absolute.into_iter().chain(least.absolute).min(),
                }
            },
        )
    }

    pub fn are_none(self) -> bool {
        self == Self::default()
    }

    /// When a session ends by these limits for want of use, and in any case.
    pub fn ends(
        self,
        created_at: OffsetDateTime,
        last_seen_at: OffsetDateTime,
    ) -> (Option<OffsetDateTime>, Option<OffsetDateTime>) {
        let idle = self.idle.map(|limit| last_seen_at.saturating_add(limit));
        (idle, self.absolute.map(|limit| created_at.saturating_add(limit)))
    }

    /// Up to when a session was made, and last used, that is over at this time.
    fn over_at(self, at: OffsetDateTime) -> (OffsetDateTime, OffsetDateTime) {
        let never = OffsetDateTime::UNIX_EPOCH - Duration::SECOND;
        let since = |limit: Option<Duration>| limit.map_or(never, |limit| at.saturating_sub(limit));
        (since(self.absolute), since(self.idle))
    }
}

struct Row {
    idle_timeout: Option<i64>,
    absolute_timeout: Option<i64>,
}

impl From<Row> for Limits {
    fn from(row: Row) -> Self {
        Self::of_seconds(row.idle_timeout, row.absolute_timeout)
    }
}

/// A statement about `held`, the roles that the user (`$1`) effectively has at a time (`$2`).
macro_rules! with_held {
    ([$($on:tt)+]: $rest:literal, $user_id:expr, $now:expr $(, $arg:expr)*) => {
        sql!($($on)+:
            "with recursive held (role_name) as (
                 select role_name from grants
                 where user_id = $1 and (ends_at is null or ends_at > $2)
                 union
                 select i.included_name
                 from held h join role_includes i on i.role_name = h.role_name
             )
             " + $rest, $user_id, $now $(, $arg)*)
    };
}

macro_rules! select_of_user {
    ([$($on:tt)+], $user_id:expr, $now:expr) => {
        with_held!([$($on)+, fetch_one Row]:
            r#"select min(r.idle_timeout) as "idle_timeout?: i64",
                      min(r.absolute_timeout) as "absolute_timeout?: i64"
               from held h cross join roles r where r.name = h.role_name"#, $user_id, $now)
        .map(Limits::from)
    };
}

/// Notes a login, if the user is active and still in the epoch that the login saw, and returns the
/// shortest limits of all roles that the user effectively has. Holds the user's row until `tx`
/// ends, which orders it against everything that ends sessions. Where no role has limits, none is
/// looked for.
pub async fn note_login(
    tx: &mut Tx,
    user_id: UserId,
    epoch: i64,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Limits>> {
    with_held!([in tx, fetch_optional Row]:
        r#"update users set last_login_at = $2
           where id = $1 and session_epoch = $3 and status = 'active'
           returning case when exists (select 1 from roles where idle_timeout is not null)
                          then (select min(r.idle_timeout) from held h cross join roles r
                                where r.name = h.role_name) end as "idle_timeout?: i64",
                     case when exists (select 1 from roles where absolute_timeout is not null)
                          then (select min(r.absolute_timeout) from held h cross join roles r
                                where r.name = h.role_name) end as "absolute_timeout?: i64""#,
        user_id.0, now, epoch)
    .map(|found| found.map(Limits::from))
}

/// The shortest of all roles that the user effectively has.
pub async fn of_user(tx: &mut Tx, user_id: UserId, now: OffsetDateTime) -> sqlx::Result<Limits> {
    select_of_user!([in tx], user_id.0, now)
}

/// Those that live, with the ends that the roles of their users leave them.
pub(super) async fn living(
    db: &Db,
    sessions: Vec<Session>,
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Session>> {
    let is_limited: bool = sql!(db, fetch_one scalar:
        r#"select exists (select 1 from roles
                          where idle_timeout is not null or absolute_timeout is not null)
           as "is_limited!: bool""#)?;
    if !is_limited {
        return Ok(sessions);
    }
    let (mut living, mut limits) = (Vec::new(), HashMap::new());
    for mut session in sessions {
        let user_id = session.user_id;
        let of_user = match limits.entry(user_id) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(select_of_user!([db], user_id.0, now)?),
        };
        let (idle, absolute) = of_user.ends(session.created_at, session.last_seen_at);
        session.idle_expires_at = idle.into_iter().fold(session.idle_expires_at, Ord::min);
        session.absolute_expires_at =
            absolute.into_iter().fold(session.absolute_expires_at, Ord::min);
        if now < session.idle_expires_at && now < session.absolute_expires_at {
            living.push(session);
        }
    }
    Ok(living)
}

/// The shortest of a role and all that it includes.
pub async fn of_role(tx: &mut Tx, role: &str) -> sqlx::Result<Limits> {
    sql!(in tx, fetch_one Row:
        r#"with recursive held (role_name) as (
               select name from roles where name = $1
               union
               select i.included_name
               from held h join role_includes i on i.role_name = h.role_name
           )
           select min(r.idle_timeout) as "idle_timeout?: i64",
                  min(r.absolute_timeout) as "absolute_timeout?: i64"
           from held h cross join roles r where r.name = h.role_name"#, role)
    .map(Limits::from)
}

/// Deletes the sessions of a user that by these limits were over at this time.
pub async fn delete_overdue_of_user(
    tx: &mut Tx,
    user_id: UserId,
    limits: Limits,
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    let (created, seen) = limits.over_at(at);
    sql!(in tx, execute:
        "delete from sessions
         where user_id = $1 and (created_at <= $2 or last_seen_at <= $3)",
        user_id.0, created, seen)
    .map(|_| ())
}

macro_rules! overdue_of_role {
    (($($on:ident)+), $fetch:ident $($scalar:ident)?, $what:literal, $more:literal
     $(, $arg:expr)+) => {
        sql!($($on)+, $fetch $($scalar)?:
            $what + r#" from sessions
                where (created_at <= $2 or last_seen_at <= $3) and user_id in
                      (with recursive giving (role_name) as (
                           select name from roles where name = $1
                           union
                           select i.role_name
                           from giving g join role_includes i on i.included_name = g.role_name
                       )
                       select g.user_id from giving r cross join grants g
                       where g.role_name = r.role_name and g.end_recorded = false"#
            + $more $(, $arg)+)
    };
}

/// Deletes the sessions that are over by the limits of a role, of all who have it.
pub async fn delete_overdue_of_role(
    tx: &mut Tx,
    role: &str,
    limits: Limits,
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    let (created, seen) = limits.over_at(at);
    overdue_of_role!((in tx), execute, "delete", ")", role, created, seen).map(|_| ())
}

/// At most so many sessions that are over by the limits of a role, of all who have it.
pub async fn list_overdue_of_role(
    db: &Db,
    role: &str,
    limits: Limits,
    at: OffsetDateTime,
    most: i64,
) -> sqlx::Result<Vec<Uuid>> {
    let (created, seen) = limits.over_at(at);
    overdue_of_role!((db), fetch_all scalar, r#"select id as "id: Uuid""#,
        " and (g.ends_at is null or g.ends_at > $4)) limit $5", role, created, seen, at, most)
}
