//! What the engines say of themselves, for whoever looks whether all is well. Changes nothing.
//! Each engine is asked in its own words, so none of this is `sql!`.

use std::sync::Arc;

use sqlx::{FromRow, SqlitePool};
use time::OffsetDateTime;

use super::{Backend, Db, connect::Cluster, sql};

/// A SQLite file and how our connections use it.
#[derive(Debug)]
pub struct Sqlite {
    pub version: String,
    /// `wal` once a server or a command has opened the file, `delete` in a backup.
    pub journal_mode: String,
    /// 2: each commit waits for the disk.
    pub synchronous: i64,
    pub foreign_keys: bool,
    /// The first thing that is wrong with the file.
    pub damage: Option<String>,
    /// A table whose rows refer to what is not there.
    pub orphans: Option<String>,
}

/// A Postgres server as this user sees it.
#[derive(Debug, FromRow)]
pub struct Postgres {
    /// Such as 150004 for 15.4.
    pub number: i32,
    pub version: String,
    pub encoding: String,
    pub fsync: String,
    pub full_page_writes: String,
    pub synchronous_commit: String,
    pub is_standby: bool,
    /// Milliseconds since 1970, by its clock.
    pub clock_ms: i64,
}

/// Asks the engine.
pub async fn engine(db: &Db) -> sqlx::Result<Backend<Sqlite, Postgres>> {
    match &db.read {
        Backend::Sqlite(lender) => sqlite(&lender.pool).await.map(Backend::Sqlite),
        Backend::Postgres(cluster) => postgres(cluster).await.map(Backend::Postgres),
    }
}

async fn sqlite(pool: &SqlitePool) -> sqlx::Result<Sqlite> {
    let damage: String = sqlx::query_scalar("pragma quick_check(1)").fetch_one(pool).await?;
    let orphans = sqlx::query_scalar("select \"table\" from pragma_foreign_key_check limit 1");
    Ok(Sqlite {
        version: sqlx::query_scalar("select sqlite_version()").fetch_one(pool).await?,
        journal_mode: sqlx::query_scalar("pragma journal_mode").fetch_one(pool).await?,
        synchronous: sqlx::query_scalar("pragma synchronous").fetch_one(pool).await?,
        foreign_keys: sqlx::query_scalar("pragma foreign_keys").fetch_one(pool).await?,
        damage: Some(damage).filter(|damage| damage != "ok"),
        orphans: orphans.fetch_optional(pool).await?,
    })
}

async fn postgres(cluster: &Arc<Cluster>) -> sqlx::Result<Postgres> {
    let sql = "select current_setting('server_version_num')::int as number,
                      current_setting('server_version') as version,
                      current_setting('server_encoding') as encoding,
                      current_setting('fsync') as fsync,
                      current_setting('full_page_writes') as full_page_writes,
                      current_setting('synchronous_commit') as synchronous_commit,
                      pg_is_in_recovery() as is_standby,
                      (extract(epoch from clock_timestamp()) * 1000)::bigint as clock_ms";
    sqlx::query_as(sql).fetch_one(cluster.lend().await?.runner()).await
}

/// When the newest record of the trail was written.
pub async fn newest_record(db: &Db) -> sqlx::Result<Option<OffsetDateTime>> {
    sql!(db, fetch_optional scalar:
        r#"select at as "at!: OffsetDateTime" from audit order by at desc, id desc limit 1"#)
}
