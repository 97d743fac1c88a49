//! How long sessions live by the roles of their users: shorter than their rows say, never longer.

use time::{Duration, OffsetDateTime};

use super::{Tx, UserId, sql};

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

/// The shortest of all roles that the user effectively has.
pub async fn of_user(tx: &mut Tx, user_id: UserId, now: OffsetDateTime) -> sqlx::Result<Limits> {
    sql!(in tx, fetch_one Row:
        r#"with recursive held (role_name) as (
               select role_name from grants
               where user_id = $1 and (ends_at is null or ends_at > $2)
               union
               select i.included_name
               from held h join role_includes i on i.role_name = h.role_name
           )
           select min(r.idle_timeout) as "idle_timeout?: i64",
                  min(r.absolute_timeout) as "absolute_timeout?: i64"
           from held h cross join roles r where r.name = h.role_name"#, user_id.0, now)
    .map(Limits::from)
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

/// Deletes the sessions that are over by the limits of a role, of all who have it.
pub async fn delete_overdue_of_role(
    tx: &mut Tx,
    role: &str,
    limits: Limits,
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    let (created, seen) = limits.over_at(at);
    sql!(in tx, execute:
        "delete from sessions
         where (created_at <= $2 or last_seen_at <= $3) and user_id in
               (with recursive giving (role_name) as (
                    select name from roles where name = $1
                    union
                    select i.role_name
                    from giving g join role_includes i on i.included_name = g.role_name
                )
                select g.user_id from giving r cross join grants g
                where g.role_name = r.role_name and g.end_recorded = false)",
        role, created, seen)
    .map(|_| ())
}
