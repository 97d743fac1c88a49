//! The table `permissions`: rolecall's own, and those that applications ask for.

use super::{Db, Tx, sorted, sql};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permission {
    pub name: String,
    pub description: String,
}

/// Declares a permission, unless it is there.
pub async fn create(tx: &mut Tx, name: &str, description: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "insert into permissions (name, description) values ($1, $2) on conflict do nothing",
        name, description)
    .map(|created| created == 1)
}

pub async fn list(db: &Db) -> sqlx::Result<Vec<String>> {
    sql!(db, fetch_all scalar: "select name from permissions")
}

pub async fn list_in(tx: &mut Tx) -> sqlx::Result<Vec<String>> {
    sql!(in tx, fetch_all scalar: "select name from permissions")
}

pub async fn list_described_in(tx: &mut Tx) -> sqlx::Result<Vec<Permission>> {
    let found = sql!(in tx, fetch_all Permission: "select name, description from permissions");
    sorted(found, |one: &Permission, other| one.name.cmp(&other.name))
}

pub async fn set_description(tx: &mut Tx, name: &str, description: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "update permissions set description = $2 where name = $1", name, description)
    .map(|changed| changed == 1)
}

/// Deletes the permission; roles that had it have it no more.
pub async fn delete(tx: &mut Tx, name: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute: "delete from permissions where name = $1", name)
        .map(|deleted| deleted == 1)
}
