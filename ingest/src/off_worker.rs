//! Bodies that take long to read are read off the async workers, in turn by client address.
//!
//! An async worker does nothing that takes longer than a millisecond: every other request of that worker would wait. So the
//! length of a body, decompressed, decides where it is read. Short bodies, which nearly all are, are read on the worker: to
//! hand them over would cost more than to read them. Long bodies need a permit; there are as many permits as processors, and
//! they are granted in turn to the addresses that wait, so a client that sends long bodies without pause waits behind itself.
//! What waits keeps its memory, so it is bounded in number, in bytes and in time.

use crate::config::LongBodies;
use crate::rejection::Rejection;
use service::fair_queue::{AcquireError, Bounds, FairQueue};
use std::net::IpAddr;
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};

/// Bytes of a body, decompressed, up to which it is read on the worker: the worst shapes that are accepted take 50 nanoseconds a
/// byte, an ordinary report 5.
pub(crate) const SHORT_BODY: usize = 16 << 10;
/// The same for a body that may hold hundreds of records: a record of twenty bytes takes 1.5 microseconds to read and to limit.
pub(crate) const SHORT_BATCH: usize = 8 << 10;
/// Fewest long bodies that are read at once.
const MIN_PERMITS: usize = 2;
/// When a client may try again that was refused because too many of its address wait.
const RETRY_AFTER_FULL: Duration = Duration::from_secs(1);
/// When a client may try again that waited in vain.
const RETRY_AFTER_TIMEOUT: Duration = Duration::from_secs(2);

/// Where long bodies are read.
pub(crate) struct OffWorker(FairQueue<IpAddr>);

impl OffWorker {
    pub(crate) fn new(config: &LongBodies) -> Self {
        // More threads than processors would take as long, and each the memory of what a packed body turns out to be.
        let permits = std::thread::available_parallelism().map_or(MIN_PERMITS, usize::from).max(MIN_PERMITS);
        Self(FairQueue::new(Bounds {
            permits,
            permits_per_key: permits,
            waiting_per_key: config.waiting_per_address,
            waiting_weight_per_key: config.waiting_bytes_per_address.bytes(),
            timeout: *config.timeout,
        }))
    }

    /// Does work that takes long, once it is the turn of `network`, while another thread takes over the worker's other
    /// requests. `held` are the bytes that the request keeps in memory while it waits.
    pub(crate) async fn run<T>(&self, network: IpAddr, held: usize, work: impl FnOnce() -> T) -> Result<T, Rejection> {
        let permit = self.0.acquire(network, held).await.map_err(|error| Rejection::Busy {
            retry_after: match error {
                AcquireError::QueueFull => RETRY_AFTER_FULL,
                AcquireError::TimedOut => RETRY_AFTER_TIMEOUT,
            },
        })?;
        // On a runtime of one thread there is no other to take over.
        let has_others = Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
        let done = if has_others { tokio::task::block_in_place(work) } else { work() };
        drop(permit);
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use service::config::{Size, Span};
    use std::sync::{Arc, Mutex};
    use tokio::task::{JoinSet, yield_now};

    fn off_worker(waiting_per_address: usize, waiting_bytes: u64) -> Arc<OffWorker> {
        let timeout = Span::seconds(60);
        Arc::new(OffWorker::new(&LongBodies { waiting_per_address, waiting_bytes_per_address: Size(waiting_bytes), timeout }))
    }

    /// Lets everything that can go on do so.
    async fn settle() {
        for _ in 0..100 {
            yield_now().await;
        }
    }

    async fn hold(off_worker: &OffWorker, network: IpAddr) -> Vec<service::fair_queue::Permit<IpAddr>> {
        let mut held = Vec::new();
        while held.len() < std::thread::available_parallelism().map_or(MIN_PERMITS, usize::from).max(MIN_PERMITS) {
            held.push(off_worker.0.acquire(network, 0).await.unwrap());
        }
        held
    }

    #[tokio::test]
    async fn an_address_that_sends_long_bodies_without_pause_delays_another_by_one_of_them() {
        let (flood, other): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "2001:db8::".parse().unwrap());
        let off_worker = off_worker(100, u64::MAX);
        let held = hold(&off_worker, flood).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut requests = JoinSet::new();
        for network in [flood; 40].into_iter().chain([other]) {
            let (off_worker, order) = (Arc::clone(&off_worker), Arc::clone(&order));
            requests.spawn(async move { off_worker.run(network, 1, || order.lock().unwrap().push(network)).await });
            settle().await;
        }
        drop(held);
        assert!(requests.join_all().await.iter().all(Result::is_ok));
        let order = order.lock().unwrap();
        let place = order.iter().position(|network| *network == other).unwrap();
        assert!(place <= 1, "the other's body was read as number {place} of {}", order.len());
    }

    #[tokio::test]
    async fn what_waits_of_an_address_is_bounded_and_the_rest_refused_at_once() {
        let (flood, other): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for (off_worker, held_bytes) in [(off_worker(3, u64::MAX), 1), (off_worker(100, 30), 10)] {
            let held = hold(&off_worker, flood).await;
            let mut requests = JoinSet::new();
            for network in [flood, flood, flood, other] {
                let off_worker = Arc::clone(&off_worker);
                requests.spawn(async move { off_worker.run(network, held_bytes, || ()).await });
                settle().await;
            }
            let refused = off_worker.run(flood, held_bytes, || ()).await;
            assert_eq!(refused, Err(Rejection::Busy { retry_after: RETRY_AFTER_FULL }));
            drop(held);
            assert_eq!(requests.join_all().await, [Ok(()), Ok(()), Ok(()), Ok(())]);
        }
    }
}
