use std::sync::{
    atomic::{AtomicBool, AtomicUsize, Ordering},
    mpsc,
};

use argon2::Block;
use tokio::task::JoinHandle;

use super::*;

const NEVER: Duration = Duration::from_secs(3600);

fn task(origin: &str) -> Task<'_> {
    Task { origin, slots: 1 }
}

/// One slot, taken by a job that ends when something is sent.
async fn held(queue: usize) -> (Pool, mpsc::Sender<()>, JoinHandle<Result<(), Busy>>) {
    let pool = Pool::new(1, queue, NEVER);
    let (release, held) = mpsc::channel();
    let (began, begun) = oneshot::channel();
    let job = begin(&pool, "holder", 1, move || {
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
    slots: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<Result<T, Busy>> {
    let (pool, origin) = (pool.clone(), origin.to_owned());
    let waiting = tokio::spawn(async move {
        let task = Task { origin: &origin, slots };
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
        all.push(begin(&pool, &name[..1], 1, move || say.send(name).unwrap()).await);
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
        all.push((origin, begin(&pool, origin, 1, || ()).await));
    }
    assert!(pool.is_full_for("a") && !pool.is_full_for("b"));
    for origin in ["a", "b", "b", "b", "c"] {
        all.push((origin, begin(&pool, origin, 1, || ()).await));
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
        let gone = begin(&pool, "a", 1, move || done.store(true, Ordering::SeqCst)).await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
    }
    let stays = begin(&pool, "a", 1, || ()).await;
    release.send(()).unwrap();
    assert_eq!(stays.await.unwrap(), Ok(()));
    assert!(!done.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_job_takes_the_slots_that_it_needs_and_all_when_it_needs_more() {
    let pool = Pool::new(3, 60, NEVER);
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut all = Vec::new();
    for (number, slots) in [1, 2, 1, 3, 1, 9, 2, 2, 1, 1].into_iter().cycle().take(50).enumerate() {
        let (now, most) = (now.clone(), most.clone());
        let origin = ["a", "b", "c", "d"][number % 4];
        all.push(
            begin(&pool, origin, slots, move || {
                let taken = slots.min(3);
                most.fetch_max(now.fetch_add(taken, Ordering::SeqCst) + taken, Ordering::SeqCst);
                thread::yield_now();
                now.fetch_sub(taken, Ordering::SeqCst);
            })
            .await,
        );
    }
    for one in all {
        assert_eq!(one.await.unwrap(), Ok(()));
    }
    assert!(most.load(Ordering::SeqCst) <= 3);
}

#[tokio::test]
async fn two_jobs_that_fit_run_at_once() {
    let pool = Pool::new(3, 8, NEVER);
    let (say, said) = mpsc::channel();
    let (answer, answered) = mpsc::channel();
    let first = begin(&pool, "a", 2, move || (say.send(()).unwrap(), answered.recv().unwrap()));
    let first = first.await;
    // Ends only while the first runs.
    let second = begin(&pool, "b", 1, move || (said.recv().unwrap(), answer.send(()).unwrap()));
    assert!(second.await.await.unwrap().is_ok() && first.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_large_job_begins_in_its_turn_and_makes_nobody_wait_longer_than_that() {
    let pool = Pool::new(2, 20, NEVER);
    let (release, held) = mpsc::channel::<()>();
    let (began, begun) = oneshot::channel();
    let holder = begin(&pool, "holder", 1, move || {
        began.send(()).unwrap();
        held.recv().unwrap();
    });
    let holder = holder.await;
    begun.await.unwrap();
    // A slot is free all the time, and nobody who comes later takes it before the large one.
    let (say, said) = mpsc::channel();
    let mut all = vec![holder];
    for (name, slots) in [("a1", 2), ("a2", 9), ("a3", 2), ("b1", 2), ("c1", 2), ("b2", 2)] {
        let say = say.clone();
        all.push(begin(&pool, &name[..1], slots, move || say.send(name).unwrap()).await);
    }
    assert_eq!(said.try_recv(), Err(mpsc::TryRecvError::Empty));
    release.send(()).unwrap();
    for one in all {
        assert_eq!(one.await.unwrap(), Ok(()));
    }
    assert_eq!(said.try_iter().collect::<Vec<_>>(), ["a1", "b1", "c1", "a2", "b2", "a3"]);
}

#[tokio::test]
async fn memory_of_a_large_job_is_freed_at_once_and_what_is_kept_makes_room_for_it() {
    let pool = Pool::new(2, 8, NEVER);
    let kept = || pool.0.0.state().kept.len();
    let fill = |memory: &mut Memory| memory.resize(3, Block::default());
    let (say, said) = mpsc::channel::<()>();
    let held = move |memory: &mut Memory| {
        fill(memory);
        said.recv().unwrap();
    };
    // Two at once, so that both slots have kept some.
    let (other, first) = (pool.clone(), pool.clone());
    let first = tokio::spawn(async move { first.run(task("a"), held).await });
    tokio::task::yield_now().await;
    assert_eq!(other.run(task("b"), fill).await, Ok(()));
    say.send(()).unwrap();
    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!(kept(), 2);
    let shared = Arc::downgrade(&pool.0.0);
    let large = pool.run(Task { origin: "a", slots: 2 }, move |memory| {
        let found = (memory.len(), shared.upgrade().unwrap().state().kept.len());
        fill(memory);
        found
    });
    assert_eq!(large.await, Ok((0, 0)));
    assert_eq!(kept(), 0);
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
