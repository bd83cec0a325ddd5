//! A bound on the bytes that many requests hold together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The bytes that may be held at once.
#[derive(Debug)]
pub(super) struct MemoryLimit {
    used: AtomicUsize,
    limit: usize,
}

/// Bytes of a [`MemoryLimit`] that are held; given back when dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    memory: Arc<MemoryLimit>,
    bytes: usize,
}

/// All together would hold more than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exhausted;

impl MemoryLimit {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(MemoryLimit { used: AtomicUsize::new(0), limit })
    }
}

impl Reservation {
    /// Holds nothing yet.
    pub(super) fn empty(memory: &Arc<MemoryLimit>) -> Self {
        Reservation { memory: Arc::clone(memory), bytes: 0 }
    }

    /// The bytes held so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Holds `bytes` more, also where that exceeds the limit: the caller gives up then and drops the reservation.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        let before = self.memory.used.fetch_add(bytes, Relaxed);
        self.bytes += bytes;
        if before + bytes <= self.memory.limit { Ok(()) } else { Err(Exhausted) }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reservations_come_back() {
        let memory = MemoryLimit::new(10);
        let mut first = Reservation::empty(&memory);
        let mut second = Reservation::empty(&memory);
        assert_eq!(first.grow(6), Ok(()));
        assert_eq!(second.grow(5), Err(Exhausted));
        drop(second);
        assert_eq!(first.grow(4), Ok(()));
        drop(first);
        assert_eq!(memory.used.load(Relaxed), 0);
    }
}
