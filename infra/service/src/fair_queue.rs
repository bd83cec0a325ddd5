//! Permits that are granted fairly among keys, such as users or client addresses.
//!
//! Each key has a queue of its own, and free permits go round the keys that wait: one for each before the second for any. So a
//! key that asks without pause waits behind itself, and another key waits for at most one request of each key before it. A key
//! without a permit and without a waiting request takes no memory.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// The bounds of a [`FairQueue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Permits that may be held at once; 0 counts as 1.
    pub permits: usize,
    /// Permits that one key may hold at once; 0 counts as 1.
    pub permits_per_key: usize,
    /// Requests of one key that may wait.
    pub waiting_per_key: usize,
    /// What the waiting requests of one key may weigh together. A request that is heavier by itself may wait alone.
    pub waiting_weight_per_key: usize,
    /// How long a request may wait.
    pub timeout: Duration,
}

/// Why there is no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AcquireError {
    /// As many requests of the key wait as may.
    #[error("too many requests of this key wait")]
    QueueFull,
    /// No permit was free in time.
    #[error("no permit was free in time")]
    TimedOut,
}

/// Permits, and who waits for them. Clones share both.
#[derive(Debug)]
pub struct FairQueue<K: Eq + Hash + Clone> {
    queues: Arc<Mutex<Queues<K>>>,
    timeout: Duration,
}

/// Permission to go on; it is free again when this is dropped.
#[derive(Debug)]
#[must_use = "a permit that is dropped is free again"]
pub struct Permit<K: Eq + Hash + Clone> {
    queues: Arc<Mutex<Queues<K>>>,
    key: K,
}

impl<K: Eq + Hash + Clone> Clone for FairQueue<K> {
    fn clone(&self) -> Self {
        Self { queues: Arc::clone(&self.queues), timeout: self.timeout }
    }
}

impl<K: Eq + Hash + Clone> FairQueue<K> {
    /// A queue whose permits are all free.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { queues: Arc::new(Mutex::new(Queues::new(bounds))), timeout: bounds.timeout }
    }

    /// Waits for a permit for `key`, whose request weighs `weight` while it waits.
    ///
    /// # Errors
    /// See [`AcquireError`].
    pub async fn acquire(&self, key: K, weight: usize) -> Result<Permit<K>, AcquireError> {
        let entered = locked(&self.queues).enter(&key, weight)?;
        let Some((ticket, granted)) = entered else { return Ok(Permit { queues: Arc::clone(&self.queues), key }) };
        let waiting = Waiting { queues: &self.queues, key: &key, ticket };
        match tokio::time::timeout(self.timeout, granted).await {
            Ok(Ok(())) => {
                // From here on the permit gives back what was granted.
                std::mem::forget(waiting);
                Ok(Permit { queues: Arc::clone(&self.queues), key })
            }
            // The sender is dropped with its request only, which is still there.
            Ok(Err(_)) | Err(_) => Err(AcquireError::TimedOut),
        }
    }

    /// How many permits are held, and how many requests wait for one.
    #[must_use]
    pub fn load(&self) -> Load {
        locked(&self.queues).load()
    }
}

/// How busy a [`FairQueue`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Permits that are held.
    pub held: usize,
    /// Requests that wait for one.
    pub waiting: usize,
}

impl<K: Eq + Hash + Clone> Drop for Permit<K> {
    fn drop(&mut self) {
        locked(&self.queues).release(&self.key);
    }
}

/// A request that waits. Dropped, it leaves its queue, or gives back the permit that was granted to it meanwhile.
struct Waiting<'a, K: Eq + Hash + Clone> {
    queues: &'a Mutex<Queues<K>>,
    key: &'a K,
    ticket: u64,
}

impl<K: Eq + Hash + Clone> Drop for Waiting<'_, K> {
    fn drop(&mut self) {
        let mut queues = locked(self.queues);
        if !queues.leave(self.key, self.ticket) {
            queues.release(self.key);
        }
    }
}

fn locked<K: Eq + Hash + Clone>(queues: &Mutex<Queues<K>>) -> MutexGuard<'_, Queues<K>> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The queues of all keys.
#[derive(Debug)]
struct Queues<K> {
    bounds: Bounds,
    free: usize,
    keys: HashMap<K, Queue>,
    /// Each key that has a waiting request and may hold one permit more, once; the next to be served first.
    turn: VecDeque<K>,
    next_ticket: u64,
}

