//! Copies all of rolecall's tables from one database into another, of either engine: rows as they
//! are, from one moment of the source, in one transaction of the target.
//!
//! The statements are put together from the schema and not written with `sql!`: one description
//! of the tables serves both engines and follows each migration by itself, so that no table can
//! be forgotten.

mod rows;
mod schema;
mod value;

use sqlx::Executor;

use self::{
    rows::{Batch, read_all},
    schema::{Table, tables},
};
use super::{Backend, Db, MigrateError, Schema, Tx, plain};

pub use value::Digest;

/// A table as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    pub table: String,
    pub rows: u64,
    /// Of its values in the order of its primary key: the same on both engines.
    pub digest: Digest,
}

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub enum Step<'a> {
    /// So many rows are in the source; each is written once and read back once.
    Counted(u64),
    Copying(&'a str),
    Comparing(&'a str),
    /// So many more rows are done.
    Rows(u64),
}

#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("the source cannot be copied: {0}")]
    SourceSchema(MigrateError),
    #[error("the target cannot be used: {0}")]
    TargetSchema(MigrateError),
    #[error(
        "the target is not empty: its table {0} has rows; name an empty database, or on Postgres an empty schema"
    )]
    NotEmpty(String),
    #[error(
        "the source has other tables or columns than this version makes, {0} for one; copy with the version that made them, or take out what is not rolecall's"
    )]
    OtherTables(String),
    #[error("{table}.{column} of the source cannot be read: {}; nothing was copied", plain(reason))]
    Unreadable { table: String, column: String, reason: sqlx::Error },
    #[error("the source failed: {}; nothing was copied", plain(.0))]
    Source(sqlx::Error),
    #[error("the target failed: {}; nothing was copied", plain(.0))]
    Target(sqlx::Error),
    #[error("the target failed while the copy was committed: {}; look whether it is there", plain(.0))]
    Commit(sqlx::Error),
    #[error(
        "what the target holds of {0} is not what was written to it; nothing was copied; has it a trigger or rule of its own? take an empty database that has none"
    )]
    Differs(String),
}

