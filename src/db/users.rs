//! The table `users`: who there is, and what a login needs of them.

use time::OffsetDateTime;

use super::{Db, Tx, UserId, login_keys, sql, words};

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Active,
    Disabled,
    /// Only the id is left.
    Removed,
}

words!(Status: Active = "active", Disabled = "disabled", Removed = "removed");

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Removed => "removed",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    pub status: Status,
    pub username: String,
    pub email: Option<String>,
    pub display_name: String,
    /// A PHC string; `None`: no password can open this account.
    pub password_hash: Option<String>,
    /// Of a password that the program made: until then it is good for one login.
    pub password_expires_at: Option<OffsetDateTime>,
    pub session_epoch: i64,
    /// Devices that knew the account in an older one are strangers.
    pub device_epoch: i64,
    /// Grows with each edit of name, e-mail or displayed name.
    pub version: i64,
    pub created_at: OffsetDateTime,
    pub last_login_at: Option<OffsetDateTime>,
}

impl User {
    /// How the person is called, for a password that is not to be like it.
    pub fn names(&self) -> [&str; 3] {
        [&self.username, self.email.as_deref().unwrap_or_default(), &self.display_name]
    }

    /// Whether all they lack to log in is a password.
    pub fn awaits_password(&self) -> bool {
        self.status == Status::Active && self.password_hash.is_none()
    }
}

macro_rules! select_users {
    ($($on:ident)+, $fetch:ident, $tail:literal $(, $arg:expr)*) => {
        select_users!($($on)+, $fetch, status "u.status", $tail $(, $arg)*)
    };
    ($($on:ident)+, $fetch:ident, status $status:literal, $tail:literal $(, $arg:expr)*) => {
        sql!($($on)+, $fetch User:
            r#"select u.id as "id: UserId", "# + $status + r#" as "status!: Status", u.username,
                      u.email, u.display_name, u.password_hash, u.session_epoch, u.device_epoch, u.version,
                      u.password_expires_at as "password_expires_at: OffsetDateTime",
                      u.created_at as "created_at: OffsetDateTime",
                      u.last_login_at as "last_login_at: OffsetDateTime" "#
            + $tail $(, $arg)*)
    };
}

/// By name or e-mail, given as [`login_keys`] holds them.
pub async fn find_by_key(db: &Db, key: &str) -> sqlx::Result<Option<User>> {
    let key = key.as_bytes();
    select_users!(
        db,
        fetch_optional,
        "from login_keys k join users u on u.id = k.user_id where k.key = $1",
        key
    )
}

/// The same for whoever tries to log in: as much is read and decoded for a key that nobody has,
/// of the first user there is, so that the time does not tell.
pub async fn find_to_log_in(db: &Db, key: &str) -> sqlx::Result<Option<User>> {
    let key = key.as_bytes();
    let read = select_users!(
        db,
        fetch_optional,
        status "case when f.id is null then 'removed' else u.status end",
        "from (select (select k.user_id from login_keys k where k.key = $1) as id) f
         join users u on u.id = coalesce(f.id, (select s.id from users s order by s.id limit 1))",
        key
    )?;
    Ok(read.filter(|user| user.status != Status::Removed))
}

pub async fn find_by_key_in(tx: &mut Tx, key: &str) -> sqlx::Result<Option<User>> {
    let key = key.as_bytes();
    select_users!(in tx, fetch_optional,
        "from login_keys k join users u on u.id = k.user_id where k.key = $1", key)
}

pub async fn find(db: &Db, id: UserId) -> sqlx::Result<Option<User>> {
    select_users!(db, fetch_optional, "from users u where u.id = $1", id.0)
}

pub async fn find_in(tx: &mut Tx, id: UserId) -> sqlx::Result<Option<User>> {
    select_users!(in tx, fetch_optional, "from users u where u.id = $1", id.0)
}

/// A page of the users, by name. Removed ones have no name and are in no list.
///
/// `after`: the name key of the last user of the page before, as bytes; empty for the first.
pub async fn list(db: &Db, after: &[u8], limit: i64) -> sqlx::Result<Vec<User>> {
    select_users!(
        db,
        fetch_all,
        "from login_keys k join users u on u.id = k.user_id
         where k.kind = 'name' and k.key > $1 order by k.key limit $2",
        after,
        limit
    )
}

pub async fn list_in(tx: &mut Tx, after: &[u8], limit: i64) -> sqlx::Result<Vec<User>> {
    select_users!(in tx, fetch_all,
        "from login_keys k join users u on u.id = k.user_id
         where k.kind = 'name' and k.key > $1 order by k.key limit $2",
        after, limit)
}

