//! The servers that a Postgres URL names. One of them takes changes, the primary: to it the pool
//! connects, and what is remembered is remembered of it. Another server may lack the last changes
//! of the one before (replication that does not wait loses them), so nothing outlives a change.
//!
//! Nothing of this is asked for a request: a new connection says what it leads to, the revision
//! comes with the server that told it, and the hosts are looked at when something fails.

use std::{
    sync::{Arc, Mutex, MutexGuard, Weak},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use sqlx::{
    ConnectOptions, Connection, Executor, FromRow, PgConnection, Postgres,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{Lender, Lent, WAIT, lent, postgres};
use crate::{
    config::Pooler,
    db::{Revision, reason::STANDBY},
};

/// The hosts are looked at again at most this often, and have so long to answer.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_secs(1);
/// A server that is just starting is asked again after so long.
const RETRY: Duration = Duration::from_millis(50);
const CONNECTIONS: u32 = 16;

/// A server process as it says what it is. Asked without a prepared statement, since a pooler may
/// stand before it.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Server {
    /// When it was started, in microseconds since 1970: no two servers that take turns with one
    /// database have the same, and none keeps it when it is started anew.
    pub id: i64,
    pub is_standby: bool,
    /// Where names without a schema lead to.
    pub schema: Option<String>,
}

const WHO: &str = "select pg_is_in_recovery() as is_standby, current_schema()::text as schema, \
     (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint as id";

/// What the server's revision is, and whose.
pub(crate) const REVISION: &str = "select taken, \
     (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint \
     from turns where name = $1";

/// Connections to the primary of one or several hosts.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub lender: Arc<Lender<Postgres>>,
    pub pooler: Pooler,
    hosts: Vec<PgConnectOptions>,
    /// It is only looked at, whatever it is.
    is_look: bool,
    standing: Mutex<Standing>,
    revision: Arc<Revision>,
}

/// Where the connections stand.
#[derive(Debug)]
struct Standing {
    place: usize,
    server: i64,
    /// Older connections lead elsewhere, or may.
    since: Instant,
    looked: Instant,
    is_looking: bool,
    fails: bool,
}

/// Where it was found, and what it is.
pub(super) type Found = (usize, Server);

impl Cluster {
    pub(super) fn new(
        hosts: Vec<PgConnectOptions>,
        (place, server): &Found,
        pooler: Pooler,
        is_look: bool,
        revision: Arc<Revision>,
    ) -> Arc<Self> {
        let now = Instant::now();
        let standing = Standing {
            place: *place,
            server: server.id,
            since: now,
            looked: now,
            is_looking: false,
            fails: false,
        };
        let options = hosts[*place].clone();
        Arc::new_cyclic(|cluster| Self {
            lender: lender(cluster, options),
            pooler,
            hosts,
            is_look,
            standing: Mutex::new(standing),
            revision,
        })
    }

    /// For one statement that reads, which leaves nothing behind. Behind a pooler it has a
    /// transaction: its preparing and its execution could meet two servers.
    pub async fn lend(self: &Arc<Self>) -> sqlx::Result<Lent<Postgres>> {
        match self.pooler {
            Pooler::Off => Ok(self.lender.lend().await?.at(self)),
            Pooler::Transaction => self.begin("begin read only").await,
        }
    }

