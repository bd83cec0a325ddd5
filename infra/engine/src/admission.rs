//! How many statements run at once, and how many may wait.

use crate::exception::{Exception, TOO_MANY_SIMULTANEOUS_QUERIES};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places for statements, with a bounded queue before them.
pub struct Admission {
    places: Arc<Semaphore>,
    size: u32,
    waiting: AtomicUsize,
    most_waiting: usize,
    wait: Duration,
}

/// A place, held while the statement runs.
pub type Permit = OwnedSemaphorePermit;

impl Admission {
    /// `size` places; `most_waiting` statements may wait for one, each for `wait`.
    pub fn new(size: usize, most_waiting: usize, wait: Duration) -> Self {
        let size = u32::try_from(size.clamp(1, 1024)).unwrap_or(1024);
        Self { places: Arc::new(Semaphore::new(size as usize)), size, waiting: AtomicUsize::new(0), most_waiting, wait }
    }

    /// Waits for a place.
    pub async fn enter(&self) -> Result<Permit, Exception> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Ok(place);
        }
        let queue = Queued::new(&self.waiting);
        if queue.position >= self.most_waiting {
            return Err(self.full());
        }
        match tokio::time::timeout(self.wait, self.places.clone().acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(self.full()),
        }
    }

    /// Waits until no statement runs.
    pub async fn empty(&self) {
        let _ = self.places.acquire_many(self.size).await;
    }

    fn full(&self) -> Exception {
        Exception::new(TOO_MANY_SIMULTANEOUS_QUERIES, format_args!("Too many simultaneous queries. Maximum: {}", self.size))
    }
}

/// Counts itself in and, when the request leaves for any reason, out.
struct Queued<'a> {
    waiting: &'a AtomicUsize,
    position: usize,
}

impl<'a> Queued<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        Self { waiting, position: waiting.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[tokio::test]
    async fn beyond_the_queue_is_refused_at_once_and_a_freed_place_is_taken() {
        let admission = Admission::new(1, 1, Duration::from_secs(60));
        let first = admission.enter().await.unwrap();
        let (second, third) = tokio::join!(admission.enter(), async {
            let refused = admission.enter().await.err();
            drop(first);
            refused
        });
        assert!(second.is_ok());
        assert_eq!(third.unwrap().code, 202);
    }

    #[tokio::test]
    async fn waiting_ends() {
        let admission = Admission::new(1, 1, Duration::from_millis(1));
        let _first = admission.enter().await.unwrap();
        assert_eq!(admission.enter().await.unwrap_err().code, 202);
    }
}
