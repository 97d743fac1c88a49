//! A database per test. SQLite: a file in a folder of its own. Postgres: a schema of its own,
//! on the server of `TEST_POSTGRES_URL`, else on one that `scripts/postgres` starts for this
//! process. Both are gone with the [`Database`].

use std::{collections::BTreeSet, path::PathBuf, sync::LazyLock, time::Duration};

use rolecall::random::Random;
use sqlx::{
    Connection, PgConnection, PgPool, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use super::Served;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// An empty database, and a folder for the files of whoever works with it.
pub struct Database {
    pub engine: Engine,
    /// As `--database-url` takes it.
    pub url: String,
    /// Connections of the test's own, beside those of the program.
    pub pool: Pool,
    schema: Option<Schema>,
    folder: TempDir,
}

pub enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    fn to(url: &str) -> Self {
        if let Some(file) = url.strip_prefix("sqlite://") {
            let options = SqliteConnectOptions::new()
                .filename(file)
                .create_if_missing(true)
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(10));
            Self::Sqlite(SqlitePoolOptions::new().connect_lazy_with(options))
        } else {
            let pool = PgPoolOptions::new().max_connections(4);
            Self::Postgres(pool.connect_lazy(url).expect("a Postgres URL"))
        }
    }
}

/// Runs the same code with either pool.
macro_rules! on_pool {
    ($database:expr, |$pool:ident| $body:expr) => {
        match &$database.pool {
            Pool::Sqlite($pool) => $body,
            Pool::Postgres($pool) => $body,
        }
    };
}

