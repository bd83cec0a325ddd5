//! Buffers through which stored records go to consumers, a piece at a time: few, of one size, and used again.
//!
//! Giving memory back to the system and taking it again for each answer was more than half of what a consumer's reading cost.

use std::sync::{Mutex, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Size of each.
pub const SIZE: usize = 256 * 1024;
/// How many are kept while nobody needs them.
const MAX_SPARE: usize = 4;

/// The buffers of a broker.
#[derive(Debug)]
pub struct Buffers {
    places: Semaphore,
    spare: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// As many as fit into so many bytes.
    pub fn new(memory: usize) -> Self {
        Self { places: Semaphore::new((memory / SIZE).max(1)), spare: Mutex::default() }
    }

    /// One of them, as soon as there is one.
    pub async fn take(&self) -> Option<Buffer<'_>> {
        let place = self.places.acquire().await.ok()?;
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Some(Buffer { bytes: spare.unwrap_or_else(|| Vec::with_capacity(SIZE)), from: self, _place: place })
    }
}

/// A buffer, given back when it is dropped.
pub struct Buffer<'a> {
    pub bytes: Vec<u8>,
    from: &'a Buffers,
    _place: SemaphorePermit<'a>,
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        let mut spare = self.from.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < MAX_SPARE && self.bytes.capacity() == SIZE {
            spare.push(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn there_are_no_more_than_fit_and_a_few_are_kept() {
        let buffers = Buffers::new(6 * SIZE);
        let mut taken = Vec::new();
        for _ in 0..6 {
            taken.push(buffers.take().await.unwrap());
        }
        assert!(futures_now(buffers.take()).await.is_none());
        taken.truncate(1);
        assert_eq!(buffers.spare.lock().unwrap().len(), MAX_SPARE);
        assert_eq!(futures_now(buffers.take()).await.unwrap().unwrap().bytes.capacity(), SIZE);
    }

    /// What a future gives at once.
    async fn futures_now<F: Future>(future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            done = future => Some(done),
            () = std::future::ready(()) => None,
        }
    }
}
