//! Brings a database to the schema of this program, and tells how far it is from it.

use std::{fs::File, sync::LazyLock};

use sqlx::migrate::{Migrate, Migrator};

use super::{
    Backend, Db, Place, Tx,
    connect::{ConnectError, connect, lock_beside, sqlite_file, sqlite_tables},
    reason::{plain, plain_migration},
};
use crate::config::Pooler;

/// The migrations of this program. What a newer one has applied is judged by [`compare`].
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = sqlx::migrate!();
    migrator.set_ignore_missing(true);
    migrator
});

/// How a database relates to the migrations of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schema {
    /// All applied; perhaps also newer ones that only expand, which this program can ignore.
    Current,
    /// These are still to be applied (all of them, in an empty database).
    Behind(Vec<String>),
    /// A newer program changed the schema in a way that this one may not understand.
    Ahead(String),
    /// This migration is recorded with another content than this program's.
    Altered(String),
    /// This migration began and did not finish.
    Unfinished(String),
    /// Tables of another program, none of ours.
    Foreign(String),
}

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error(
        "the database holds tables of another program ({0}); give rolecall a database, or on Postgres a schema, of its own"
    )]
    Foreign(String),
    #[error(
        "migration {0} is recorded with another content; this database was made by a changed program: use that one, or restore a backup"
    )]
    Altered(String),
    #[error(
        "migration {0} began and did not finish; restore a backup, or mend the schema and the row in _sqlx_migrations by hand"
    )]
    Unfinished(String),
    #[error("the database has migration {0} of a newer rolecall; start that version")]
    Ahead(String),
    #[error("the schema lacks {}; run: rolecall migrate", .0.join(", "))]
    Behind(Vec<String>),
    #[error(
        "the schema lacks {}, which no pooler lets through; run once, with the URL of Postgres itself: rolecall --database-url postgres://… migrate", .0.join(", ")
    )]
    Pooled(Vec<String>),
    #[error("the table {0} is gone; restore a backup")]
    Lost(String),
    #[error("the migration failed: {}", plain_migration(.0))]
    Failed(#[from] sqlx::migrate::MigrateError),
    #[error("the database cannot be read: {}", plain(.0))]
    Db(#[from] sqlx::Error),
    #[error("cannot lock the database for the migration: {0}")]
    Lock(std::io::Error),
}

impl Schema {
    /// Whether a program may work on it as it is.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn accept(self) -> Result<(), MigrateError> {
        Err(match self {
            Self::Current => return Ok(()),
            Self::Behind(names) => MigrateError::Behind(names),
            Self::Ahead(name) => MigrateError::Ahead(name),
            Self::Altered(name) => MigrateError::Altered(name),
            Self::Unfinished(name) => MigrateError::Unfinished(name),
            Self::Foreign(table) => MigrateError::Foreign(table),
        })
    }
}

impl Db {
    /// Applies what is pending, under a lock: of several at once, one does it. Returns the
    /// names of what it applied.
    pub async fn migrate(&self) -> Result<Vec<String>, MigrateError> {
        match (self.schema().await?, &self.write) {
            (Schema::Behind(pending), Backend::Postgres(cluster))
                if cluster.pooler != Pooler::Off =>
            {
                return Err(MigrateError::Pooled(pending));
            }
            (Schema::Behind(_), _) => {}
            (other, _) => return other.accept().map(|()| Vec::new()),
        }
        let _lock = self.lock_migrations().await?;
        let pending = match self.schema().await? {
            Schema::Behind(pending) => pending,
            other => return other.accept().map(|()| Vec::new()),
        };
        match &self.write {
            Backend::Sqlite(lender) => MIGRATIONS.run(&lender.pool).await?,
            // On a connection of its own, which gives its lock back however this ends.
            Backend::Postgres(cluster) => {
                let mut conn = cluster.lender.pool.acquire().await?.detach();
                MIGRATIONS.run_direct(&mut conn).await?;
            }
        }
        Ok(pending)
    }

    /// Whether requests can be answered: the database does, and has the schema of this program
    /// with all its tables.
    pub async fn is_fit(&self) -> Result<(), MigrateError> {
        self.schema().await?.accept()?;
        let there = tables(&mut self.begin_read().await?).await?;
        match our_tables().find(|ours| !there.iter().any(|table| table == ours)) {
            Some(lost) => Err(MigrateError::Lost(lost.to_owned())),
            None => Ok(()),
        }
    }

    /// Keeps others from migrating a SQLite file until it is dropped: sqlx takes a lock on
    /// Postgres alone.
    pub(super) async fn lock_migrations(&self) -> Result<Option<File>, MigrateError> {
        match &self.place {
            Place::File(file) => {
                lock_beside(file.clone()).await.map(Some).map_err(MigrateError::Lock)
            }
            Place::Schema(_) => Ok(None),
        }
    }

    /// Compares the recorded migrations with those of this program. Changes nothing, and sees
    /// one moment: in the middle of somebody else's migration the tables of one and the records
    /// of another would look like another program's.
    pub async fn schema(&self) -> Result<Schema, MigrateError> {
        let mut tx = self.begin_read().await?;
        let tables = tables(&mut tx).await?;
        let recorded = tables.iter().any(|table| table == "_sqlx_migrations");
        let applied = if recorded { applied(&mut tx).await? } else { Vec::new() };
        let table = tables.iter().find(|table| *table != "_sqlx_migrations");
        Ok(match (foreign_table(&tables), table) {
            (Some(table), _) => Schema::Foreign(table.to_owned()),
            // Tables called like ours that no migration made are not ours.
            (None, Some(table)) if applied.is_empty() => Schema::Foreign(table.clone()),
            // Without a table of ours, what is recorded is another program's.
            (None, None) if !applied.is_empty() => Schema::Foreign("_sqlx_migrations".into()),
            (None, _) => compare(&applied),
        })
    }
}

