//! The database: a SQLite file or a Postgres schema behind one set of statements.
//! Knows no HTTP and no rule; every statement of the program stands below this module.

mod connect;
mod migrate;
mod reason;
mod sql;
mod word;

pub mod audit;
pub mod backup;
pub mod checkpoints;
pub mod copy;
pub mod grants;
pub mod imports;
pub mod inspect;
pub mod keys;
pub mod leases;
pub mod lifetimes;
pub mod links;
pub mod login_keys;
pub mod permissions;
pub mod revision;
pub mod roles;
pub mod seals;
pub mod session_store;
pub mod sessions;
pub mod tallies;
pub mod throttles;
pub mod turns;
pub mod user_search;
pub mod users;

use std::{cmp::Ordering, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use sqlx::{Postgres, Sqlite};
use uuid::Uuid;

use connect::{Cluster, Lender, Lent};
pub use connect::{
    ConnectError, beside, connect, is_direct, is_postgres, is_shared, is_unprotected, look,
    look_at_file, require_direct, sqlite_file, without_password,
};
pub use migrate::{Inventory, MigrateError, Schema, SchemaError, schema_at};
pub use reason::plain;
pub use revision::{Epoch, Revision};
pub(crate) use sql::sql;
pub(crate) use word::words;

/// One value per supported engine.
#[derive(Clone, Debug)]
pub enum Backend<S, P> {
    Sqlite(S),
    Postgres(P),
}

/// Connections to one database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pub(crate) read: Backend<Arc<Lender<Sqlite>>, Arc<Cluster>>,
    /// SQLite has one writer, so that writers wait in line here instead of failing there.
    pub(crate) write: Backend<Arc<Lender<Sqlite>>, Arc<Cluster>>,
    /// Where the file is (SQLite) or the schema's name (Postgres).
    pub(crate) place: Place,
    /// What is known of the number that changes of who may do what raise.
    pub revision: Arc<Revision>,
}

#[derive(Clone, Debug)]
pub(crate) enum Place {
    File(std::path::PathBuf),
    Schema(String),
}

/// A transaction; writes happen in nothing else. Dropped without [`Tx::commit`] it is undone.
pub struct Tx {
    pub(crate) on: Backend<Lent<Sqlite>, Lent<Postgres>>,
    revision: Arc<Revision>,
    /// The commit raises it.
    raises: bool,
}

/// How much of a pool is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    pub name: &'static str,
    pub used: usize,
    pub idle: usize,
    pub most: u32,
}

/// A user's id: UUIDv7, kept for ever, survives renaming and is never given out again.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
pub struct UserId(pub Uuid);

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Db {
    /// Begins a transaction. On SQLite it holds the write lock from the start, so that none
    /// fails half way because another one wrote meanwhile. Its commit ends what all processes
    /// remember of sessions and rights.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        let tx = self.begin_aside().await?;
        Ok(Tx { raises: true, ..tx })
    }

    /// The same for what happens often and takes nothing from anybody, such as a login. Should it
    /// after all, [`Tx::takes_away`] says so.
    pub async fn begin_aside(&self) -> sqlx::Result<Tx> {
        self.begin_on(&self.write, "begin immediate", "begin").await
    }

    /// The same for what need not outlive the machine, or the server of Postgres, such as a try that
    /// is not decided yet: its commit waits for no disk. Other processes see it as any other, and
    /// the next commit that does wait takes it along.
    pub async fn begin_relaxed(&self) -> sqlx::Result<Tx> {
        let sqlite = "pragma synchronous = normal; begin immediate";
        let postgres = "begin; set local synchronous_commit = off";
        // SQLite's writer is set back before the next one has it.
        self.begin_on(&self.write, sqlite, postgres).await
    }

    /// Begins a transaction that only reads: all its statements see the same moment, and no
    /// writer waits for it.
    pub async fn begin_read(&self) -> sqlx::Result<Tx> {
        let postgres = "begin isolation level repeatable read read only";
        self.begin_on(&self.read, "begin", postgres).await
    }

    /// Begins a transaction that reads as of one moment and may write to temporary tables of its
    /// own. No writer waits for it; it is never committed.
    pub(crate) async fn begin_scratch(&self) -> sqlx::Result<Tx> {
        // Readers of SQLite may write nothing at all. This takes no lock, as it writes nothing else.
        self.begin_on(&self.write, "begin", "begin isolation level repeatable read").await
    }

    async fn begin_on(
        &self,
        pool: &Backend<Arc<Lender<Sqlite>>, Arc<Cluster>>,
        sqlite: &'static str,
        postgres: &'static str,
    ) -> sqlx::Result<Tx> {
        let on = match pool {
            Backend::Sqlite(lender) => Backend::Sqlite(in_time(lender.begin(sqlite)).await?),
            Backend::Postgres(cluster) => {
                Backend::Postgres(cluster.heed(in_time(cluster.begin(postgres)).await)?)
            }
        };
        Ok(Tx { on, revision: self.revision.clone(), raises: false })
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> sqlx::Result<()> {
        sql!(self, fetch_one scalar: r#"select 1 as "one!: i32""#).map(|_| ())
    }

    /// Closes all connections; SQLite's write-ahead log is folded into the file.
    pub async fn close(&self) {
        for pool in [&self.read, &self.write] {
            match pool {
                Backend::Sqlite(lender) => lender.close().await,
                Backend::Postgres(cluster) => cluster.lender.close().await,
            }
        }
    }

    /// The pools of connections: SQLite has one for readers and one for the writer.
    pub fn pools(&self) -> Vec<PoolUse> {
        let of = |name, pool: &Backend<Arc<Lender<Sqlite>>, Arc<Cluster>>| match pool {
            Backend::Sqlite(lender) => lender.usage(name),
            Backend::Postgres(cluster) => cluster.lender.usage(name),
        };
        match &self.read {
            Backend::Sqlite(_) => vec![of("read", &self.read), of("write", &self.write)],
            Backend::Postgres(_) => vec![of("all", &self.read)],
        }
    }

    /// Name of the schema, on Postgres.
    pub fn schema_name(&self) -> Option<&str> {
        match &self.place {
            Place::File(_) => None,
            Place::Schema(name) => Some(name),
        }
    }

    /// `sqlite` or `postgres`.
    pub fn engine(&self) -> &'static str {
        match self.read {
            Backend::Sqlite(_) => "sqlite",
            Backend::Postgres(_) => "postgres",
        }
    }
}