/// Copies all of rolecall's tables but `leases`, which says who of the source's nodes is at what.
///
/// The target gets the schema of this version, and must hold no more than that.
pub async fn copy(
    from: &Db,
    to: &Db,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<Vec<Copied>, CopyError> {
    from.schema().await.and_then(Schema::accept).map_err(CopyError::SourceSchema)?;
    require_empty(to).await?;
    let mut source = from.begin_read().await.map_err(CopyError::Source)?;
    let _lock = to.lock_migrations().await.map_err(CopyError::TargetSchema)?;
    // As it is: what it counts, the revision for one, is among what is copied.
    let mut target = to.begin_aside().await.map_err(CopyError::Target)?;
    target.migrate().await.map_err(CopyError::TargetSchema)?;
    let tables = matching(&mut source, &mut target).await?;
    if let Some(table) = first_with_rows(&mut target, &tables).await.map_err(CopyError::Target)? {
        return Err(CopyError::NotEmpty(table));
    }
    clear(&mut target, &tables).await.map_err(CopyError::Target)?;
    tell(Step::Counted(count(&mut source, &tables).await.map_err(CopyError::Source)?));
    let mut copied = Vec::new();
    for table in &tables {
        tell(Step::Copying(&table.name));
        copied.push(copy_table(&mut source, &mut target, table, tell).await?);
    }
    drop(source);
    for (table, copied) in tables.iter().zip(&copied) {
        tell(Step::Comparing(&table.name));
        if read_back(&mut target, table, tell).await? != *copied {
            return Err(CopyError::Differs(table.name.clone()));
        }
    }
    target.install_triggers().await.map_err(CopyError::Target)?;
    target.commit().await.map_err(CopyError::Commit)?;
    copied.sort_by(|one, other| one.table.cmp(&other.table));
    Ok(copied)
}

/// Says before anything is written to it that a database is no place to copy to.
///
/// # Errors
/// What is there.
pub async fn require_empty(to: &Db) -> Result<(), CopyError> {
    match to.schema().await.map_err(CopyError::TargetSchema)? {
        Schema::Behind(_) => {}
        other => other.accept().map_err(CopyError::TargetSchema)?,
    }
    let mut tx = to.begin_read().await.map_err(CopyError::Target)?;
    let found = async {
        let tables = tables(&mut tx).await?;
        first_with_rows(&mut tx, &tables).await
    };
    match found.await.map_err(CopyError::Target)? {
        Some(table) => Err(CopyError::NotEmpty(table)),
        None => Ok(()),
    }
}

/// The tables of both, which must be the same.
async fn matching(source: &mut Tx, target: &mut Tx) -> Result<Vec<Table>, CopyError> {
    let ours = tables(target).await.map_err(CopyError::Target)?;
    let theirs = tables(source).await.map_err(CopyError::Source)?;
    let is_unmatched = |table: &&Table| !ours.contains(table);
    let unmatched = theirs.iter().find(is_unmatched);
    match unmatched.or(ours.iter().find(|table| !theirs.contains(table))) {
        Some(table) => Err(CopyError::OtherTables(table.name.clone())),
        None => Ok(theirs),
    }
}

/// A table with rows that no migration has put there.
async fn first_with_rows(tx: &mut Tx, tables: &[Table]) -> sqlx::Result<Option<String>> {
    for table in tables {
        let beyond = match table.name.as_str() {
            "roles" => "name not in ('admin', 'user-manager', 'auditor', 'user')",
            "permissions" => "name not like 'rolecall.%'",
            // These go with the roles; turns and tallies only count.
            "role_permissions" | "role_grantors" | "turns" | "tallies" => continue,
            _ => "true",
        };
        let name = table.quoted();
        let sql = format!("select count(*) from (select 1 from {name} where {beyond} limit 1) t");
        if number(tx, &sql).await? > 0 {
            return Ok(Some(table.name.clone()));
        }
    }
    Ok(None)
}

/// Takes away what the migrations put there: the source has its own.
async fn clear(tx: &mut Tx, tables: &[Table]) -> sqlx::Result<()> {
    for table in tables.iter().rev() {
        let sql = format!("delete from {}", table.quoted());
        match &mut tx.on {
            Backend::Sqlite(tx) => tx.execute(sql.as_str()).await.map(|_| ())?,
            Backend::Postgres(tx) => tx.execute(sql.as_str()).await.map(|_| ())?,
        }
    }
    Ok(())
}

async fn count(tx: &mut Tx, tables: &[Table]) -> sqlx::Result<u64> {
    let mut all = 0;
    for table in tables {
        let rows = number(tx, &format!("select count(*) from {}", table.quoted())).await?;
        all += u64::try_from(rows).unwrap_or(0);
    }
    Ok(all)
}

async fn number(tx: &mut Tx, sql: &str) -> sqlx::Result<i64> {
    match &mut tx.on {
        Backend::Sqlite(tx) => sqlx::query_scalar(sql).fetch_one(&mut **tx).await,
        Backend::Postgres(tx) => sqlx::query_scalar(sql).fetch_one(&mut **tx).await,
    }
}

async fn copy_table(
    source: &mut Tx,
    target: &mut Tx,
    table: &Table,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<Copied, CopyError> {
    let mut batch = Batch::of(table);
    let copied = read_all(source, table, CopyError::Source, async |row| {
        batch.push(row);
        if batch.is_full() {
            tell(Step::Rows(batch.insert(target).await?));
        }
        Ok(())
    });
    let copied = copied.await?;
    tell(Step::Rows(batch.insert(target).await?));
    Ok(copied)
}

async fn read_back(
    target: &mut Tx,
    table: &Table,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<Copied, CopyError> {
    let mut new = 0;
    let read = read_all(target, table, CopyError::Target, async |_| {
        new += 1;
        if new == TOLD_EVERY {
            tell(Step::Rows(std::mem::take(&mut new)));
        }
        Ok(())
    });
    let read = read.await?;
    tell(Step::Rows(new));
    Ok(read)
}

/// Rows between two steps that are told.
const TOLD_EVERY: u64 = 1_000;
