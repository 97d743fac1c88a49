//! Connections of a pool, given back with no more round trips than it takes.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    Connection, Database, Executor, PgConnection, Pool, Postgres, SqliteConnection,
    TransactionManager, pool::PoolConnection,
};

use super::{Cluster, runner::Runner};
use crate::config::Pooler;

/// A connection that does not answer by then is closed instead of used again.
const PING: Duration = Duration::from_millis(500);

/// Ends the transaction that a connection may be left in when whoever began it went away before
/// the answer. Others would go on reading the moment of its beginning. (`rollback` alone warns in
/// the server's log when there is none, and `begin` when there is one.)
const END: &str = "begin; rollback";

tokio::task_local! {
    /// Whether the connection that comes back is in no transaction, or in one that the driver
    /// knows of and ends by itself.
    static IS_KNOWN: bool;
}

/// A connection for one statement or one transaction.
pub(crate) struct Lent<D: Database> {
    connection: PoolConnection<D>,
    /// No beginning and no end of a transaction is without its answer.
    is_known: bool,
    /// Where it leads, on Postgres.
    cluster: Option<Arc<Cluster>>,
}

impl<D: Database> Lent<D> {
    async fn new(pool: &Pool<D>) -> sqlx::Result<Self> {
        Ok(Self { connection: pool.acquire().await?, is_known: true, cluster: None })
    }

    /// In a transaction that begins with `sql`. Undone when it is dropped before its commit.
    pub(crate) async fn begin(pool: &Pool<D>, sql: &'static str) -> sqlx::Result<Self> {
        let mut lent = Self::new(pool).await?;
        lent.is_known = false;
        D::TransactionManager::begin(&mut lent.connection, Some(sql.into())).await?;
        lent.is_known = true;
        Ok(lent)
    }

    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        self.is_known = false;
        D::TransactionManager::commit(&mut self.connection).await?;
        self.is_known = true;
        Ok(())
    }
}

impl Lent<Postgres> {
    /// For one statement that reads, which leaves nothing behind. Behind a pooler it has a
    /// transaction: its preparing and its execution could meet two servers.
    pub(crate) async fn one(cluster: &Arc<Cluster>) -> sqlx::Result<Self> {
        let lent = match cluster.pooler {
            Pooler::Off => Self::new(&cluster.pool).await?,
            Pooler::Transaction => Self::begin(&cluster.pool, "begin read only").await?,
        };
        Ok(lent.at(cluster))
    }

    pub(crate) fn at(mut self, cluster: &Arc<Cluster>) -> Self {
        self.cluster = Some(cluster.clone());
        self
    }

    /// Runs a statement.
    pub(crate) fn runner(&mut self) -> Runner<'_> {
        let pooler = self.cluster.as_ref().map(|cluster| cluster.pooler);
        let keeps = pooler == Some(Pooler::Off);
        Runner { connection: &mut self.connection, keeps }
    }

    /// As [`Cluster::heed`].
    pub(crate) fn heed<T>(&self, answer: sqlx::Result<T>) -> sqlx::Result<T> {
        match &self.cluster {
            Some(cluster) => cluster.heed(answer),
            None => answer,
        }
    }
}

/// Of a connection that was taken from the pool past [`Lent`], nothing is known.
fn is_known() -> bool {
    IS_KNOWN.try_with(|known| *known).unwrap_or(false)
}

/// Ends what the connection that comes back may be in.
pub(super) async fn clear_postgres(connection: &mut PgConnection) -> sqlx::Result<bool> {
    if is_known() {
        return Ok(true);
    }
    let answer = tokio::time::timeout(PING, connection.execute(END)).await;
    answer.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|_| true)
}

/// Whether another transaction can begin on the writer that comes back. What is dropped is undone
/// by the time of the answer.
pub(super) async fn is_clear(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    if is_known() {
        return Ok(true);
    }
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

impl<D: Database> Deref for Lent<D> {
    type Target = D::Connection;

    fn deref(&self) -> &D::Connection {
        &self.connection
    }
}

impl<D: Database> DerefMut for Lent<D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        &mut self.connection
    }
}

impl<D: Database> Drop for Lent<D> {
    /// The pool asks whether the connection answers, and would wait for that without end.
    fn drop(&mut self) {
        if D::TransactionManager::get_transaction_depth(&self.connection) > 0 {
            D::TransactionManager::start_rollback(&mut self.connection);
        }
        let back = tokio::time::timeout(2 * PING, self.connection.return_to_pool());
        tokio::spawn(IS_KNOWN.scope(self.is_known, back));
    }
}
