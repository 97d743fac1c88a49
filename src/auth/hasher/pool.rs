//! A thread for each slot, and a bounded queue before them that is fair between origins: each
//! has a line of its own, and the lines take turns.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, Weak},
    thread,
    time::Duration,
};

use argon2::Block;
use tokio::sync::oneshot;

use super::Busy;

/// A tenth of the weight of other threads: enough for logins where a core never rests.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// What a thread keeps from one job to the next, until nothing was to do for a while.
pub type Memory = Vec<Block>;

/// Cheap to clone; the threads end with the last one.
#[derive(Clone)]
pub struct Pool(Arc<Owner>);

/// Ends the threads, which hold the rest.
struct Owner(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    slots: usize,
    queue: usize,
    rest_after: Duration,
}

#[derive(Default)]
struct State {
    /// Of those who wait, in the order of their turns; none is empty.
    lines: VecDeque<Line>,
    waiting: usize,
    running: usize,
    is_large_running: bool,
    threads: usize,
    is_closed: bool,
}

struct Line {
    origin: String,
    jobs: VecDeque<Job>,
}

type Work = dyn FnOnce(&mut Memory, Running<'_>) + Send;

struct Job {
    run: Box<Work>,
    is_large: bool,
    /// Whoever waits for it.
    caller: Weak<()>,
}

/// Who wants something done, and whether it needs more memory than most.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    pub origin: &'a str,
    pub is_large: bool,
}

impl Pool {
    /// So many jobs at once, and so many more may wait. A thread frees its memory when it had
    /// nothing to do for `rest_after`.
    pub fn new(slots: usize, queue: usize, rest_after: Duration) -> Self {
        let (state, work) = (Mutex::default(), Condvar::new());
        Self(Arc::new(Owner(Arc::new(Shared { state, work, slots, queue, rest_after }))))
    }

    /// Does the work when its turn comes; of large ones, one at a time. Once begun it is
    /// finished, also when whoever waited for it has gone.
    ///
    /// # Errors
    /// When the queue is full and nobody has more in it than this origin, or when it makes room
    /// for another.
    pub async fn run<T: Send + 'static>(
        &self,
        task: Task<'_>,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let (answer, answered) = oneshot::channel();
        let caller = Arc::new(());
        let run = Box::new(move |memory: &mut Memory, running: Running<'_>| {
            let result = work(memory);
            // Whoever gets the answer finds the slot free.
            drop(running);
            let _ = answer.send(result);
        });
        let job = Job { run, is_large: task.is_large, caller: Arc::downgrade(&caller) };
        self.0.0.enter(task.origin, job)?;
        // What is thrown out of the queue drops its answer.
        let result = answered.await.map_err(|_| Busy);
        drop(caller);
        result
    }

    /// Whether somebody of this origin would be told to come back.
    pub fn is_full_for(&self, origin: &str) -> bool {
        let shared = &self.0.0;
        let mut state = shared.state();
        !shared.has_room(&mut state) && state.displaceable(origin).is_none()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.state().is_closed = true;
        self.0.work.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn has_room(&self, state: &mut State) -> bool {
        let most = self.slots + self.queue;
        if state.running + state.waiting >= most {
            state.forget_gone();
        }
        state.running + state.waiting < most
    }

    fn enter(self: &Arc<Self>, origin: &str, job: Job) -> Result<(), Busy> {
        let mut state = self.state();
        if !self.has_room(&mut state) {
            let longest = state.displaceable(origin).ok_or(Busy)?;
            state.displace(longest);
        }
        if state.threads < self.slots && state.threads <= state.running + state.waiting {
            self.start_thread(&mut state)?;
        }
        state.push(origin, job);
        self.work.notify_one();
        Ok(())
    }

    fn start_thread(self: &Arc<Self>, state: &mut State) -> Result<(), Busy> {
        let shared = self.clone();
        let begin = thread::Builder::new().name("hash".into());
        match begin.spawn(move || shared.work()) {
            Ok(_) => state.threads += 1,
            Err(error) => tracing::warn!(%error, "cannot start a thread for hashing"),
        }
        // The others do it, if there are any.
        if state.threads > 0 { Ok(()) } else { Err(Busy) }
    }

    /// What each thread does.
    fn work(&self) {
        go_last();
        let mut memory = Memory::new();
        while let Some(Job { run, is_large, .. }) = self.next(&mut memory) {
            let running = Running { shared: self, is_large };
            // A panic is one job that fails: its answer is dropped.
            let _ = catch_unwind(AssertUnwindSafe(|| run(&mut memory, running)));
        }
    }

    /// Waits for the next job; `None` when there will be none.
    fn next(&self, memory: &mut Memory) -> Option<Job> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.pop() {
                return Some(job);
            }
            if state.is_closed {
                return None;
            }
            let waited = self.work.wait_timeout(state, self.rest_after);
            let (back, waited) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
            state = back;
            if waited.timed_out() {
                *memory = Memory::new();
            }
        }
    }
}

/// A slot that is taken.
struct Running<'a> {
    shared: &'a Shared,
    is_large: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.running -= 1;
        state.is_large_running &= !self.is_large;
    }
}

/// Lets everything else go first: a hash takes tens of milliseconds, and a check that came
/// meanwhile would wait for a core as long.
fn go_last() {
    // Elsewhere it would be the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "hashing goes as other work does");
    }
}

impl State {
    fn push(&mut self, origin: &str, job: Job) {
        self.waiting += 1;
        match self.lines.iter_mut().find(|line| line.origin == origin) {
            Some(line) => line.jobs.push_back(job),
            None => self.lines.push_back(Line { origin: origin.to_owned(), jobs: [job].into() }),
        }
    }

    /// The next job that may begin. Its line goes behind the others.
    fn pop(&mut self) -> Option<Job> {
        self.forget_gone();
        let may_begin = |job: &Job| !(job.is_large && self.is_large_running);
        let place = |(at, line): (usize, &Line)| Some((at, line.jobs.iter().position(may_begin)?));
        let (at, place) = self.lines.iter().enumerate().find_map(place)?;
        let mut line = self.lines.remove(at)?;
        let job = line.jobs.remove(place)?;
        if !line.jobs.is_empty() {
            self.lines.push_back(line);
        }
        self.waiting -= 1;
        self.running += 1;
        self.is_large_running |= job.is_large;
        Some(job)
    }

    /// Lets those go for whom nobody waits any more.
    fn forget_gone(&mut self) {
        for line in &mut self.lines {
            line.jobs.retain(|job| job.caller.strong_count() > 0);
        }
        self.lines.retain(|line| !line.jobs.is_empty());
        self.waiting = self.lines.iter().map(|line| line.jobs.len()).sum();
    }

    /// The longest line, if this origin gets a place of it: even then it is not the shorter one.
    fn displaceable(&self, origin: &str) -> Option<usize> {
        let own = self.lines.iter().find(|line| line.origin == origin);
        let own = own.map_or(0, |line| line.jobs.len());
        let lines = self.lines.iter().enumerate();
        let (longest, line) = lines.max_by_key(|(_, line)| line.jobs.len())?;
        (line.jobs.len() > own + 1).then_some(longest)
    }

    /// Throws out the last of a line.
    fn displace(&mut self, line: usize) {
        let last = self.lines.get_mut(line).and_then(|line| line.jobs.pop_back());
        self.waiting -= usize::from(last.is_some());
    }
}