impl Database {
    pub async fn create(engine: Engine) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let (url, schema) = match engine {
            Engine::Sqlite => {
                let file = folder.path().join("rolecall.db");
                (format!("sqlite://{}", file.display()), None)
            }
            Engine::Postgres => {
                let schema = Schema::create().await;
                (schema.url.clone(), Some(schema))
            }
        };
        Self { engine, pool: Pool::to(&url), url, schema, folder }
    }

    /// The Postgres database that the program reaches at `url`, and the test by `own`.
    pub fn at(url: &str, own: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let (engine, url) = (Engine::Postgres, url.to_owned());
        Self { engine, pool: Pool::to(own), url, schema: None, folder }
    }

    /// A Postgres database whose texts sort as English readers like it.
    pub async fn in_english() -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let schema = Schema::in_english().await;
        let url = schema.url.clone();
        Self { engine: Engine::Postgres, pool: Pool::to(&url), url, schema: Some(schema), folder }
    }

    /// Closes the test's own connections, so that SQLite puts all into its file.
    pub async fn close(&self) {
        on_pool!(self, |pool| pool.close().await);
    }

    /// Opens them again.
    pub fn reopen(&mut self) {
        self.pool = Pool::to(&self.url);
    }

    /// Where this file of the test's folder is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The schema's name, on Postgres.
    pub fn schema(&self) -> &str {
        &self.schema.as_ref().expect("a Postgres database").name
    }

    /// Runs statements.
    pub async fn execute(&self, sql: &str) {
        self.try_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub async fn try_execute(&self, sql: &str) -> sqlx::Result<()> {
        on_pool!(self, |pool| sqlx::raw_sql(sql).execute(pool).await.map(|_| ()))
    }

    /// The one number that a query gives.
    pub async fn number(&self, sql: &str) -> i64 {
        let found = on_pool!(self, |pool| sqlx::query_scalar(sql).fetch_one(pool).await);
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// How many rows there are, as in `count("grants where role_name = 'admin'")`.
    pub async fn count(&self, rows: &str) -> i64 {
        self.number(&format!("select count(*) from {rows}")).await
    }

    /// The texts that a query of one column gives.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let found = on_pool!(self, |pool| sqlx::query_scalar(sql).fetch_all(pool).await);
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Names of the tables that are there.
    pub async fn tables(&self) -> Vec<String> {
        self.texts(match self.engine {
            Engine::Sqlite => {
                "select name from sqlite_master
                 where type = 'table' and name not like 'sqlite_%' order by name"
            }
            Engine::Postgres => {
                "select tablename::text from pg_tables
                 where schemaname = current_schema() order by tablename"
            }
        })
        .await
    }

    /// Everything that is in the database, a line per row, bytes in hexadecimal.
    pub async fn dump(&self) -> String {
        let mut dump = String::new();
        for table in self.tables().await {
            let rows = match self.engine {
                Engine::Sqlite => {
                    let columns = format!("select name from pragma_table_info('{table}')");
                    let quoted = self.texts(&columns).await;
                    let quoted = quoted.iter().map(|column| format!("quote(\"{column}\")"));
                    let row = quoted.collect::<Vec<_>>().join(" || ',' || ");
                    self.texts(&format!("select {row} from \"{table}\"")).await
                }
                Engine::Postgres => self.texts(&format!("select t::text from \"{table}\" t")).await,
            };
            for mut row in rows {
                if self.engine == Engine::Postgres {
                    row = row.replace("\\\\x", "X");
                }
                dump += &format!("{table}: {row}\n");
            }
        }
        dump
    }

    /// Holds what is in the database against a dump of before.
    pub async fn assert_unchanged(&self, before: &str) {
        let after = self.dump().await;
        let lines = |dump: &str| dump.lines().map(str::to_owned).collect::<BTreeSet<_>>();
        let (before, after) = (lines(before), lines(&after));
        let gone: Vec<_> = before.difference(&after).collect();
        let new: Vec<_> = after.difference(&before).collect();
        assert!(gone.is_empty() && new.is_empty(), "gone: {gone:#?}\nnew: {new:#?}");
    }

    /// Actions of the audit trail, oldest first.
    pub async fn audited(&self) -> Vec<String> {
        self.texts("select action from audit order by id").await
    }
}

/// A schema on the server, or a database of its own, dropped at the end.
struct Schema {
    name: String,
    drop: String,
    /// Leads into the schema.
    url: String,
    _room: SemaphorePermit<'static>,
}

/// So many tests work on the server at once, whatever the machine: each opens connections.
static ROOM: Semaphore = Semaphore::const_new(8);

impl Schema {
    async fn create() -> Self {
        let room = ROOM.acquire().await.expect("never closed");
        let name = format!("t_{:032x}", u128::from_le_bytes(random()));
        run_on_server(&format!("create schema {name}")).await;
        let server = server_url();
        let separator = if server.contains('?') { '&' } else { '?' };
        Self {
            url: format!("{server}{separator}options=-c%20search_path%3D{name}"),
            drop: format!("set lock_timeout = '5s'; drop schema if exists {name} cascade"),
            name,
            _room: room,
        }
    }

    async fn in_english() -> Self {
        let room = ROOM.acquire().await.expect("never closed");
        let name = format!("t_{:032x}", u128::from_le_bytes(random()));
        run_on_server(&format!(
            "create database {name} template template0 locale_provider icu icu_locale 'en-US'"
        ))
        .await;
        let mut url = Url::parse(server_url()).expect("a URL");
        url.set_path(&name);
        Self {
            url: url.to_string(),
            drop: format!("drop database if exists {name} with (force)"),
            name: "public".to_owned(),
            _room: room,
        }
    }
}

impl Drop for Schema {
    /// On a thread of its own, since dropping does not wait for futures.
    fn drop(&mut self) {
        let sql = std::mem::take(&mut self.drop);
        let dropping = std::thread::spawn(move || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().build().expect("a runtime");
            runtime.block_on(run_on_server(&sql));
        });
        if dropping.join().is_err() {
            eprintln!("the schema {} is left behind", self.name);
        }
    }
}

fn random<const N: usize>() -> [u8; N] {
    Random::system().bytes().expect("random bytes")
}

async fn run_on_server(sql: &str) {
    let mut connection = PgConnection::connect(server_url())
        .await
        .unwrap_or_else(|error| panic!("the Postgres of the tests does not answer: {error}"));
    let done = sqlx::raw_sql(sql).execute(&mut connection).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The server of `TEST_POSTGRES_URL`, else one for this process.
fn server_url() -> &'static str {
    static STARTED: LazyLock<Result<Served, String>> = LazyLock::new(Served::try_postgres);
    static URL: LazyLock<Result<String, String>> =
        LazyLock::new(|| match std::env::var("TEST_POSTGRES_URL") {
            Ok(url) if !url.is_empty() => Ok(url),
            _ => STARTED.as_ref().map(|server| server.url.clone()).map_err(String::clone),
        });
    URL.as_deref().unwrap_or_else(|error| panic!("the tests need Postgres: {error}"))
}

/// Names of our migrations, the first one first.
pub fn our_migrations() -> Vec<String> {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap();
    let files = folder.map(|file| file.unwrap().path());
    let mut names: Vec<_> =
        files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}