    /// In a transaction that begins with `sql`. Undone when it is dropped before its commit.
    pub async fn begin(self: &Arc<Self>, sql: &'static str) -> sqlx::Result<Lent<Postgres>> {
        Ok(self.lender.begin(sql).await?.at(self))
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Whether the connections are to this server.
    pub fn is_at(&self, server: i64) -> bool {
        self.standing().server == server
    }

    /// Hands on what the database answered. Where it did not answer, or takes no changes, another
    /// server may have taken its place.
    pub fn heed<T>(self: &Arc<Self>, answer: sqlx::Result<T>) -> sqlx::Result<T> {
        match &answer {
            Err(error) if is_read_only(error) => self.leave(),
            Err(error) if crate::db::is_unavailable(error) => self.doubt(),
            _ => {}
        }
        answer
    }

    /// Uses no connection any more that is open now, and nothing that is remembered.
    pub fn leave(self: &Arc<Self>) {
        self.standing().since = Instant::now();
        self.revision.forget();
        self.doubt();
    }

    /// Looks at the hosts again, beside whatever is asked.
    fn doubt(self: &Arc<Self>) {
        let mut standing = self.standing();
        let is_early = standing.is_looking || standing.looked.elapsed() < LOOK_EVERY;
        if self.is_look || is_early || self.lender.pool.is_closed() {
            return;
        }
        standing.is_looking = true;
        drop(standing);
        let cluster = self.clone();
        tokio::spawn(async move {
            let at = cluster.standing().server;
            let found = find(&cluster.hosts, LOOK, false, Some(at)).await;
            cluster.take(found.map_err(|nobody| nobody.reason));
        });
    }

    fn take(&self, found: Result<Found, String>) {
        let mut standing = self.standing();
        standing.looked = Instant::now();
        standing.is_looking = false;
        let (place, server) = match found {
            Ok(found) => found,
            Err(reason) => {
                if !std::mem::replace(&mut standing.fails, true) {
                    tracing::warn!(reason, "no database server takes changes; looking on");
                }
                return;
            }
        };
        standing.fails = false;
        if standing.place != place {
            standing.place = place;
            self.lender.pool.set_connect_options(self.hosts[place].clone());
        }
        if standing.server != server.id {
            standing.server = server.id;
            standing.since = Instant::now();
            self.revision.forget();
            let server = postgres::place(&self.hosts[place..=place]);
            tracing::info!(server, "the database server is another one, or was started anew");
        }
    }

    /// Whether a new connection leads to the primary.
    async fn meet(self: &Arc<Self>, connection: &mut PgConnection) -> sqlx::Result<()> {
        let met = who(connection).await?;
        if self.is_look || (!met.is_standby && self.is_at(met.id)) {
            return Ok(());
        }
        self.doubt();
        let what = if met.is_standby { "a standby" } else { "another server than before" };
        Err(sqlx::Error::Protocol(what.to_owned()))
    }
}

fn lender(cluster: &Weak<Cluster>, options: PgConnectOptions) -> Arc<Lender<Postgres>> {
    let meeting = cluster.clone();
    let cluster = cluster.clone();
    // Without the cluster nothing is asked any more.
    let since = move || cluster.upgrade().map_or_else(Instant::now, |found| found.standing().since);
    let current = since.clone();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(WAIT)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let cluster = meeting.upgrade();
            Box::pin(async move {
                match cluster {
                    Some(cluster) => cluster.meet(connection).await,
                    None => Err(sqlx::Error::PoolClosed),
                }
            })
        })
        .before_acquire(move |_, connection| {
            let is_there = current().elapsed() >= connection.age;
            Box::pin(async move { Ok(is_there) })
        })
        .after_release(|connection, _| Box::pin(lent::clear_postgres(connection)))
        .connect_lazy_with(options);
    Lender::new(pool, since)
}

async fn who(connection: &mut PgConnection) -> sqlx::Result<Server> {
    Server::from_row(&connection.fetch_one(WHO).await?)
}

/// Why no host takes changes.
struct Nobody {
    reason: String,
    /// Some are about to.
    is_starting: bool,
}

/// The first host that takes changes, or with `any` the first that answers if none does. The server
/// `at` goes before all others: one that is back from before may take changes too.
async fn find(
    hosts: &[PgConnectOptions],
    within: Duration,
    any: bool,
    at: Option<i64>,
) -> Result<Found, Nobody> {
    let asked = join_all(hosts.iter().map(|host| ask(host, within))).await;
    let (mut reasons, mut is_starting) = (Vec::new(), false);
    let (mut primary, mut standby) = (None, None);
    for (place, answer) in asked.into_iter().enumerate() {
        let reason = match answer {
            Ok(server) if Some(server.id) == at && !server.is_standby => {
                return Ok((place, server));
            }
            Ok(server) if !server.is_standby => {
                primary = primary.or(Some((place, server)));
                continue;
            }
            Ok(server) => {
                standby = standby.or(Some((place, server)));
                STANDBY.to_owned()
            }
            Err(error) => {
                is_starting |= self::is_starting(&error);
                postgres::reason(&error)
            }
        };
        let host = postgres::place(&hosts[place..=place]);
        reasons.push(if hosts.len() > 1 { format!("{host}: {reason}") } else { reason });
    }
    let nobody = || Nobody { reason: reasons.join("; "), is_starting };
    primary.or(standby.filter(|_| any)).ok_or_else(nobody)
}

/// The same to begin with, when a server may just be starting.
///
/// # Errors
/// Why none does, for a person.
pub(super) async fn find_first(hosts: &[PgConnectOptions], any: bool) -> Result<Found, String> {
    let begun = Instant::now();
    loop {
        match find(hosts, WAIT, any, None).await {
            Ok(found) => return Ok(found),
            Err(nobody) if nobody.is_starting && begun.elapsed() < WAIT => {
                tokio::time::sleep(RETRY).await;
            }
            Err(nobody) => return Err(nobody.reason),
        }
    }
}

async fn ask(host: &PgConnectOptions, within: Duration) -> sqlx::Result<Server> {
    let answer = async {
        let mut connection = host.connect().await?;
        let server = who(&mut connection).await?;
        let _ = connection.close().await;
        Ok(server)
    };
    tokio::time::timeout(within, answer).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

/// Refused, too many connections, or not ready yet.
fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| ["53300", "57P03"].contains(&&*code))
        }
        _ => false,
    }
}

/// A write on a server that has become a standby.
fn is_read_only(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.code().as_deref() == Some("25006"))
}
