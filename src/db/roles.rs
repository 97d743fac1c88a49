//! The tables `roles`, `role_permissions`, `role_includes` and `role_grantors`.

use time::{Duration, OffsetDateTime};

use super::{Db, Tx, lifetimes::Limits, sorted, sql};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub name: String,
    pub description: String,
    /// Of its holders' sessions, in seconds.
    pub idle_timeout: Option<i64>,
    pub absolute_timeout: Option<i64>,
    /// Grows with each change of the description or the limits.
    pub version: i64,
}

impl Role {
    pub fn limits(&self) -> Limits {
        Limits::of_seconds(self.idle_timeout, self.absolute_timeout)
    }
}

/// A role with how many hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    pub name: String,
    pub description: String,
    pub idle_timeout: Option<i64>,
    pub absolute_timeout: Option<i64>,
    /// Users who hold it directly, by grants that have not ended.
    pub holders: i64,
}

impl Counted {
    pub fn limits(&self) -> Limits {
        Limits::of_seconds(self.idle_timeout, self.absolute_timeout)
    }
}

/// One line of a relation between a role and something else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    pub role: String,
    pub other: String,
}

pub async fn list(db: &Db) -> sqlx::Result<Vec<Role>> {
    let found = sql!(db, fetch_all Role:
        "select name, description, idle_timeout, absolute_timeout, version from roles");
    sorted(found, |one: &Role, other| one.name.cmp(&other.name))
}