impl Tx {
    /// Applies what is pending as a part of this transaction. On Postgres others who migrate
    /// wait until its connection is closed, since sqlx gives its own lock back before the commit.
    pub(super) async fn migrate(&mut self) -> Result<(), MigrateError> {
        match &mut self.on {
            Backend::Sqlite(tx) => MIGRATIONS.run_direct(&mut **tx).await?,
            Backend::Postgres(tx) => {
                tx.lock().await?;
                MIGRATIONS.run_direct(&mut **tx).await?;
            }
        }
        Ok(())
    }
}

/// Names of the tables in this file or schema. The catalogues differ by engine.
async fn tables(tx: &mut Tx) -> sqlx::Result<Vec<String>> {
    match &mut tx.on {
        Backend::Sqlite(tx) => sqlite_tables(&mut **tx).await,
        Backend::Postgres(tx) => {
            let sql = "select tablename::text from pg_tables \
                       where schemaname = current_schema() order by tablename";
            sqlx::query_scalar(sql).fetch_all(tx.runner()).await
        }
    }
}

/// What is in a database, for whoever looks whether it is well.
#[derive(Debug)]
pub struct Inventory {
    pub schema: Schema,
    /// The newest migration that was applied.
    pub newest: Option<String>,
    /// Tables beside ours that no migration of this program makes.
    pub others: Vec<String>,
}

impl Db {
    pub async fn inventory(&self) -> Result<Inventory, MigrateError> {
        let schema = self.schema().await?;
        let mut tx = self.begin_read().await?;
        let tables = tables(&mut tx).await?;
        let is_known =
            |table: &str| table == "_sqlx_migrations" || our_tables().any(|ours| ours == table);
        let others = tables.iter().filter(|table| !is_known(table)).cloned().collect();
        let is_recorded = tables.iter().any(|table| table == "_sqlx_migrations");
        let is_ours = !matches!(schema, Schema::Foreign(_));
        let newest = if is_ours && is_recorded { applied(&mut tx).await?.pop() } else { None };
        Ok(Inventory {
            schema,
            newest: newest.map(|one| name(one.version, &one.description)),
            others,
        })
    }
}

/// Names of the tables that the migrations make.
fn our_tables() -> impl Iterator<Item = &'static str> {
    let lines = MIGRATIONS.iter().flat_map(|migration| migration.sql.lines());
    lines.filter_map(|line| line.strip_prefix("create table ")?.split([' ', '(']).next())
}

async fn applied(tx: &mut Tx) -> Result<Vec<Applied>, MigrateError> {
    let sql = "select version, description, success, checksum from _sqlx_migrations
               order by version";
    Ok(match &mut tx.on {
        Backend::Sqlite(tx) => sqlx::query_as(sql).fetch_all(&mut **tx).await?,
        Backend::Postgres(tx) => sqlx::query_as(sql).fetch_all(tx.runner()).await?,
    })
}

/// A table that shows the database to be another program's: there is one, and none of ours.
pub(super) fn foreign_table(tables: &[String]) -> Option<&str> {
    let is_ours = tables.iter().any(|table| table == "login_keys");
    let foreign = tables.iter().find(|table| *table != "_sqlx_migrations");
    foreign.filter(|_| !is_ours).map(String::as_str)
}

/// How the database at `url` relates to the migrations of this program. Makes no file.
pub async fn schema_at(url: &str) -> Result<Schema, SchemaError> {
    if sqlite_file(url)?.is_some_and(|file| !file.exists()) {
        return Ok(compare(&[]));
    }
    Ok(connect(url, Pooler::Off).await?.schema().await?)
}

#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
}

#[derive(sqlx::FromRow)]
struct Applied {
    version: i64,
    description: String,
    success: bool,
    checksum: Vec<u8>,
}

fn compare(applied: &[Applied]) -> Schema {
    if let Some(broken) = applied.iter().find(|one| !one.success) {
        return Schema::Unfinished(name(broken.version, &broken.description));
    }
    let mut pending = Vec::new();
    for migration in MIGRATIONS.iter() {
        match applied.iter().find(|one| one.version == migration.version) {
            Some(one) if one.checksum != *migration.checksum => {
                return Schema::Altered(name(migration.version, &migration.description));
            }
            Some(_) => {}
            None => pending.push(name(migration.version, &migration.description)),
        }
    }
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max();
    for one in applied.iter().filter(|one| !MIGRATIONS.version_exists(one.version)) {
        let expands = one.description.ends_with(" expand") && Some(one.version) > newest;
        if !expands {
            return Schema::Ahead(name(one.version, &one.description));
        }
    }
    if pending.is_empty() { Schema::Current } else { Schema::Behind(pending) }
}

/// As the file is called: `0001_schema`.
fn name(version: i64, description: &str) -> String {
    format!("{version:04}_{}", description.replace(' ', "_"))
}
