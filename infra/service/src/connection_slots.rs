//! Slots for the connections of a listener, before and after authentication.
//!
//! There are few slots for connections before authentication, and when all are taken the oldest connection is closed for the new one.
//! A client with a password needs only a moment to show it, so no number of silent connections keeps it out. Authenticated
//! connections have slots of their own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Refusals are logged at most this often, so that clients without credentials cannot fill the log.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The slots of a listener; clones share them.
#[derive(Clone, Debug)]
pub struct ConnectionSlots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    max_unauthenticated: usize,
    max_authenticated: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// By age, the oldest first.
    unauthenticated: BTreeMap<u64, Arc<Notify>>,
    authenticated: usize,
    /// Refusals since the last log line.
    refused: u64,
    logged: Option<Instant>,
}

/// The slot of one connection, given back when dropped.
#[derive(Debug)]
pub struct Slot {
    shared: Arc<Shared>,
    number: u64,
    evicted: Arc<Notify>,
    is_authenticated: std::sync::atomic::AtomicBool,
}

impl ConnectionSlots {
    /// Slots for so many connections before authentication, at least one, and for so many after it.
    pub fn new(max_unauthenticated: usize, max_authenticated: usize) -> Self {
        Self(Arc::new(Shared { max_unauthenticated: max_unauthenticated.max(1), max_authenticated, state: Mutex::default() }))
    }

    /// The slot of a new connection. Where none is free, the oldest connection before authentication is evicted.
    pub fn take(&self) -> Slot {
        let evicted = Arc::new(Notify::new());
        let mut state = self.0.state();
        let number = state.next;
        state.next += 1;
        if state.unauthenticated.len() >= self.0.max_unauthenticated
            && let Some((_, oldest)) = state.unauthenticated.pop_first()
        {
            oldest.notify_one();
        }
        state.unauthenticated.insert(number, evicted.clone());
        Slot { shared: self.0.clone(), number, evicted, is_authenticated: false.into() }
    }

    /// Counts a connection that failed to authenticate, and logs the count from time to time.
    pub fn count_refusal(&self, peer: std::net::SocketAddr, reason: &str) {
        let mut state = self.0.state();
        state.refused += 1;
        if state.logged.is_none_or(|logged| logged.elapsed() >= LOG_INTERVAL) {
            let count = std::mem::take(&mut state.refused);
            state.logged = Some(Instant::now());
            drop(state);
            tracing::warn!(%peer, reason, count, "connections without credentials were refused");
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Resolves when the connection must close for a newer one; never after it is authenticated.
    pub async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// The connection is authenticated now. False where no slot is free, or where it was evicted already.
    pub fn authenticate(&self) -> bool {
        use std::sync::atomic::Ordering::Relaxed;
        let mut state = self.shared.state();
        if self.is_authenticated.load(Relaxed) {
            return true;
        }
        if state.authenticated >= self.shared.max_authenticated || state.unauthenticated.remove(&self.number).is_none() {
            return false;
        }
        state.authenticated += 1;
        self.is_authenticated.store(true, Relaxed);
        true
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if *self.is_authenticated.get_mut() {
            state.authenticated -= 1;
        } else {
            state.unauthenticated.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_evicted(slot: &Slot) -> bool {
        let mut waits = std::pin::pin!(slot.evicted());
        waits.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    #[test]
    fn the_oldest_is_evicted_and_the_authenticated_stay() {
        let slots = ConnectionSlots::new(2, 2);
        let known = slots.take();
        assert!(known.authenticate() && known.authenticate());
        let crowd: Vec<Slot> = (0..4).map(|_| slots.take()).collect();
        let evicted: Vec<bool> = crowd.iter().map(is_evicted).collect();
        assert_eq!(evicted, [true, true, false, false]);
        assert!(!crowd[0].authenticate(), "it was evicted");
        assert!(!is_evicted(&known) && crowd[2].authenticate());
        assert!(!crowd[3].authenticate(), "all slots are taken");
        drop(known);
        assert!(crowd[3].authenticate(), "a slot is free again");
        drop(crowd);
        let state = slots.0.state();
        assert_eq!((state.authenticated, state.unauthenticated.len()), (0, 0));
    }
}
