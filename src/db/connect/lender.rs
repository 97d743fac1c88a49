//! Lends the connections of a pool.
//!
//! The pool asks each connection that comes back whether it answers, which on Postgres is a round
//! trip for every statement of a request. One that just gave its last answer is lent again without,
//! for a while; then the pool sees to its age and its health as ever.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use sqlx::{Database, Pool, pool::PoolConnection};

use super::lent::{self, Lent};
use crate::db::PoolUse;

/// How long a connection is lent past the pool.
const KEEP: Duration = Duration::from_secs(60);

/// A pool, and the connections of it that can be lent at once.
pub(crate) struct Lender<D: Database> {
    pub pool: Pool<D>,
    /// Connections that are older lead elsewhere, or may.
    since: Box<dyn Fn() -> Instant + Send + Sync>,
    kept: Mutex<Vec<Kept<D>>>,
}

/// A connection that is not in use, and when the pool gave it.
struct Kept<D: Database>(PoolConnection<D>, Instant);

impl<D: Database> Lender<D> {
    pub fn new(pool: Pool<D>, since: impl Fn() -> Instant + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { pool, since: Box::new(since), kept: Mutex::default() })
    }

    /// For one statement that reads, which leaves nothing behind.
    pub async fn lend(self: &Arc<Self>) -> sqlx::Result<Lent<D>> {
        while let Some((connection, given)) = self.take() {
            if given.elapsed() < KEEP && given >= (self.since)() {
                return Ok(Lent::new(connection, given, self));
            }
            lent::give_back(connection, true);
        }
        let asked = Instant::now();
        Ok(Lent::new(self.pool.acquire().await?, asked, self))
    }

    /// In a transaction that begins with `sql`. Undone when it is dropped before its commit.
    pub async fn begin(self: &Arc<Self>, sql: &'static str) -> sqlx::Result<Lent<D>> {
        self.lend().await?.begun(sql).await
    }

    /// Takes back what is in no transaction and owes no answer.
    pub(super) fn keep(&self, connection: PoolConnection<D>, given: Instant) {
        let mut kept = self.kept();
        let most = self.most() as usize;
        // Who waits for the pool gets none from here. And who takes from the pool alone finds half.
        let is_awaited = self.pool.size() as usize == most && self.pool.num_idle() == 0;
        let is_welcome = given.elapsed() < KEEP && kept.len() < most / 2 && !is_awaited;
        if is_welcome && !self.pool.is_closed() {
            kept.push(Kept(connection, given));
        } else {
            lent::give_back(connection, true);
        }
        // Those below are lent only when many are: the pool closes what nobody needs.
        if kept.first().is_some_and(|Kept(_, given)| given.elapsed() >= KEEP) {
            lent::give_back(kept.remove(0).0, true);
        }
    }

    /// Closes all connections, and lends no more.
    pub async fn close(&self) {
        // Marks the pool as closed at once, so that nothing is kept from here on.
        let closed = self.pool.close();
        while let Some((connection, _)) = self.take() {
            lent::give_back(connection, true);
        }
        closed.await;
    }

    /// How much of it is in use.
    pub fn usage(&self, name: &'static str) -> PoolUse {
        // Read one after the other, and raised by the pool before it is lowered, or after.
        let idle = self.pool.num_idle().saturating_add(self.kept().len());
        let used = (self.pool.size() as usize).saturating_sub(idle);
        PoolUse { name, used, idle, most: self.most() }
    }

    fn most(&self) -> u32 {
        self.pool.options().get_max_connections()
    }

    /// The one that was used last.
    fn take(&self) -> Option<(PoolConnection<D>, Instant)> {
        self.kept().pop().map(|Kept(connection, given)| (connection, given))
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept<D>>> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl<D: Database> Drop for Lender<D> {
    /// The pool is gone with it, and there may be no runtime on which to give anything back.
    fn drop(&mut self) {
        for Kept(connection, _) in self.kept().drain(..) {
            drop(connection.leak());
        }
    }
}

impl<D: Database> fmt::Debug for Lender<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pool.fmt(f)
    }
}

#[cfg(test)]
mod tests;
