//! A thread for each slot, and a bounded queue before them that is fair between origins: each
//! has a line of its own, and the lines take turns. A job that needs much memory takes several
//! slots. Whoever's turn it is begins next: it waits for the slots that it lacks, and nobody
//! passes by, so that large jobs wait for no more than those before them, as small ones do.

#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    mem,
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

/// What is kept from one job to the next, until nothing was to do for a while.
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
    /// Slots of those that run.
    taken: usize,
    /// At most one for each slot that is free.
    kept: Vec<Memory>,
    threads: usize,
    is_closed: bool,
}

struct Line {
    origin: String,
    jobs: VecDeque<Job>,
}

type Work = dyn FnOnce(Running<'_>) + Send;

struct Job {
    run: Box<Work>,
    slots: usize,
    /// Whoever waits for it.
    caller: Weak<()>,
}

/// Who wants something done, and how many slots that fills: all of them when it is more.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    pub origin: &'a str,
    pub slots: usize,
}

/// What there is to do, and how much of it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    pub waiting: usize,
    /// As many as may wait.
    pub queue: usize,
    /// Slots in use.
    pub taken: usize,
    pub slots: usize,
}

impl Pool {
    /// So many jobs of one slot at once, and so many more may wait. What is kept for them is
    /// freed when nothing was to do for `rest_after`.
    pub fn new(slots: usize, queue: usize, rest_after: Duration) -> Self {
        let (state, work) = (Mutex::default(), Condvar::new());
        Self(Arc::new(Owner(Arc::new(Shared { state, work, slots, queue, rest_after }))))
    }

    /// Does the work when its turn comes. Once begun it is finished, also when whoever waited
    /// for it has gone. What it takes of memory is kept for others if it fills one slot, and
    /// else freed at its end.
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
        let run = Box::new(move |mut running: Running<'_>| {
            let result = work(&mut running.memory);
            // Whoever gets the answer finds the slots free.
            drop(running);
            let _ = answer.send(result);
        });
        let slots = task.slots.min(self.0.0.slots);
        let job = Job { run, slots, caller: Arc::downgrade(&caller) };
        self.0.0.enter(task.origin, job)?;
        // What is thrown out of the queue drops its answer.
        let result = answered.await.map_err(|_| Busy);
        drop(caller);
        result
    }

    pub fn load(&self) -> Load {
        let shared = &self.0.0;
        let mut state = shared.state();
        state.forget_gone();
        let (waiting, taken) = (state.waiting, state.taken);
        Load { waiting, queue: shared.queue, taken, slots: shared.slots }
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
        if state.taken + state.waiting >= most {
            state.forget_gone();
        }
        state.taken + state.waiting < most
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
        while let Some((run, running)) = self.next() {
            // A panic is one job that fails: its answer is dropped.
            let _ = catch_unwind(AssertUnwindSafe(|| run(running)));
        }
    }

    /// Waits for the next job; `None` when there will be none.
    fn next(&self) -> Option<(Box<Work>, Running<'_>)> {
        let mut state = self.state();
        loop {
            if let Some(Job { run, slots, .. }) = state.pop(self.slots) {
                let memory = if slots == 1 { state.kept.pop() } else { None };
                let surplus = state.surplus(self.slots);
                if state.has_turn(self.slots) {
                    self.work.notify_one();
                }
                drop(state);
                // Given back first, so that there are never both.
                drop(surplus);
                return Some((
                    run,
                    Running { shared: self, slots, memory: memory.unwrap_or_default() },
                ));
            }
            if state.is_closed {
                return None;
            }
            let waited = self.work.wait_timeout(state, self.rest_after);
            let (back, waited) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
            state = back;
            if waited.timed_out() {
                // Of what several threads used, each frees one.
                state.kept.pop();
            }
        }
    }
}

/// Slots that are taken, and the memory in them.
struct Running<'a> {
    shared: &'a Shared,
    slots: usize,
    memory: Memory,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let memory = mem::take(&mut self.memory);
        let kept = (self.slots == 1 && memory.capacity() > 0).then_some(memory);
        let mut state = self.shared.state();
        state.running -= 1;
        state.taken -= self.slots;
        state.kept.extend(kept);
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

    /// The job whose turn it is, if there are slots for it. Its line goes behind the others.
    fn pop(&mut self, slots: usize) -> Option<Job> {
        self.forget_gone();
        if !self.has_turn(slots) {
            return None;
        }
        let mut line = self.lines.pop_front()?;
        let job = line.jobs.pop_front()?;
        if !line.jobs.is_empty() {
            self.lines.push_back(line);
        }
        self.waiting -= 1;
        self.running += 1;
        self.taken += job.slots;
        Some(job)
    }

    /// Whether somebody's turn it is who finds slots enough.
    fn has_turn(&self, slots: usize) -> bool {
        let first = self.lines.front().and_then(|line| line.jobs.front());
        first.is_some_and(|job| self.taken + job.slots <= slots)
    }

    /// What is kept for slots that are taken now.
    fn surplus(&mut self, slots: usize) -> Vec<Memory> {
        let free = slots - self.taken;
        self.kept.split_off(free.min(self.kept.len()))
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