pub async fn count(db: &Db) -> sqlx::Result<i64> {
    sql!(db, fetch_one scalar:
        r#"select count(*) as "count!: i64" from users where status <> 'removed'"#)
}

pub async fn create(tx: &mut Tx, user: &User) -> sqlx::Result<()> {
    sql!(in tx, execute:
        "insert into users (id, status, username, email, display_name, password_hash,
                            password_expires_at, session_epoch, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        user.id.0, user.status as _, user.username, user.email, user.display_name,
        user.password_hash, user.password_expires_at, user.session_epoch, user.created_at)
    .map(|_| ())
}

pub async fn set_status(tx: &mut Tx, id: UserId, status: Status) -> sqlx::Result<()> {
    sql!(in tx, execute: "update users set status = $2 where id = $1", id.0, status as _)
        .map(|_| ())
}

/// The profile as an editor leaves it.
pub async fn set_profile(tx: &mut Tx, user: &User) -> sqlx::Result<()> {
    sql!(in tx, execute:
        "update users set username = $2, email = $3, display_name = $4, version = version + 1
         where id = $1", user.id.0, user.username, user.email, user.display_name)
    .map(|_| ())
}

/// Sets the password and moves the epoch, so that no login under the old one opens a session
/// any more. `expires_at`: it is good for one login until then.
pub async fn set_password(
    tx: &mut Tx,
    id: UserId,
    hash: &str,
    expires_at: Option<OffsetDateTime>,
) -> sqlx::Result<()> {
    sql!(in tx, execute:
        "update users set password_hash = $2, password_expires_at = $3,
                          session_epoch = session_epoch + 1
         where id = $1", id.0, hash, expires_at)
    .map(|_| ())
}

/// Makes strangers of all devices that know the account.
pub async fn forget_devices(tx: &mut Tx, id: UserId) -> sqlx::Result<()> {
    sql!(in tx, execute:
        "update users set device_epoch = device_epoch + 1 where id = $1", id.0)
    .map(|_| ())
}

/// Spends a password that is good for one login: of several logins at once, one gets it.
pub async fn spend_password(
    tx: &mut Tx,
    id: UserId,
    hash: &str,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "update users set password_expires_at = $3
         where id = $1 and password_hash = $2 and password_expires_at > $3", id.0, hash, now)
    .map(|spent| spent == 1)
}

/// Replaces a hash by a stronger one of the same password, unless it changed meanwhile.
pub async fn renew_hash(tx: &mut Tx, id: UserId, old: &str, new: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "update users set password_hash = $3 where id = $1 and password_hash = $2", id.0, old, new)
    .map(|changed| changed == 1)
}

/// Ends the epoch: a login that has begun opens no session.
pub async fn end_epoch(tx: &mut Tx, id: UserId) -> sqlx::Result<()> {
    sql!(in tx, execute:
        "update users set session_epoch = session_epoch + 1 where id = $1", id.0)
    .map(|_| ())
}

/// The same for everybody.
pub async fn end_all_epochs(tx: &mut Tx) -> sqlx::Result<()> {
    sql!(in tx, execute: "update users set session_epoch = session_epoch + 1").map(|_| ())
}

/// Holds the user's row until `tx` ends, if the user is active and still in this epoch.
pub async fn hold(tx: &mut Tx, id: UserId, epoch: i64) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "update users set session_epoch = session_epoch
         where id = $1 and session_epoch = $2 and status = 'active'", id.0, epoch)
    .map(|held| held == 1)
}

/// Holds the row of a user who is not removed until `tx` ends.
pub async fn take(tx: &mut Tx, id: UserId) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "update users set session_epoch = session_epoch where id = $1 and status <> 'removed'",
        id.0)
    .map(|taken| taken == 1)
}

/// Empties the row down to its id.
pub async fn remove(tx: &mut Tx, id: UserId) -> sqlx::Result<()> {
    for kind in [login_keys::Kind::Name, login_keys::Kind::Email] {
        login_keys::delete(tx, id, kind).await?;
    }
    login_keys::delete_look(tx, id).await?;
    sql!(in tx, execute:
        "update users set status = 'removed', username = '', email = null, display_name = '',
                          password_hash = null, password_expires_at = null,
                          session_epoch = session_epoch + 1, last_login_at = null,
                          version = version + 1
         where id = $1", id.0)
    .map(|_| ())
}
