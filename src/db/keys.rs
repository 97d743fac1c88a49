//! The ids of the keys in use. The keys themselves are in the key file alone.

use time::OffsetDateTime;

use super::{Db, Tx, sql};

pub async fn list(db: &Db) -> sqlx::Result<Vec<String>> {
    sql!(db, fetch_all scalar: "select id from keys order by created_at, id")
}

pub async fn list_in(tx: &mut Tx) -> sqlx::Result<Vec<String>> {
    sql!(in tx, fetch_all scalar: "select id from keys order by created_at, id")
}

pub async fn create(tx: &mut Tx, id: &str, at: OffsetDateTime) -> sqlx::Result<()> {
    let sql = sql!(in tx, execute: "insert into keys (id, created_at) values ($1, $2)", id, at);
    sql.map(|_| ())
}
