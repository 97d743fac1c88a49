//! The connections that are open: how many in all and of each network, and which have kept us
//! waiting for too long.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    task::AbortHandle,
};

use super::{
    limits,
    pulse::{Phase, Pulse, Ticks},
};
use crate::{auth::throttle, config::Settings};

/// How exactly time is kept here.
const TICK: Duration = Duration::from_millis(250);
/// Whoever has kept us waiting for less is not closed for somebody else's sake.
const YOUNG: Duration = Duration::from_secs(1);
/// Whose cap is full is told once in a while.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Room is made for so many at a time, so that not each newcomer has to look through all.
const ROOM: usize = 64;

/// Cheap to clone.
#[derive(Clone)]
pub struct Connections(Arc<Shared>);

struct Shared {
    ticks: Ticks,
    slots: Arc<Semaphore>,
    most: usize,
    most_of_network: usize,
    /// By network; whoever may have any number is under none.
    open: Mutex<HashMap<Option<String>, Vec<Open>>>,
    is_stopping: AtomicBool,
    stop: Notify,
    told_at: AtomicU64,
}

struct Open {
    pulse: Arc<Pulse>,
    task: AbortHandle,
}

/// One of the places, for as long as a connection has it.
pub struct Place {
    pub pulse: Arc<Pulse>,
    connections: Connections,
    network: Option<String>,
    _slot: OwnedSemaphorePermit,
}

impl Place {
    pub fn is_stopping(&self) -> bool {
        self.connections.is_stopping()
    }

    /// Waits for the signal to stop.
    pub async fn stopped(&self) {
        let mut signal = std::pin::pin!(self.connections.0.stop.notified());
        signal.as_mut().enable();
        if !self.is_stopping() {
            signal.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        let Some(of_network) = open.get_mut(&self.network) else { return };
        of_network.retain(|one| !Arc::ptr_eq(&one.pulse, &self.pulse));
        if of_network.is_empty() {
            open.remove(&self.network);
        }
    }
}

impl Connections {
    pub fn new(settings: &Settings) -> Self {
        let most = settings.max_connections.min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Shared {
            ticks: Ticks::default(),
            slots: Arc::new(Semaphore::new(most)),
            most,
            most_of_network: settings.max_connections_per_address,
            open: Mutex::default(),
            is_stopping: AtomicBool::new(false),
            stop: Notify::new(),
            told_at: AtomicU64::new(0),
        }))
    }

    pub fn is_stopping(&self) -> bool {
        self.0.is_stopping.load(Ordering::Acquire)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Option<String>, Vec<Open>>> {
        self.0.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Waits until there is room for one more. When all places are taken, those are closed that
    /// have kept us waiting the longest.
    pub async fn room(&self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(slot) = self.0.slots.clone().try_acquire_owned() {
                return slot;
            }
            self.make_room();
            let slot = self.0.slots.clone().acquire_owned();
            if let Ok(Ok(slot)) = tokio::time::timeout(TICK, slot).await {
                return slot;
            }
        }
    }

    /// Closes some of those that have kept us waiting the longest.
    pub fn make_room(&self) {
        let mut open = self.open();
        close_longest(open.values_mut(), ROOM.min(self.0.most.div_ceil(ROOM)));
    }

    /// Begins a connection as a task of its own. Of an address that has too many, the one goes
    /// that has kept us waiting the longest; if none has, this one.
    pub fn begin<F: Future<Output = ()> + Send + 'static>(
        &self,
        slot: OwnedSemaphorePermit,
        address: Option<IpAddr>,
        connection: impl FnOnce(Place) -> F,
    ) {
        let network = address.map(throttle::network);
        let mut open = self.open();
        let of_network = open.entry(network.clone()).or_default();
        if network.is_some() && of_network.len() >= self.0.most_of_network {
            close_longest([&mut *of_network], 1);
            if of_network.len() >= self.0.most_of_network {
                drop(open);
                return self.tell_of(address);
            }
        }
        let pulse = Arc::new(Pulse::new(self.0.ticks.clone()));
        let place = Place { pulse: pulse.clone(), connections: self.clone(), network, _slot: slot };
        // It cannot end before it is in the list: for that it needs the lock.
        let task = tokio::spawn(connection(place)).abort_handle();
        of_network.push(Open { pulse, task });
    }

    /// Says, not too often, that connections are turned away.
    fn tell_of(&self, address: Option<IpAddr>) {
        let (now, told_at) = (self.0.ticks.load(Ordering::Relaxed), &self.0.told_at);
        let last = told_at.load(Ordering::Relaxed);
        if last == 0 || now.saturating_sub(last) >= ticks(TELL_EVERY) {
            told_at.store(now.max(1), Ordering::Relaxed);
            let (most, ip) = (self.0.most_of_network, address.map(|ip| ip.to_string()));
            tracing::warn!(
                ip,
                most,
                "an address has too many connections; more are closed at once"
            );
        }
    }

    /// Keeps the time, and closes what has taken too much of it.
    pub async fn close_late(self) {
        let begun = Instant::now();
        let mut interval = tokio::time::interval(TICK);
        loop {
            interval.tick().await;
            self.show(begun.elapsed());
            self.close_now_late();
        }
    }

    /// Moves the clock.
    fn show(&self, time: Duration) {
        self.0.ticks.store(ticks(time), Ordering::Relaxed);
    }

    fn close_now_late(&self) {
        for of_network in self.open().values_mut() {
            of_network.retain(|one| !one.close_if(is_late));
        }
    }

    /// From now on each connection ends with its next answer, or soon without one.
    pub fn stop(&self) {
        self.0.is_stopping.store(true, Ordering::Release);
        self.0.stop.notify_waiters();
    }

    /// Waits until none is left.
    pub async fn ended(&self) {
        let all = u32::try_from(self.0.most).unwrap_or(u32::MAX);
        let _ = self.0.slots.acquire_many(all).await;
    }
}

