//! Opens the database that a URL names, with the settings each engine needs to be safe.

mod cluster;
mod hosts;
mod lender;
mod lent;
mod pooler;
mod postgres;
mod runner;
mod there;

use std::{
    path::PathBuf,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Connection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use self::there::There;
pub(crate) use self::{
    cluster::{Cluster, REVISION},
    lender::Lender,
    lent::Lent,
};
pub use self::{
    hosts::without_password,
    pooler::{is_direct, is_postgres, is_shared, require_direct},
    postgres::is_unprotected,
};
use super::{Backend, Db, Place, Revision, reason::plain};
use crate::config::Pooler;

/// How long a request waits for a connection or for SQLite's write lock. Together with the
/// answer it stays below the two seconds within which an outage is told.
const WAIT: Duration = Duration::from_millis(1_200);
/// How long a writer waits for another process to be done with a SQLite file, after [`WAIT`].
const BUSY: Duration = Duration::from_millis(400);
const READERS: u32 = 8;

/// Why a database could not be opened. The password of the URL is in no message.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(
        "the database URL begins with neither sqlite: nor postgres:; for example sqlite://rolecall.db"
    )]
    Scheme,
    #[error("the database URL cannot be read: {0}")]
    Url(String),
    #[error("a database in memory would be gone at the end; name a file: sqlite://rolecall.db")]
    InMemory,
    #[error("there is no database {}", .0.display())]
    Missing(PathBuf),
    #[error("cannot open the database {place}: {reason}")]
    Open { place: String, reason: String },
    #[error(
        "the schema of the database URL's search_path does not exist; create it first: create schema …"
    )]
    NoSchema,
    #[error(
        "with postgres_pooler the database URL can have no options: a pooler does not pass them on; name the schema by: alter role … set search_path = …"
    )]
    PoolerOptions,
    #[error(
        "the database URL leads to a pooler, and this needs Postgres itself; name that by --database-url"
    )]
    Pooled,
    #[error(
        "the database holds tables of another program ({0}); give rolecall a database of its own"
    )]
    Foreign(String),
}

/// Connects to `url` (`sqlite:…` or `postgres:…`). A SQLite file that is missing is created,
/// its folder is not. Of several Postgres hosts it is the first that takes changes, and later
/// whichever does.
pub async fn connect(url: &str, pooler: Pooler) -> Result<Db, ConnectError> {
    match url.split_once(':') {
        Some(("sqlite", _)) => connect_sqlite(url).await,
        Some(("postgres" | "postgresql", _)) => postgres::connect(url, pooler, false).await,
        _ => Err(ConnectError::Scheme),
    }
}

/// Connects to a database that is there, to look at it: nothing is made, migrated or written,
/// also not in a file beside it.
pub async fn look(url: &str, pooler: Pooler) -> Result<Db, ConnectError> {
    match url.split_once(':') {
        Some(("sqlite", _)) => look_at_sqlite(sqlite_options(url)?).await,
        Some(("postgres" | "postgresql", _)) => postgres::connect(url, pooler, true).await,
        _ => Err(ConnectError::Scheme),
    }
}

/// The same with a SQLite file.
pub async fn look_at_file(file: &std::path::Path) -> Result<Db, ConnectError> {
    look_at_sqlite(SqliteConnectOptions::new().filename(file)).await
}

async fn look_at_sqlite(options: SqliteConnectOptions) -> Result<Db, ConnectError> {
    let file = options.get_filename().to_path_buf();
    if !file.exists() {
        return Err(ConnectError::Missing(file));
    }
    // The last to close a database that is open for writing folds its log into the file, and who
    // may only read leaves an empty log behind: so each where it changes nothing.
    let has_log = beside(&file, "-wal").exists();
    let options = options
        .create_if_missing(false)
        .read_only(has_log)
        .busy_timeout(BUSY)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("query_only", "on")
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new().acquire_timeout(WAIT).connect_with(options).await;
    let pool = pool.map_err(|error| ConnectError::Open {
        place: file.display().to_string(),
        reason: sqlite_reason(&error),
    })?;
    let opened = Instant::now();
    let pool = Lender::new(pool, move || opened);
    Ok(Db {
        read: Backend::Sqlite(pool.clone()),
        write: Backend::Sqlite(pool),
        place: Place::File(file),
        revision: Arc::new(Revision::new()),
    })
}

/// The file that a SQLite URL names; `None` for Postgres.
pub fn sqlite_file(url: &str) -> Result<Option<PathBuf>, ConnectError> {
    match url.split_once(':') {
        Some(("sqlite", _)) => Ok(Some(sqlite_options(url)?.get_filename().to_path_buf())),
        _ => Ok(None),
    }
}