/// The queue of one key.
#[derive(Debug, Default)]
struct Queue {
    held: usize,
    waiting: VecDeque<Request>,
    weight: usize,
}

#[derive(Debug)]
struct Request {
    ticket: u64,
    weight: usize,
    granted: oneshot::Sender<()>,
}

/// A request's place and how it learns that it was granted; `None` where it was granted at once.
type Entered = Option<(u64, oneshot::Receiver<()>)>;

impl<K: Eq + Hash + Clone> Queues<K> {
    fn new(bounds: Bounds) -> Self {
        let bounds = Bounds { permits: bounds.permits.max(1), permits_per_key: bounds.permits_per_key.max(1), ..bounds };
        Self { bounds, free: bounds.permits, keys: HashMap::new(), turn: VecDeque::new(), next_ticket: 0 }
    }

    fn enter(&mut self, key: &K, weight: usize) -> Result<Entered, AcquireError> {
        let queue = self.keys.entry(key.clone()).or_default();
        let may_hold_more = queue.held < self.bounds.permits_per_key;
        if may_hold_more && self.free > 0 {
            // A free permit means that nobody waits who could have it.
            queue.held += 1;
            self.free -= 1;
            return Ok(None);
        }
        let is_full = queue.waiting.len() >= self.bounds.waiting_per_key;
        let is_heavy = !queue.waiting.is_empty() && queue.weight.saturating_add(weight) > self.bounds.waiting_weight_per_key;
        if is_full || is_heavy {
            self.forget_idle(key);
            return Err(AcquireError::QueueFull);
        }
        let (granted, receiver) = oneshot::channel();
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        queue.weight = queue.weight.saturating_add(weight);
        queue.waiting.push_back(Request { ticket, weight, granted });
        if may_hold_more && queue.waiting.len() == 1 {
            self.turn.push_back(key.clone());
        }
        Ok(Some((ticket, receiver)))
    }

    /// Takes a request out of its queue; false where it is not there, because it was granted.
    fn leave(&mut self, key: &K, ticket: u64) -> bool {
        let Some(queue) = self.keys.get_mut(key) else { return false };
        let Some(place) = queue.waiting.iter().position(|request| request.ticket == ticket) else { return false };
        if let Some(request) = queue.waiting.remove(place) {
            queue.weight = queue.weight.saturating_sub(request.weight);
        }
        if queue.waiting.is_empty() {
            self.turn.retain(|waiting| waiting != key);
        }
        self.forget_idle(key);
        true
    }

    /// Takes a permit back and grants what can be granted now.
    fn release(&mut self, key: &K) {
        self.free += 1;
        if let Some(queue) = self.keys.get_mut(key) {
            let was_at_bound = queue.held == self.bounds.permits_per_key;
            queue.held = queue.held.saturating_sub(1);
            if was_at_bound && !queue.waiting.is_empty() {
                self.turn.push_back(key.clone());
            }
        }
        self.forget_idle(key);
        while self.free > 0
            && let Some(key) = self.turn.pop_front()
        {
            self.grant(key);
        }
    }

    /// Grants a permit to the first request of a key whose turn it is.
    fn grant(&mut self, key: K) {
        let Some(queue) = self.keys.get_mut(&key) else { return };
        let Some(request) = queue.waiting.pop_front() else { return };
        queue.weight = queue.weight.saturating_sub(request.weight);
        queue.held += 1;
        self.free -= 1;
        if !queue.waiting.is_empty() && queue.held < self.bounds.permits_per_key {
            self.turn.push_back(key);
        }
        // Whoever stops waiting at this moment gives the permit back: the ticket is no longer in the queue.
        let _ = request.granted.send(());
    }

    fn forget_idle(&mut self, key: &K) {
        if self.keys.get(key).is_some_and(|queue| queue.held == 0 && queue.waiting.is_empty()) {
            self.keys.remove(key);
        }
    }

    fn load(&self) -> Load {
        Load { held: self.bounds.permits - self.free, waiting: self.keys.values().map(|queue| queue.waiting.len()).sum() }
    }
}

#[cfg(test)]
mod tests;