impl Open {
    fn close_if(&self, is_due: impl Fn(Phase, u64) -> bool) -> bool {
        let closes = self.pulse.close_if(is_due);
        if closes {
            self.task.abort();
        }
        closes
    }
}

/// Closes, of these, so many that have kept us waiting the longest, and takes them off the list.
fn close_longest<'a>(lists: impl IntoIterator<Item = &'a mut Vec<Open>>, most: usize) {
    let is_due = |phase: Phase, age| phase.is_waiting() && age >= ticks(YOUNG);
    let mut lists: Vec<_> = lists.into_iter().collect();
    let all = lists.iter().flat_map(|list| list.iter()).map(|one| one.pulse.read());
    let mut ages: Vec<u64> =
        all.filter(|(phase, age)| is_due(*phase, *age)).map(|it| it.1).collect();
    if ages.is_empty() || most == 0 {
        return;
    }
    let last = most.min(ages.len()) - 1;
    let (_, oldest, _) = ages.select_nth_unstable_by(last, |a, b| b.cmp(a));
    let (oldest, mut left) = (*oldest, most);
    for list in &mut lists {
        list.retain(|one| {
            let closes = left > 0 && one.close_if(|phase, age| is_due(phase, age) && age >= oldest);
            left -= usize::from(closes);
            !closes
        });
    }
}

/// Whether a connection has been at it for too long.
fn is_late(phase: Phase, age: u64) -> bool {
    let limit = match phase {
        Phase::Idle => limits::IDLE_TIMEOUT,
        Phase::Head => limits::HEAD_TIMEOUT,
        Phase::Send => limits::SEND_TIMEOUT,
        // Each of its steps has a limit of its own, a form's body among them.
        Phase::Work | Phase::Body | Phase::Closed => return false,
    };
    age > ticks(limit)
}

fn ticks(time: Duration) -> u64 {
    (time.as_millis() / TICK.as_millis()) as u64
}
