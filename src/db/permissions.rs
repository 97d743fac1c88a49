//! The table `permissions`: rolecall's own, and those that applications ask for.

use super::{Db, Tx, sql};

/// Declares a permission, unless it is there.
pub async fn create(tx: &mut Tx, name: &str) -> sqlx::Result<bool> {
    sql!(in tx, execute:
        "insert into permissions (name, description) values ($1, '') on conflict do nothing", name)
    .map(|created| created == 1)
}

pub async fn list(db: &Db) -> sqlx::Result<Vec<String>> {
    sql!(db, fetch_all scalar: "select name from permissions")
}