impl Tx {
    /// The commit ends what all processes remember, as if [`Db::begin`] had begun it.
    pub fn takes_away(&mut self) {
        self.raises = true;
    }

    pub async fn commit(mut self) -> sqlx::Result<()> {
        let revision = self.revision.clone();
        let _ending = self.raises.then(|| revision::Ending(&revision));
        if self.raises {
            revision::raise(&mut self).await?;
        }
        match self.on {
            Backend::Sqlite(tx) => in_time(tx.commit()).await,
            Backend::Postgres(tx) => in_time(tx.commit()).await,
        }
    }
}

tokio::task_local! {
    static PATIENCE: Duration;
}

/// Runs `work` with a limit on each step that it has the database do: a database that says
/// nothing is as good as none. Commands, which may move a million rows, go without.
pub async fn with_patience<T>(patience: Duration, work: impl Future<Output = T>) -> T {
    PATIENCE.scope(patience, work).await
}

/// One step of the database, within the limit if there is one.
#[cfg_attr(feature = "otlp", track_caller)]
fn in_time<T>(
    step: impl Future<Output = sqlx::Result<T>>,
) -> impl Future<Output = sqlx::Result<T>> {
    let step = limited(step);
    #[cfg(feature = "otlp")]
    let step = crate::traces::step(std::panic::Location::caller(), step);
    step
}

async fn limited<T>(step: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    match PATIENCE.try_with(|patience| *patience) {
        Ok(patience) => match tokio::time::timeout(patience, step).await {
            Ok(done) => done,
            Err(_) => Err(sqlx::Error::PoolTimedOut),
        },
        Err(_) => step.await,
    }
}

/// Rows in the order of their names' bytes: an engine sorts texts as its locale has it.
fn sorted<T>(
    found: sqlx::Result<Vec<T>>,
    compare: impl FnMut(&T, &T) -> Ordering,
) -> sqlx::Result<Vec<T>> {
    let mut rows = found?;
    rows.sort_by(compare);
    Ok(rows)
}

/// Whether the database could not be asked at all (gone, full, locked, read-only), as opposed
/// to having refused a statement.
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    use sqlx::Error as E;
    match error {
        E::Io(_) | E::Tls(_) | E::Protocol(_) | E::PoolTimedOut | E::PoolClosed => true,
        E::WorkerCrashed => true,
        E::Database(error) => match error.code().as_deref() {
            // SQLite: busy, locked, I/O error, full, cannot open, read-only (and their
            // extended codes, which add the detail in the upper bits).
            Some(code) if code.len() < 5 => {
                code.parse::<u32>().is_ok_and(|code| [5, 6, 8, 10, 13, 14].contains(&(code & 0xff)))
            }
            // Postgres: connection, resources, operator intervention, system error.
            Some(code) => {
                ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class))
                    || code == "25006"
            }
            None => false,
        },
        _ => false,
    }
}
