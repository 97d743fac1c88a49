//! Connections of a pool, given back with no more round trips than it takes.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::{
    Connection, Database, Executor, PgConnection, Postgres, Sqlite, SqliteConnection,
    TransactionManager, pool::PoolConnection,
};

use super::{Cluster, Lender, runner::Runner};
use crate::config::Pooler;

/// A connection that does not answer by then is closed instead of used again.
const PING: Duration = Duration::from_millis(500);

/// Ends the transaction that a connection may be left in when whoever began it went away before
/// the answer. Others would go on reading the moment of its beginning. (`rollback` alone warns in
/// the server's log when there is none, and `begin` when there is one.)
const END: &str = "begin; rollback";

/// Commits wait for the disk (SQLite).
const DURABLE: &str = "pragma synchronous = full";

tokio::task_local! {
    /// As [`Lent`] has it, of the connection that comes back.
    static IS_WHOLE: bool;
}

/// A connection for one statement or one transaction.
pub(crate) struct Lent<D: Database> {
    /// Until it is dropped.
    connection: Option<PoolConnection<D>>,
    /// When the pool gave it.
    given: Instant,
    /// Nothing is without its answer, or what is not is known to the driver, which ends it.
    is_whole: bool,
    lender: Arc<Lender<D>>,
    /// Where it leads, on Postgres.
    cluster: Option<Arc<Cluster>>,
}

impl<D: Database> Lent<D> {
    pub(super) fn new(
        connection: PoolConnection<D>,
        given: Instant,
        lender: &Arc<Lender<D>>,
    ) -> Self {
        let lender = lender.clone();
        Self { connection: Some(connection), given, is_whole: true, lender, cluster: None }
    }

    pub(super) async fn begun(mut self, sql: &'static str) -> sqlx::Result<Self> {
        D::TransactionManager::begin(&mut self, Some(sql.into())).await?;
        self.is_whole = true;
        Ok(self)
    }

    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        D::TransactionManager::commit(&mut self).await?;
        self.is_whole = true;
        Ok(())
    }

    /// Notes that an answer came, whatever it was. As [`Cluster::heed`] besides.
    pub(crate) fn heed<T>(&mut self, answer: sqlx::Result<T>) -> sqlx::Result<T> {
        self.is_whole = match &answer {
            Ok(_) => true,
            Err(error @ sqlx::Error::Database(_)) => !crate::db::is_unavailable(error),
            Err(_) => false,
        };
        match &self.cluster {
            Some(cluster) => cluster.heed(answer),
            None => answer,
        }
    }
}

impl Lent<Sqlite> {
    /// Runs a statement.
    pub(crate) fn runner(&mut self) -> &mut SqliteConnection {
        self
    }
}

impl Lent<Postgres> {
    pub(super) fn at(mut self, cluster: &Arc<Cluster>) -> Self {
        self.cluster = Some(cluster.clone());
        self
    }

    /// Runs a statement.
    pub(crate) fn runner(&mut self) -> Runner<'_> {
        let pooler = self.cluster.as_ref().map(|cluster| cluster.pooler);
        let keeps = pooler == Some(Pooler::Off);
        Runner { connection: self, keeps }
    }
}

/// Gives a connection back to its pool, which asks it whether it answers, and would wait for that
/// without end.
pub(super) fn give_back<D: Database>(mut connection: PoolConnection<D>, is_whole: bool) {
    let back = tokio::time::timeout(2 * PING, connection.return_to_pool());
    tokio::spawn(IS_WHOLE.scope(is_whole, back));
}

/// Of a connection that was taken from the pool past [`Lender`], nothing is known.
fn is_whole() -> bool {
    IS_WHOLE.try_with(|whole| *whole).unwrap_or(false)
}

/// Ends what the connection that comes back may be in.
pub(super) async fn clear_postgres(connection: &mut PgConnection) -> sqlx::Result<bool> {
    if is_whole() {
        return Ok(true);
    }
    let answer = tokio::time::timeout(PING, connection.execute(END)).await;
    answer.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|_| true)
}

/// Whether another transaction can begin on the writer that comes back, and waits for the disk.
/// What is dropped is undone by the time of the answer; asked each time, since that costs no round
/// trip to speak of.
pub(super) async fn is_clear(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    match connection.execute(DURABLE).await {
        Ok(_) => Ok(!connection.is_in_transaction()),
        // Within a transaction that cannot be set.
        Err(sqlx::Error::Database(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

impl<D: Database> Deref for Lent<D> {
    type Target = D::Connection;

    fn deref(&self) -> &D::Connection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("it is lent until it is dropped"),
        }
    }
}

impl<D: Database> DerefMut for Lent<D> {
    /// For a statement whose answer is not here yet.
    fn deref_mut(&mut self) -> &mut D::Connection {
        self.is_whole = false;
        match &mut self.connection {
            Some(connection) => connection,
            None => unreachable!("it is lent until it is dropped"),
        }
    }
}

impl<D: Database> Drop for Lent<D> {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let is_within = D::TransactionManager::get_transaction_depth(&connection) > 0;
        if self.is_whole && !is_within {
            return self.lender.keep(connection, self.given);
        }
        // Undone with the pool's own question. Also where a commit is without its answer: sqlx
        // counts on that for SQLite, and takes the next one for this one if it does not come.
        D::TransactionManager::start_rollback(&mut connection);
        give_back(connection, self.is_whole);
    }
}