fn sqlite_options(url: &str) -> Result<SqliteConnectOptions, ConnectError> {
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(ConnectError::InMemory);
    }
    SqliteConnectOptions::from_str(url).map_err(unreadable)
}

async fn connect_sqlite(url: &str) -> Result<Db, ConnectError> {
    let options = sqlite_options(url)?.busy_timeout(BUSY).disable_statement_logging();
    let file = options.get_filename().to_path_buf();
    let failed = |error: sqlx::Error| ConnectError::Open {
        place: file.display().to_string(),
        reason: sqlite_reason(&error),
    };
    if file.exists() {
        // The settings below would change another program's file, so look before.
        let mut look = options.clone().read_only(true).connect().await.map_err(failed)?;
        let tables = sqlite_tables(&mut look).await.map_err(failed)?;
        look.close().await.map_err(failed)?;
        if let Some(table) = super::migrate::foreign_table(&tables) {
            return Err(ConnectError::Foreign(table.to_owned()));
        }
    }
    let options = options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true);

    // Switching a new file to WAL does not wait for others that do the same.
    let _first = first_opener(&file).await.map_err(|error| failed(sqlx::Error::Io(error)))?;
    create_private(&file).map_err(|error| failed(sqlx::Error::Io(error)))?;
    // From here on a file that is missing was moved away: an empty one in its place would be worse.
    let options = options.create_if_missing(false);
    let there = Arc::new(There::new(file.clone()));
    let pool = || {
        let there = there.clone();
        SqlitePoolOptions::new().acquire_timeout(WAIT).test_before_acquire(false).before_acquire(
            move |_, connection| {
                let is_there = there.since().elapsed() >= connection.age;
                Box::pin(async move { Ok(is_there) })
            },
        )
    };
    let revision = Arc::new(Revision::new());
    let counting = revision.clone();
    let write = pool()
        .max_connections(1)
        .min_connections(1)
        .after_connect(move |_, _| {
            counting.note_writer();
            Box::pin(async { Ok(()) })
        })
        // A connection that is left in a transaction could begin no other.
        .after_release(|connection, _| Box::pin(lent::is_clear(connection)))
        .connect_with(options.clone())
        .await
        .map_err(failed)?;
    let read = pool()
        .max_connections(READERS)
        .connect_with(options.pragma("query_only", "on"))
        .await
        .map_err(failed)?;
    let lender = |pool| {
        let there = there.clone();
        Lender::new(pool, move || there.since())
    };
    Ok(Db {
        read: Backend::Sqlite(lender(read)),
        write: Backend::Sqlite(lender(write)),
        place: Place::File(file),
        revision,
    })
}

/// Names of the tables in the file.
pub(super) async fn sqlite_tables(
    on: impl sqlx::Executor<'_, Database = sqlx::Sqlite>,
) -> sqlx::Result<Vec<String>> {
    let sql = "select name from sqlite_master where type = 'table' \
               and name not like 'sqlite_%' order by name";
    sqlx::query_scalar(sql).fetch_all(on).await
}

/// Makes a missing file for its owner alone; the files that SQLite makes beside it are like it.
fn create_private(file: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    match made {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made.map(|_| ()),
    }
}

/// The lock beside the file, while the file does not exist yet.
async fn first_opener(file: &std::path::Path) -> std::io::Result<Option<std::fs::File>> {
    if file.exists() { Ok(None) } else { lock_beside(file.to_path_buf()).await.map(Some) }
}

/// Waits for the lock beside a SQLite file and holds it until dropped.
pub(super) async fn lock_beside(file: PathBuf) -> std::io::Result<std::fs::File> {
    let name = beside(&file, ".lock");
    let lock = move || {
        let lock = std::fs::OpenOptions::new().create(true).append(true).open(name)?;
        lock.lock()?;
        Ok(lock)
    };
    tokio::task::spawn_blocking(lock).await.map_err(std::io::Error::other)?
}

/// The file with this at the end of its name.
pub fn beside(file: &std::path::Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn unreadable(error: sqlx::Error) -> ConnectError {
    ConnectError::Url(match error {
        sqlx::Error::Configuration(reason) => reason.to_string(),
        _ => "see the format in the documentation".to_owned(),
    })
}

fn sqlite_reason(error: &sqlx::Error) -> String {
    let code = match error {
        sqlx::Error::Database(error) => error.code().and_then(|code| code.parse::<u32>().ok()),
        _ => None,
    };
    match code.map(|code| code & 0xff) {
        Some(8) => "it is read-only; give this user write access to the file and its folder".into(),
        Some(11 | 26) => "it is not a SQLite database, or it is damaged; restore a backup".into(),
        None if is_missing(error) => "no such folder, or no access to it".into(),
        Some(14) => "no such folder, or no access to it".into(),
        _ => plain(error),
    }
}

fn is_missing(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::NotFound)
}
