//! A copy of a SQLite file as it was at one moment, beside whoever writes to it.

use std::path::Path;

use sqlx::Executor;

use super::{Backend, Db};

/// Writes everything to `copy`, which is empty or not there. Postgres has programs for that.
pub async fn write(db: &Db, copy: &Path) -> sqlx::Result<()> {
    let Backend::Sqlite(lender) = &db.read else { return Ok(()) };
    let mut connection = lender.pool.acquire().await?;
    // It writes to another file, which a connection that may only query does not do.
    connection.execute("pragma query_only = off").await?;
    let copy = copy.to_string_lossy().into_owned();
    sqlx::query("vacuum into $1").bind(copy).execute(&mut *connection).await.map(|_| ())
}
