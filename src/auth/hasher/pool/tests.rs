use std::sync::{
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use argon2::Block;
use tokio::task::JoinHandle;

use super::*;

const NEVER: Duration = Duration::from_secs(3600);

fn task(origin: &str) -> Task<'_> {
    Task { origin, is_large: false }
}

/// One slot, taken by a job that ends when something is sent.
async fn held(queue: usize) -> (Pool, mpsc::Sender<()>, JoinHandle<Result<(), Busy>>) {
    let pool = Pool::new(1, queue, NEVER);
    let (release, held) = mpsc::channel();
    let (began, begun) = oneshot::channel();
    let job = begin(&pool, "holder", false, move || {
        began.send(()).unwrap();
        held.recv().unwrap_or_default();
    });
    let job = job.await;
    begun.await.unwrap();
    (pool, release, job)
}

/// Begins to wait, and is in the queue when this is awaited.
async fn begin<T: Send + 'static>(
    pool: &Pool,
    origin: &str,
    is_large: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<Result<T, Busy>> {
    let (pool, origin) = (pool.clone(), origin.to_owned());
    let waiting = tokio::spawn(async move {
        let task = Task { origin: &origin, is_large };
        pool.run(task, |_| work()).await
    });
    tokio::task::yield_now().await;
    waiting
}

#[tokio::test]
async fn lines_take_turns_and_each_is_first_come() {
    let (pool, release, _) = held(8).await;
    let (say, said) = mpsc::channel();
    let mut all = Vec::new();
    for name in ["a1", "a2", "a3", "b1", "c1", "b2"] {
        let say = say.clone();
        all.push(begin(&pool, &name[..1], false, move || say.send(name).unwrap()).await);
    }
    release.send(()).unwrap();
    for one in all {
        assert_eq!(one.await.unwrap(), Ok(()));
    }
    assert_eq!(said.try_iter().collect::<Vec<_>>(), ["a1", "b1", "c1", "a2", "b2", "a3"]);
}

#[tokio::test]
async fn who_has_most_in_a_full_queue_makes_room_for_others_and_nobody_else_does() {
    let (pool, release, _) = held(4).await;
    let mut all = Vec::new();
    for origin in ["a", "a", "a", "a"] {
        all.push((origin, begin(&pool, origin, false, || ()).await));
    }
    assert!(pool.is_full_for("a") && !pool.is_full_for("b"));
    for origin in ["a", "b", "b", "b", "c"] {
        all.push((origin, begin(&pool, origin, false, || ()).await));
    }
    assert!(pool.is_full_for("a") && pool.is_full_for("b") && pool.is_full_for("c"));
    assert!(!pool.is_full_for("d"));
    release.send(()).unwrap();
    let mut answered = Vec::new();
    for (origin, one) in all {
        answered.push((origin, one.await.unwrap().is_ok()));
    }
    let expected = [
        ("a", true),
        ("a", true),
        ("a", false),
        ("a", false),
        ("a", false),
        ("b", true),
        ("b", false),
        ("b", false),
        ("c", true),
    ];
    assert_eq!(answered, expected);
}

#[tokio::test]
async fn who_has_gone_takes_no_place_and_nothing_is_done_for_them() {
    let (pool, release, _) = held(2).await;
    let done = Arc::new(AtomicBool::new(false));
    for _ in 0..20 {
        let done = done.clone();
        let gone = begin(&pool, "a", false, move || done.store(true, Ordering::SeqCst)).await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
    }
    let stays = begin(&pool, "a", false, || ()).await;
    release.send(()).unwrap();
    assert_eq!(stays.await.unwrap(), Ok(()));
    assert!(!done.load(Ordering::SeqCst));
}

#[tokio::test]
async fn of_large_jobs_one_runs_at_a_time_and_small_ones_pass_by() {
    let pool = Pool::new(2, 8, NEVER);
    let (release, held) = mpsc::channel::<()>();
    let (began, begun) = oneshot::channel();
    let first = begin(&pool, "a", true, move || {
        began.send(()).unwrap();
        held.recv().unwrap();
    });
    let first = first.await;
    begun.await.unwrap();
    let is_done = Arc::new(AtomicBool::new(false));
    let noted = is_done.clone();
    let second = begin(&pool, "a", true, move || noted.store(true, Ordering::SeqCst)).await;
    for _ in 0..20 {
        assert_eq!(begin(&pool, "a", false, || ()).await.await.unwrap(), Ok(()));
    }
    assert!(!is_done.load(Ordering::SeqCst));
    release.send(()).unwrap();
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(()), Ok(())));
    assert!(is_done.load(Ordering::SeqCst));
}

#[tokio::test]
async fn memory_is_kept_between_jobs_and_freed_when_it_is_quiet() {
    let take = |memory: &mut Memory| {
        let found = memory.len();
        memory.resize(3, Block::default());
        found
    };
    let pool = Pool::new(1, 1, NEVER);
    assert_eq!(pool.run(task("a"), take).await, Ok(0));
    assert_eq!(pool.run(task("b"), take).await, Ok(3));
    let pool = Pool::new(1, 1, Duration::from_millis(1));
    assert_eq!(pool.run(task("a"), take).await, Ok(0));
    while pool.run(task("a"), |memory| memory.len()).await != Ok(0) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn whoever_has_an_answer_finds_the_slot_free() {
    let pool = Pool::new(1, 0, NEVER);
    for _ in 0..1000 {
        assert_eq!(pool.run(task("a"), |_| ()).await, Ok(()));
    }
}

#[tokio::test]
async fn a_job_that_panics_fails_alone() {
    let pool = Pool::new(1, 1, NEVER);
    for _ in 0..3 {
        let failed = pool.run(task("a"), |_| panic!("this panic is part of the test"));
        assert_eq!(failed.await, Err::<(), _>(Busy));
        assert_eq!(pool.run(task("a"), |_| 1).await, Ok(1));
    }
}

#[tokio::test]
async fn threads_end_with_the_pool() {
    let pool = Pool::new(2, 1, NEVER);
    pool.run(task("a"), |_| ()).await.unwrap();
    let shared = Arc::downgrade(&pool.0.0);
    drop(pool);
    while shared.upgrade().is_some() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
