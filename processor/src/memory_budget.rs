//! A bound for the memory of all workers together, which also lets one worker run alone.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// MiB of payload that are folded at the same time, over all partitions. A larger slice takes the whole budget.
const MIB: u32 = 64;

/// The budget of the workers of a process. Permits are given in the order of asking.
#[derive(Clone)]
pub struct MemoryBudget(Arc<Semaphore>);

/// A part of the budget, returned when dropped.
pub struct MemoryPermit(#[allow(dead_code, reason = "held, not looked at")] Option<OwnedSemaphorePermit>);

impl Default for MemoryBudget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MIB as usize)))
    }
}

impl MemoryBudget {
    /// Waits until there is room for a slice of this many bytes.
    pub async fn acquire(&self, bytes: usize) -> MemoryPermit {
        let mib = u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(MIB).clamp(1, MIB);
        self.take(mib).await
    }

    /// Waits until no other worker has a permit. If the process ends while the permit is held, its owner is at fault.
    pub async fn acquire_all(&self) -> MemoryPermit {
        self.take(MIB).await
    }

    async fn take(&self, mib: u32) -> MemoryPermit {
        // Closed by nobody.
        MemoryPermit(Arc::clone(&self.0).acquire_many_owned(mib).await.ok())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn large_slices_wait_for_one_another_and_who_is_alone_is_alone() {
        let budget = MemoryBudget::default();
        let large = budget.acquire(48 << 20).await;
        let small = budget.acquire(1).await;
        assert!(tokio::time::timeout(SHORT, budget.acquire(16 << 20)).await.is_err(), "65 MiB of 64");
        drop(large);
        assert!(tokio::time::timeout(SHORT, budget.acquire_all()).await.is_err(), "another is at work");
        drop(small);
        let alone = budget.acquire_all().await;
        assert!(tokio::time::timeout(SHORT, budget.acquire(0)).await.is_err());
        drop(alone);
        drop(tokio::time::timeout(SHORT, budget.acquire(usize::MAX)).await.unwrap());
    }
}
