//! Connections whose owner is not known yet. They are few, and where there are too many the oldest gives way: whoever has a password
//! needs a moment to show it, so no number of silent connections of somebody else keeps him out. Known ones have places of their own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// Refusals are told of at most this often: a stranger must not fill the log.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// All connections of a listener; clones share them.
#[derive(Clone, Debug)]
pub struct Strangers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    most_strangers: usize,
    most_known: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// By age.
    strangers: BTreeMap<u64, Arc<Notify>>,
    known: usize,
    /// Refusals that were not told of yet, and when some were.
    refused: u64,
    told: Option<Instant>,
}

/// A connection's place, given back when it is dropped.
#[derive(Debug)]
pub struct Ticket {
    shared: Arc<Shared>,
    number: u64,
    displaced: Arc<Notify>,
    is_known: std::sync::atomic::AtomicBool,
}

impl Strangers {
    /// At most so many strangers, and so many whose owner is known.
    pub fn new(most_strangers: usize, most_known: usize) -> Self {
        Self(Arc::new(Shared { most_strangers: most_strangers.max(1), most_known, state: Mutex::default() }))
    }

    /// A new connection; the oldest stranger leaves where there is no place.
    pub fn enter(&self) -> Ticket {
        let displaced = Arc::new(Notify::new());
        let mut state = self.0.state();
        let number = state.next;
        state.next += 1;
        if state.strangers.len() >= self.0.most_strangers
            && let Some((_, oldest)) = state.strangers.pop_first()
        {
            oldest.notify_one();
        }
        state.strangers.insert(number, displaced.clone());
        Ticket { shared: self.0.clone(), number, displaced, is_known: false.into() }
    }

    /// Counts a stranger who was refused, and tells of it from time to time.
    pub fn refused(&self, peer: std::net::SocketAddr, reason: &str) {
        let mut state = self.0.state();
        state.refused += 1;
        if state.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            let count = std::mem::take(&mut state.refused);
            state.told = Some(Instant::now());
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

impl Ticket {
    /// Resolves when the connection must give way to a newer one; never once its owner is known.
    pub async fn displaced(&self) {
        self.displaced.notified().await;
    }

    /// The owner is known by now. False where there is no place for another one, or the connection had to give way.
    pub fn admit(&self) -> bool {
        use std::sync::atomic::Ordering::Relaxed;
        let mut state = self.shared.state();
        if self.is_known.load(Relaxed) {
            return true;
        }
        if state.known >= self.shared.most_known || state.strangers.remove(&self.number).is_none() {
            return false;
        }
        state.known += 1;
        self.is_known.store(true, Relaxed);
        true
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if *self.is_known.get_mut() {
            state.known -= 1;
        } else {
            state.strangers.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_displaced(ticket: &Ticket) -> bool {
        let mut waits = std::pin::pin!(ticket.displaced());
        waits.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    #[test]
    fn the_oldest_stranger_gives_way_and_the_known_stay() {
        let strangers = Strangers::new(2, 2);
        let known = strangers.enter();
        assert!(known.admit() && known.admit());
        let crowd: Vec<Ticket> = (0..4).map(|_| strangers.enter()).collect();
        let displaced: Vec<bool> = crowd.iter().map(is_displaced).collect();
        assert_eq!(displaced, [true, true, false, false]);
        assert!(!crowd[0].admit(), "it had to go already");
        assert!(!is_displaced(&known) && crowd[2].admit());
        assert!(!crowd[3].admit(), "all places are taken");
        drop(known);
        assert!(crowd[3].admit(), "a place is free again");
        drop(crowd);
        let state = strangers.0.state();
        assert_eq!((state.known, state.strangers.len()), (0, 0));
    }
}
