//! What a connection is doing, and how long it may go on.

use super::Limits;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;

/// How long a connection lingers: a client that was refused may go on sending for this long.
const LINGER: Duration = Duration::from_secs(5);

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Nothing has arrived yet.
    New,
    /// A request's head is arriving.
    Head,
    /// A request is read or answered.
    Busy,
    /// Between requests; an answer may still be leaving.
    Idle,
    /// The last answer, maybe before its body was read; it may still be leaving.
    Last,
    /// Nothing is written any more; what arrives is dropped.
    Closing,
}

/// What a connection does, and since when. All times are milliseconds since the start.
pub(super) struct Activity {
    pub(super) start: Instant,
    phase: AtomicU8,
    /// When bytes last moved, or the phase last changed.
    last_progress: AtomicU64,
    requests: AtomicU64,
    /// When the last answer was handed over.
    answered: AtomicU64,
    /// For how long after that the client's progress in reading it counts.
    answer_timeout: u64,
}

impl Activity {
    pub(super) fn new(start: Instant, limits: &Limits) -> Self {
        let answer_timeout = u64::try_from(limits.answer_timeout.as_millis()).unwrap_or(u64::MAX);
        let zero = || AtomicU64::new(0);
        Activity { start, phase: AtomicU8::new(0), last_progress: zero(), requests: zero(), answered: zero(), answer_timeout }
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::New,
            1 => Phase::Head,
            2 => Phase::Busy,
            3 => Phase::Idle,
            4 => Phase::Last,
            _ => Phase::Closing,
        }
    }

    pub(super) fn set(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
        self.touch();
        if let Phase::Idle | Phase::Last = phase {
            self.answered.store(self.last_progress.load(Relaxed), Relaxed);
        }
    }

    /// A request begins. Gives the milliseconds since the start and the number of requests, this one included.
    pub(super) fn begin(&self) -> (u64, u64) {
        self.set(Phase::Busy);
        // Requests of a connection come one after the other, so there is no other writer.
        let requests = self.requests.load(Relaxed) + 1;
        self.requests.store(requests, Relaxed);
        (self.last_progress.load(Relaxed), requests)
    }

    fn touch(&self) {
        self.last_progress.store(self.millis(), Relaxed);
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Bytes arrived.
    pub(super) fn received(&self) {
        match self.phase() {
            Phase::New | Phase::Idle => self.set(Phase::Head),
            Phase::Head | Phase::Busy | Phase::Last | Phase::Closing => {}
        }
    }

    /// Bytes left.
    pub(super) fn sent(&self) {
        let is_in_time = || self.millis().saturating_sub(self.answered.load(Relaxed)) <= self.answer_timeout;
        if matches!(self.phase(), Phase::Idle | Phase::Last) && is_in_time() {
            self.touch();
        }
    }

    /// When the connection has been in its phase for too long; `None` while a request is answered.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let allowed = match self.phase() {
            Phase::New | Phase::Head => *limits.header_timeout,
            Phase::Idle | Phase::Last => *limits.idle_timeout,
            Phase::Closing => LINGER,
            Phase::Busy => return None,
        };
        self.start.checked_add(Duration::from_millis(self.last_progress.load(Relaxed)))?.checked_add(allowed)
    }
}