/// The roles that limit their holders' sessions.
pub async fn list_limited_in(tx: &mut Tx) -> sqlx::Result<Vec<Role>> {
    sql!(in tx, fetch_all Role:
        "select name, description, idle_timeout, absolute_timeout, version from roles
         where idle_timeout is not null or absolute_timeout is not null")
}

pub async fn find_limits(tx: &mut Tx, name: &str) -> sqlx::Result<Option<Limits>> {
    let found = sql!(in tx, fetch_optional Role:
        "select name, description, idle_timeout, absolute_timeout, version from roles
         where name = $1", name)?;
    Ok(found.map(|role| role.limits()))
}

/// All roles with their holders counted, which takes long when there are many.
pub async fn list_counted_in(tx: &mut Tx, now: OffsetDateTime) -> sqlx::Result<Vec<Counted>> {
    let found = sql!(in tx, fetch_all Counted:
        r#"select r.name, r.description, r.idle_timeout, r.absolute_timeout,
                  (select count(*) from grants g
                   where g.role_name = r.name and g.end_recorded = false
                     and (g.ends_at is null or g.ends_at > $1))
                  as "holders!: i64"
           from roles r"#, now);
    sorted(found, |one: &Counted, other| one.name.cmp(&other.name))
}

pub async fn count(db: &Db) -> sqlx::Result<i64> {
    sql!(db, fetch_one scalar: r#"select count(*) as "count!: i64" from roles"#)
}

/// The description of a role.
pub async fn find(tx: &mut Tx, name: &str) -> sqlx::Result<Option<String>> {
    sql!(in tx, fetch_optional scalar: "select description from roles where name = $1", name)
}

/// Whether the role is still in this version; then nobody changes it until the transaction ends.
pub async fn hold_version(tx: &mut Tx, name: &str, version: i64) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "update roles set version = $2 where name = $1 and version = $2", name, version)
    .map(|held| held == 1)
}

/// Nobody changes the role until the transaction ends.
pub async fn hold(tx: &mut Tx, name: &str) -> sqlx::Result<()> {
    sql!(in tx, execute: "update roles set version = version where name = $1", name).map(|_| ())
}

pub async fn set_description(tx: &mut Tx, name: &str, description: &str) -> sqlx::Result<()> {
    sql!(in tx, execute:
        "update roles set description = $2, version = version + 1 where name = $1",
        name, description)
    .map(|_| ())
}

pub async fn set_limits(tx: &mut Tx, name: &str, limits: Limits) -> sqlx::Result<()> {
    let seconds = [limits.idle, limits.absolute].map(|limit| limit.map(Duration::whole_seconds));
    let [idle, absolute] = seconds;
    sql!(in tx, execute:
        "update roles set idle_timeout = $2, absolute_timeout = $3, version = version + 1
         where name = $1", name, idle, absolute)
    .map(|_| ())
}

pub async fn exists(tx: &mut Tx, name: &str) -> sqlx::Result<bool> {
    let found: Option<String> =
        sql!(in tx, fetch_optional scalar: "select name from roles where name = $1", name)?;
    Ok(found.is_some())
}

/// Which role has which permission directly. `admin`, which has all, is not in it.
pub async fn list_permissions(db: &Db) -> sqlx::Result<Vec<Pair>> {
    let found = sql!(db, fetch_all Pair:
        "select role_name as role, permission_name as other from role_permissions");
    sorted(found, Pair::cmp)
}

pub async fn list_permissions_in(tx: &mut Tx) -> sqlx::Result<Vec<Pair>> {
    let found = sql!(in tx, fetch_all Pair:
        "select role_name as role, permission_name as other from role_permissions");
    sorted(found, Pair::cmp)
}

/// Which role includes which.
pub async fn list_includes(db: &Db) -> sqlx::Result<Vec<Pair>> {
    let found = sql!(db, fetch_all Pair:
        "select role_name as role, included_name as other from role_includes");
    sorted(found, Pair::cmp)
}

pub async fn list_includes_in(tx: &mut Tx) -> sqlx::Result<Vec<Pair>> {
    let found = sql!(in tx, fetch_all Pair:
        "select role_name as role, included_name as other from role_includes");
    sorted(found, Pair::cmp)
}

/// Which role may be granted by the holders of which.
pub async fn list_grantors(db: &Db) -> sqlx::Result<Vec<Pair>> {
    let found = sql!(db, fetch_all Pair:
        "select role_name as role, grantor_name as other from role_grantors");
    sorted(found, Pair::cmp)
}

/// Roles that are granted to somebody.
pub async fn list_held_in(tx: &mut Tx) -> sqlx::Result<Vec<String>> {
    sql!(in tx, fetch_all scalar:
        "select r.name from roles r
         where exists (select 1 from grants g where g.role_name = r.name)")
}

pub async fn list_grantors_in(tx: &mut Tx) -> sqlx::Result<Vec<Pair>> {
    let found = sql!(in tx, fetch_all Pair:
        "select role_name as role, grantor_name as other from role_grantors");
    sorted(found, Pair::cmp)
}

pub async fn create(
    tx: &mut Tx,
    name: &str,
    description: &str,
    at: OffsetDateTime,
) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "insert into roles (name, description, created_at) values ($1, $2, $3)
         on conflict do nothing", name, description, at)
    .map(|created| created == 1)
}

/// Deletes the role with its grants, permissions and includes.
pub async fn delete(tx: &mut Tx, name: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute: "delete from roles where name = $1", name).map(|deleted| deleted == 1)
}

pub async fn allow(tx: &mut Tx, role: &str, permission: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "insert into role_permissions (role_name, permission_name) values ($1, $2)
         on conflict do nothing", role, permission)
    .map(|created| created == 1)
}

pub async fn deny(tx: &mut Tx, role: &str, permission: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "delete from role_permissions where role_name = $1 and permission_name = $2",
        role, permission)
    .map(|deleted| deleted == 1)
}

pub async fn include(tx: &mut Tx, role: &str, other: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "insert into role_includes (role_name, included_name) values ($1, $2)
         on conflict do nothing", role, other)
    .map(|created| created == 1)
}

pub async fn exclude(tx: &mut Tx, role: &str, other: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "delete from role_includes where role_name = $1 and included_name = $2", role, other)
    .map(|deleted| deleted == 1)
}

pub async fn add_grantor(tx: &mut Tx, role: &str, grantor: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "insert into role_grantors (role_name, grantor_name) values ($1, $2)
         on conflict do nothing", role, grantor)
    .map(|created| created == 1)
}

pub async fn delete_grantor(tx: &mut Tx, role: &str, grantor: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "delete from role_grantors where role_name = $1 and grantor_name = $2", role, grantor)
    .map(|deleted| deleted == 1)
}
