//! The stock store of tower-sessions behind digests and behind our table `sessions`.
//!
//! A session begins with a login and ends with its row in `sessions`; the store's row hangs on
//! it by foreign key, so that a request in flight cannot bring an ended session back.

use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, macros::datetime};
use tower_sessions::{
    SessionStore,
    session::{Id, Record},
    session_store::{Error, Result},
};
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

use super::{Backend, Db, Place, connect::Cluster, in_time, sessions};
use crate::{clock::Clock, config::Pooler};

/// `sessions` alone says when a session ends, so the stock store's own date never bites.
const NEVER: OffsetDateTime = datetime!(9999-01-01 0:00 UTC);
const TABLE: &str = "session_data";

/// What the database knows 128 random bits by, those of a session or of a check cookie:
/// half of their SHA-256, which is as hard to invert as the bits are to guess.
pub fn digest(id: Id) -> Id {
    let hash: [u8; 32] = Sha256::digest(id.0.to_le_bytes()).into();
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    Id(i128::from_le_bytes(half))
}

/// The digest as the database holds it: 22 characters of base64url.
pub fn digest_text(id: Id) -> String {
    digest(id).to_string()
}

/// The store that an application's `Session` writes to.
#[derive(Clone, Debug)]
pub struct DigestStore {
    inner: Backend<SqliteStore, OnPostgres>,
    db: Db,
    clock: Clock,
}

#[derive(Clone, Debug)]
enum OnPostgres {
    Stock(PostgresStore),
    /// The stock store's statements have names, which do not last behind a pooler.
    Pooled(Pooled),
}

impl DigestStore {
    pub fn new(db: Db, clock: Clock) -> Result<Self> {
        let inner = match (&db.write, &db.place) {
            // It writes inside a deferred transaction, which only a sole writer can do safely.
            (Backend::Sqlite(lender), _) => Backend::Sqlite(
                SqliteStore::new(lender.pool.clone())
                    .with_table_name(TABLE)
                    .map_err(Error::Backend)?,
            ),
            (Backend::Postgres(cluster), Place::Schema(schema)) => {
                Backend::Postgres(match cluster.pooler {
                    Pooler::Off => OnPostgres::Stock(
                        PostgresStore::new(cluster.lender.pool.clone())
                            .with_schema_name(schema)
                            .and_then(|store| store.with_table_name(TABLE))
                            .map_err(Error::Backend)?,
                    ),
                    Pooler::Transaction => OnPostgres::Pooled(Pooled(cluster.clone())),
                })
            }
            (Backend::Postgres(_), Place::File(_)) => {
                return Err(Error::Backend("a Postgres database has a schema".into()));
            }
        };
        Ok(Self { inner, db, clock })
    }

    async fn alive(&self, id: Id) -> Result<Option<OffsetDateTime>> {
        sessions::find_end(&self.db, &digest_text(id), self.clock.now()).await.map_err(backend)
    }
}

fn backend(error: sqlx::Error) -> Error {
    Error::Backend(error.to_string())
}

#[async_trait]
impl SessionStore for DigestStore {
    /// A session is opened by a login, never by what an anonymous visitor left in it.
    async fn create(&self, _: &mut Record) -> Result<()> {
        Err(Error::Backend("nobody is signed in, so there is no session to write to".into()))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let inside =
            Record { id: digest(record.id), data: record.data.clone(), expiry_date: NEVER };
        let saved = match &self.inner {
            Backend::Sqlite(store) => store.save(&inside).await,
            Backend::Postgres(OnPostgres::Stock(store)) => store.save(&inside).await,
            Backend::Postgres(OnPostgres::Pooled(store)) => store.save(&inside).await,
        };
        match saved {
            // The foreign key refused it. Asking our table beats reading the message, which
            // Postgres translates.
            Err(error) if self.alive(record.id).await?.is_none() => {
                tracing::debug!(%error, "the session ended while a request was in flight");
                Ok(())
            }
            saved => saved,
        }
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(expiry_date) = self.alive(*id).await? else {
            return Ok(None);
        };
        let inside = match &self.inner {
            Backend::Sqlite(store) => store.load(&digest(*id)).await?,
            Backend::Postgres(OnPostgres::Stock(store)) => store.load(&digest(*id)).await?,
            Backend::Postgres(OnPostgres::Pooled(store)) => store.load(digest(*id)).await?,
        };
        let data = inside.map(|record| record.data).unwrap_or_default();
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    /// Ends the session itself, and with it the stock store's row.
    async fn delete(&self, id: &Id) -> Result<()> {
        let end = async {
            let mut tx = self.db.begin().await?;
            sessions::delete_by_digest(&mut tx, &digest_text(*id)).await?;
            tx.commit().await
        };
        end.await.map_err(backend)
    }
}

/// What the stock store does, with its rows as it writes them.
#[derive(Clone, Debug)]
struct Pooled(Arc<Cluster>);

impl Pooled {
    async fn save(&self, inside: &Record) -> Result<()> {
        let data = rmp_serde::to_vec(inside).map_err(|error| Error::Encode(error.to_string()))?;
        let sql = "insert into session_data (id, data, expiry_date) values ($1, $2, $3)
                   on conflict (id) do update set data = $2, expiry_date = $3";
        let save = async {
            let mut lent = self.0.begin("begin").await?;
            let insert = sqlx::query(sql).bind(inside.id.to_string()).bind(data);
            insert.bind(inside.expiry_date).execute(lent.runner()).await?;
            lent.commit().await
        };
        self.0.heed(in_time(save).await).map_err(backend)
    }

    async fn load(&self, id: Id) -> Result<Option<Record>> {
        let load = async {
            let select = sqlx::query_scalar("select data from session_data where id = $1");
            let mut lent = self.0.lend().await?;
            select.bind(id.to_string()).fetch_optional(lent.runner()).await
        };
        let data: Option<Vec<u8>> = self.0.heed(in_time(load).await).map_err(backend)?;
        let read = |data: Vec<u8>| rmp_serde::from_slice(&data);
        data.map(read).transpose().map_err(|error| Error::Decode(error.to_string()))
    }
}
