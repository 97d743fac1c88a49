//! What a connection is at, and since when: one word that the connection sets and that whoever
//! closes connections reads.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// A request was answered, and nothing of the next has come.
    Idle,
    /// The head of a request has begun; the first is due as soon as there is a connection.
    Head,
    /// A request is being answered.
    Work,
    /// The same, and its body is waited for.
    Body,
    /// The answer is there, but the client does not take it.
    Send,
    /// Closed by us; nothing begins any more.
    Closed,
}

impl Phase {
    const ALL: [Self; 6] =
        [Self::Idle, Self::Head, Self::Work, Self::Body, Self::Send, Self::Closed];

    /// Whether the client has to do something, and not we.
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::Idle | Self::Head | Self::Body | Self::Send)
    }
}

/// A clock of ticks, which somebody has to move.
pub type Ticks = Arc<AtomicU64>;

/// The word: the phase in the lowest byte, above it the tick at which it began.
pub struct Pulse {
    word: AtomicU64,
    ticks: Ticks,
}

impl Pulse {
    pub fn new(ticks: Ticks) -> Self {
        let pulse = Self { word: AtomicU64::new(0), ticks };
        pulse.enter(Phase::Head);
        pulse
    }

    fn now(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// The phase, and how many ticks it has lasted.
    pub fn read(&self) -> (Phase, u64) {
        let (phase, since) = parts(self.word.load(Ordering::Acquire));
        (phase, self.now().saturating_sub(since))
    }

    fn enter(&self, phase: Phase) -> bool {
        self.change(|_, _| Some((phase, self.now())))
    }

    /// Puts another phase in place of this one; what is closed stays so.
    fn change(&self, to: impl Fn(Phase, u64) -> Option<(Phase, u64)>) -> bool {
        let change = |word| match parts(word) {
            (Phase::Closed, _) => None,
            (phase, since) => to(phase, since).map(|(phase, since)| since << 8 | phase as u64),
        };
        self.word.fetch_update(Ordering::AcqRel, Ordering::Acquire, change).is_ok()
    }

    /// Bytes have come.
    pub fn heard(&self) {
        self.change(|phase, _| (phase == Phase::Idle).then(|| (Phase::Head, self.now())));
    }

    /// A request begins. False when it must not, since the connection is closed already.
    pub fn begin(&self) -> bool {
        self.enter(Phase::Work)
    }

    /// Its body is not there yet. Whoever sends it drop by drop gets no more time by that.
    pub fn wants_body(&self) {
        self.change(|phase, since| (phase == Phase::Work).then_some((Phase::Body, since)));
    }

    pub fn got_body(&self) {
        self.change(|phase, since| (phase == Phase::Body).then_some((Phase::Work, since)));
    }

    /// The answer is there.
    pub fn done(&self) {
        self.enter(Phase::Idle);
    }

    /// The client does not take what is sent.
    pub fn stalls(&self) {
        self.change(|phase, _| (phase == Phase::Idle).then(|| (Phase::Send, self.now())));
    }

    /// It has taken a good piece of it.
    pub fn moves(&self) {
        self.change(|phase, _| (phase == Phase::Send).then(|| (Phase::Send, self.now())));
    }

    /// It has taken all.
    pub fn flushed(&self) {
        self.change(|phase, _| (phase == Phase::Send).then(|| (Phase::Idle, self.now())));
    }

    /// Closes it if `is_due` says so of its phase and how many ticks that has lasted.
    pub fn close_if(&self, is_due: impl Fn(Phase, u64) -> bool) -> bool {
        let now = self.now();
        self.change(|phase, since| {
            is_due(phase, now.saturating_sub(since)).then_some((Phase::Closed, now))
        })
    }
}

fn parts(word: u64) -> (Phase, u64) {
    let phase = Phase::ALL.get((word & 0xff) as usize).copied().unwrap_or(Phase::Closed);
    (phase, word >> 8)
}
