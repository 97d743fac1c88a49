//! Connections of the Postgres pool, given back with no more round trips than it takes.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use sqlx::{
    Database, Executor, PgConnection, Pool, Postgres, TransactionManager, pool::PoolConnection,
};

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

type Manager = <Postgres as Database>::TransactionManager;

/// A connection for one statement or one transaction.
pub(crate) struct Lent {
    connection: PoolConnection<Postgres>,
    /// No beginning and no end of a transaction is without its answer.
    is_known: bool,
}

impl Lent {
    /// For one statement, which leaves nothing behind.
    pub(crate) async fn new(pool: &Pool<Postgres>) -> sqlx::Result<Self> {
        Ok(Self { connection: pool.acquire().await?, is_known: true })
    }

    /// In a transaction that begins with `sql`. Undone when it is dropped before its commit.
    pub(crate) async fn begin(pool: &Pool<Postgres>, sql: &'static str) -> sqlx::Result<Self> {
        let mut lent = Self::new(pool).await?;
        lent.is_known = false;
        Manager::begin(&mut lent.connection, Some(sql.into())).await?;
        lent.is_known = true;
        Ok(lent)
    }

    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        self.is_known = false;
        Manager::commit(&mut self.connection).await?;
        self.is_known = true;
        Ok(())
    }
}

/// Ends what the connection that comes back may be in.
pub(super) async fn clear(connection: &mut PgConnection) -> sqlx::Result<bool> {
    if IS_KNOWN.try_with(|known| *known).unwrap_or(false) {
        return Ok(true);
    }
    let answer = tokio::time::timeout(PING, connection.execute(END)).await;
    answer.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|_| true)
}

impl Deref for Lent {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Lent {
    /// The pool asks whether the connection answers, and would wait for that without end.
    fn drop(&mut self) {
        Manager::start_rollback(&mut self.connection);
        let back = tokio::time::timeout(2 * PING, self.connection.return_to_pool());
        tokio::spawn(IS_KNOWN.scope(self.is_known, back));
    }
}
