//! The databases of a run: files in its folder, and schemas of a Postgres server.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use sqlx::{Connection, PgConnection, SqliteConnection};
use tokio::runtime::Runtime;
use url::Url;

use crate::{
    Outcome,
    machine::{self, Cores},
};

/// One database, with a folder for its key file and its server's log.
pub struct Place {
    pub url: String,
    pub folder: PathBuf,
}

impl Place {
    pub fn key_file(&self) -> PathBuf {
        self.folder.join("rolecall.key")
    }
}

/// Makes databases; takes away what it made in a server that was there before.
pub struct Databases {
    pub runtime: Runtime,
    folder: PathBuf,
    url: String,
    /// Our own server, which ends when its standard input does.
    script: Option<Child>,
    /// The process whose children serve the connections; unknown for a server not ours.
    pub postmaster: Option<u32>,
    made: Vec<String>,
    count: usize,
}

impl Databases {
    /// Uses the server of `TEST_POSTGRES_URL`, or starts one that is as durable as in
    /// production, on the core of the program that it serves.
    pub fn start(cores: Cores, folder: &Path) -> Outcome<Self> {
        let given = std::env::var("TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty());
        let (url, script) = match given {
            Some(url) => (url, None),
            None => {
                let (url, script) = start_postgres(cores)?;
                (url, Some(script))
            }
        };
        let mut databases = Self {
            runtime: Runtime::new()?,
            folder: folder.to_owned(),
            url,
            script,
            postmaster: None,
            made: Vec::new(),
            count: 0,
        };
        if databases.script.is_some() {
            let backend: i32 = databases.ask_postgres("select pg_backend_pid()")?;
            databases.postmaster = Some(machine::parent_of(backend.try_into()?)?);
        }
        Ok(databases)
    }

    /// A SQLite file that does not exist yet.
    pub fn sqlite(&mut self) -> Outcome<Place> {
        let folder = self.new_folder()?;
        let url = format!("sqlite://{}", folder.join("rolecall.db").display());
        Ok(Place { url, folder })
    }

    /// An empty schema.
    pub fn postgres(&mut self) -> Outcome<Place> {
        let folder = self.new_folder()?;
        let schema = format!("rolecall_bench_{}_{}", std::process::id(), self.count);
        self.run_on_postgres(&format!("create schema {schema}"))?;
        let mut url = Url::parse(&self.url)?;
        url.query_pairs_mut().append_pair("options[search_path]", &schema);
        self.made.push(schema);
        Ok(Place { url: url.into(), folder })
    }

    fn new_folder(&mut self) -> Outcome<PathBuf> {
        self.count += 1;
        let folder = self.folder.join(self.count.to_string());
        std::fs::create_dir(&folder)?;
        Ok(folder)
    }

    fn run_on_postgres(&self, sql: &str) -> Outcome {
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url).await?;
            sqlx::query(sql).execute(&mut connection).await?;
            Ok(connection.close().await?)
        })
    }

    /// What the Postgres server says.
    pub fn ask_postgres<T>(&self, sql: &str) -> Outcome<T>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url).await?;
            Ok(sqlx::query_scalar(sql).fetch_one(&mut connection).await?)
        })
    }

    /// The version of the SQLite that is linked into the program.
    pub fn sqlite_version(&self) -> Outcome<String> {
        self.runtime.block_on(async {
            let mut connection = SqliteConnection::connect("sqlite::memory:").await?;
            Ok(sqlx::query_scalar("select sqlite_version()").fetch_one(&mut connection).await?)
        })
    }
}

impl Drop for Databases {
    fn drop(&mut self) {
        if let Some(script) = &mut self.script {
            drop(script.stdin.take());
            let _ = script.wait();
        } else {
            for schema in &self.made {
                if let Err(error) = self.run_on_postgres(&format!("drop schema {schema} cascade")) {
                    eprintln!("load: the schema {schema} stays behind: {error}");
                }
            }
        }
    }
}

/// Returns the server's URL.
fn start_postgres(cores: Cores) -> Outcome<(String, Child)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres");
    let mut child = Command::new("taskset")
        .args(["-c", &cores.server.to_string()])
        .arg(script)
        .arg("--durable")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut url = String::new();
    if let Some(output) = child.stdout.take() {
        BufReader::new(output).read_line(&mut url)?;
    }
    if url.is_empty() {
        return Err(format!("scripts/postgres: {}", child.wait()?).into());
    }
    Ok((url.trim().to_owned(), child))
}
