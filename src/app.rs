//! What every request and every command works with: the database, the settings, the keys, the
//! hasher, and the sources of time and randomness.

pub mod layout;

use std::{
    ops::Deref,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use self::layout::Layout;
#[cfg(feature = "otlp")]
use crate::traces::Traces;
use crate::{
    auth::{
        cache::Cache,
        hasher::Hasher,
        key::{KeyError, Keys},
        sessions::Touched,
        users,
    },
    clock::Clock,
    config::Settings,
    db::{self, Db, MigrateError, Place, audit::Pen, session_store::DigestStore, throttles::Kind},
    metrics::Metrics,
    random::{Random, RandomFailed},
    telemetry::RequestIds,
};

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    parts: Arc<Parts>,
    /// What stands around the pages.
    pub layout: Layout,
}

#[derive(Debug)]
pub struct Parts {
    pub db: Db,
    pub settings: Settings,
    pub keys: Keys,
    pub hasher: Hasher,
    pub pen: Pen,
    pub store: Arc<DigestStore>,
    /// What is remembered of sessions between requests.
    pub cache: Cache,
    /// Uses of sessions that are still to be written down.
    pub touched: Touched,
    pub request_ids: RequestIds,
    pub metrics: Metrics,
    /// [`web::serve`](crate::web::serve) stops them at its end; so does whoever serves otherwise.
    #[cfg(feature = "otlp")]
    pub traces: Option<Traces>,
    is_leaving: AtomicBool,
    /// Names this process among those that share the database.
    pub node: String,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Connect(#[from] db::ConnectError),
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Random(#[from] RandomFailed),
    #[error("the database failed: {}", db::plain(.0))]
    Db(#[from] sqlx::Error),
    #[error("the clock shows a time before 1970; set it first")]
    Clock,
    #[cfg(feature = "otlp")]
    #[error("cannot send traces: {0}")]
    Traces(#[from] opentelemetry_otlp::ExporterBuildError),
    #[error("cannot set up the session store: {0}")]
    Store(#[from] tower_sessions::session_store::Error),
}

/// What to do with a database whose schema is not this program's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrate {
    /// Bring it up to date.
    Apply,
    /// Refuse it.
    Refuse,
}

impl App {
    /// Opens the database at `url`, brings it up to date if asked to, and opens or makes the
    /// key file.
    pub async fn open(
        url: &str,
        settings: Settings,
        migrate: Migrate,
        clock: Clock,
        random: Random,
    ) -> Result<Self, OpenError> {
        // Before a file is made.
        require_time(&clock)?;
        let db = db::connect(url, settings.postgres_pooler).await?;
        Self::open_on(db, settings, migrate, clock, random).await
    }

    /// The same on a database that is connected.
    pub async fn open_on(
        db: Db,
        settings: Settings,
        migrate: Migrate,
        clock: Clock,
        random: Random,
    ) -> Result<Self, OpenError> {
        require_time(&clock)?;
        match migrate {
            Migrate::Apply => {
                for name in db.migrate().await? {
                    tracing::info!(migration = name, "applied");
                }
                users::fill_looks(&db).await?;
                if let Err(error) = db.install_triggers().await {
                    tracing::warn!(%error, "could not make the triggers; {LATE}");
                }
            }
            Migrate::Refuse => {
                db.schema().await?.accept()?;
                if !db.has_triggers().await? {
                    tracing::warn!("the triggers are missing; run rolecall migrate: {LATE}");
                }
            }
        }
        let path = match &db.place {
            Place::File(file) => key_file(&settings, Some(file)),
            Place::Schema(_) => key_file(&settings, None),
        };
        let keys = Keys::open(&db, path, &clock, &random).await?;
        let hasher = Hasher::new(&settings, keys.clone(), random.clone())?;
        let store = Arc::new(DigestStore::new(db.clone(), clock.clone())?);
        let request_ids = RequestIds::new(random.bytes()?);
        let node = clock.new_id().to_string();
        #[cfg(feature = "otlp")]
        let traces = settings.otlp_endpoint.as_ref().map(|to| Traces::start(to, &db, &node));
        let parts = Parts {
            cache: Cache::new(settings.cache_entries),
            metrics: Metrics::new(settings.metrics_listen.is_some(), hasher.metrics(), &Kind::ALL),
            #[cfg(feature = "otlp")]
            traces: traces.transpose()?,
            is_leaving: AtomicBool::new(false),
            db,
            settings,
            keys,
            hasher,
            pen: Pen::new(clock, random),
            store,
            touched: Touched::default(),
            request_ids,
            node,
        };
        Ok(Self { parts: Arc::new(parts), layout: Layout::default() })
    }

    pub fn now(&self) -> time::OffsetDateTime {
        self.pen.clock.now()
    }

    /// It was asked to stop: new requests belong elsewhere.
    pub fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Acquire)
    }

    pub(crate) fn leave(&self) {
        self.is_leaving.store(true, Ordering::Release);
    }
}

fn require_time(clock: &Clock) -> Result<(), OpenError> {
    if clock.works() { Ok(()) } else { Err(OpenError::Clock) }
}

const LATE: &str = "changes made by hand are noticed late, when what is remembered ends by itself";

/// Where the keys are: where the settings say, else in `rolecall.key` beside the SQLite file, else
/// in the working directory.
pub fn key_file(settings: &Settings, sqlite_file: Option<&Path>) -> PathBuf {
    let default = || match sqlite_file {
        Some(file) => file.with_file_name("rolecall.key"),
        None => PathBuf::from("rolecall.key"),
    };
    settings.key_file.clone().unwrap_or_else(default)
}
