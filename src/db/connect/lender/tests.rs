use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::{Connection, Sqlite, sqlite::SqlitePoolOptions};

use super::*;
use crate::{config::Pooler, db::Backend};

/// A lender of so many connections, and how many came back to its pool.
fn lender(most: u32, since: Instant) -> (Arc<Lender<Sqlite>>, Arc<AtomicUsize>) {
    let back = Arc::new(AtomicUsize::new(0));
    let counting = back.clone();
    let pool = SqlitePoolOptions::new()
        .max_connections(most)
        .after_release(move |_, _| {
            counting.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Ok(true) })
        })
        .connect_lazy("sqlite::memory:")
        .unwrap();
    (Lender::new(pool, move || since), back)
}

async fn ask(lent: &mut Lent<Sqlite>) {
    let answer = sqlx::query("select 1").execute(lent.runner()).await;
    lent.heed(answer).unwrap();
}

/// Waits until so many are idle in the pool.
async fn wait_until_idle(lender: &Lender<Sqlite>, idle: usize) {
    while lender.pool.num_idle() != idle {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn one_that_gave_its_answer_is_lent_again_past_the_pool() {
    let (lender, back) = lender(4, Instant::now());
    for _ in 0..3 {
        ask(&mut lender.lend().await.unwrap()).await;
        let mut lent = lender.begin("begin").await.unwrap();
        ask(&mut lent).await;
        lent.commit().await.unwrap();
    }
    assert_eq!((lender.kept().len(), lender.pool.size()), (1, 1));
    assert_eq!(back.load(Ordering::SeqCst), 0);
    let usage = lender.usage("all");
    assert_eq!((usage.used, usage.idle, usage.most), (0, 1, 4));
}

#[tokio::test]
async fn the_pool_looks_at_one_that_owes_an_answer_or_is_in_a_transaction() {
    let (lender, back) = lender(4, Instant::now());
    let mut lent = lender.lend().await.unwrap();
    drop(sqlx::query("select 1").execute(lent.runner()));
    drop(lent);
    wait_until_idle(&lender, 1).await;
    let mut lent = lender.begin("begin").await.unwrap();
    ask(&mut lent).await;
    drop(lent);
    wait_until_idle(&lender, 1).await;
    let mut lent = lender.lend().await.unwrap();
    let broken: sqlx::Result<()> = Err(sqlx::Error::WorkerCrashed);
    lent.heed(broken).unwrap_err();
    drop(lent);
    wait_until_idle(&lender, 1).await;
    assert_eq!((lender.kept().len(), back.load(Ordering::SeqCst)), (0, 3));
    // A refusal is an answer.
    let mut lent = lender.lend().await.unwrap();
    let refused = sqlx::query("select nothing").execute(lent.runner()).await;
    lent.heed(refused).unwrap_err();
    drop(lent);
    assert_eq!((lender.kept().len(), back.load(Ordering::SeqCst)), (1, 3));
}

#[tokio::test]
async fn none_is_lent_that_may_lead_elsewhere() {
    let (lender, back) = lender(4, Instant::now() + Duration::from_secs(3600));
    ask(&mut lender.lend().await.unwrap()).await;
    assert_eq!(lender.kept().len(), 1);
    let other = lender.lend().await.unwrap();
    assert_eq!((lender.kept().len(), lender.pool.size()), (0, 2));
    wait_until_idle(&lender, 1).await;
    assert_eq!(back.load(Ordering::SeqCst), 1);
    drop(other);
}

#[tokio::test]
async fn after_a_while_the_pool_has_it_again() {
    let (lender, back) = lender(4, Instant::now());
    let long_ago = Instant::now().checked_sub(KEEP).unwrap();
    // Whether it comes back late, or was not lent again.
    lender.keep(lender.pool.acquire().await.unwrap(), long_ago);
    wait_until_idle(&lender, 1).await;
    let first = lender.pool.acquire().await.unwrap();
    lender.kept().push(Kept(first, long_ago));
    lender.keep(lender.pool.acquire().await.unwrap(), Instant::now());
    wait_until_idle(&lender, 1).await;
    assert_eq!((lender.kept().len(), back.load(Ordering::SeqCst)), (1, 2));
}

#[tokio::test]
async fn half_stay_for_the_pool_and_who_waits_for_it_gets_one() {
    let (lender, _) = lender(4, Instant::now());
    let mut lent = Vec::new();
    for _ in 0..4 {
        lent.push(lender.lend().await.unwrap());
    }
    let waiting = tokio::spawn({
        let pool = lender.pool.clone();
        async move { pool.acquire().await.map(drop) }
    });
    tokio::task::yield_now().await;
    lent.pop();
    waiting.await.unwrap().unwrap();
    wait_until_idle(&lender, 1).await;
    assert_eq!(lender.kept().len(), 0);
    drop(lent);
    wait_until_idle(&lender, 2).await;
    assert_eq!((lender.kept().len(), lender.pool.size()), (2, 4));
}

#[tokio::test]
async fn it_closes_with_what_it_keeps_and_keeps_nothing_then() {
    let (lender, _) = lender(4, Instant::now());
    let (late, mut used) = (lender.lend().await.unwrap(), lender.lend().await.unwrap());
    ask(&mut used).await;
    drop(used);
    assert_eq!(lender.kept().len(), 1);
    let closing = tokio::spawn({
        let lender = lender.clone();
        async move { lender.close().await }
    });
    while !lender.pool.is_closed() {
        tokio::task::yield_now().await;
    }
    drop(late);
    closing.await.unwrap();
    assert_eq!((lender.kept().len(), lender.pool.size()), (0, 0));
    assert!(lender.lend().await.is_err());
}

#[test]
fn it_is_dropped_where_no_runtime_is() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (lender, _) = runtime.block_on(async {
        let (lender, back) = lender(4, Instant::now());
        let mut lent = lender.lend().await.unwrap();
        lent.ping().await.unwrap();
        ask(&mut lent).await;
        drop(lent);
        (lender, back)
    });
    assert_eq!(lender.kept().len(), 1);
    drop(runtime);
    drop(lender);
}

#[tokio::test]
async fn who_writes_after_a_relaxed_transaction_waits_for_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("people.db").display());
    let db = crate::db::connect(&url, Pooler::Off).await.unwrap();
    let Backend::Sqlite(writer) = &db.write else { unreachable!() };
    const NORMAL: i64 = 1;
    const FULL: i64 = 2;
    let level = || sqlx::query_scalar("pragma synchronous");
    for commits in [true, false] {
        let mut tx = db.begin_relaxed().await.unwrap();
        let Backend::Sqlite(lent) = &mut tx.on else { unreachable!() };
        let found: i64 = level().fetch_one(&mut **lent).await.unwrap();
        assert_eq!(found, NORMAL);
        if commits {
            tx.commit().await.unwrap()
        } else {
            drop(tx)
        }
        let found: i64 = level().fetch_one(&writer.pool).await.unwrap();
        assert_eq!(found, FULL);
    }
    // Who goes away before it began.
    let going = tokio::time::timeout(Duration::ZERO, db.begin_relaxed()).await;
    drop(going);
    let found: i64 = level().fetch_one(&writer.pool).await.unwrap();
    assert_eq!(found, FULL);
}

#[tokio::test]
async fn a_commit_without_its_answer_leaves_the_writer_in_no_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("people.db").display());
    let db = crate::db::connect(&url, Pooler::Off).await.unwrap();
    for _ in 0..20 {
        let tx = db.begin_aside().await.unwrap();
        let _ = tokio::time::timeout(Duration::ZERO, tx.commit()).await;
        drop(db.begin_aside().await.unwrap());
        db.begin_aside().await.unwrap().commit().await.unwrap();
    }
}
