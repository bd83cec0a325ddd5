//! How a worker is told to end, and why it ends.

use crate::error::Error;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// What a worker is told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Work,
    /// To finish its slice and end. If an engine is away, the slice stays open.
    Finish,
    /// To end at once, because another processor owns the partition.
    Abandon,
}

/// Tells a worker to end.
#[derive(Debug)]
pub struct StopSender(watch::Sender<Order>);

/// Received by a worker. Its methods block, so it belongs to a thread outside the runtime.
#[derive(Debug, Clone)]
pub struct Stop {
    order: watch::Receiver<Order>,
    runtime: Handle,
}

/// Why a worker ends.
#[derive(Debug)]
pub enum WorkerEnd {
    /// The worker was told to end.
    Stopped,
    /// The range of a replay is done.
    RangeDone,
    /// An error that waiting does not mend.
    Failed(Error),
}

impl StopSender {
    /// A connected pair of both sides.
    #[must_use]
    pub fn new(runtime: Handle) -> (Self, Stop) {
        let (sender, order) = watch::channel(Order::Work);
        (Self(sender), Stop { order, runtime })
    }

    /// Tells the worker to finish its slice and end.
    pub fn finish(&self) {
        self.0.send_if_modified(|order| std::mem::replace(order, Order::Finish.max(*order)) < Order::Finish);
    }

    /// Tells the worker to end at once.
    pub fn abandon(&self) {
        self.0.send_replace(Order::Abandon);
    }
}

impl Stop {
    /// Whether the worker was told to end.
    #[must_use]
    pub fn is_told(&self) -> bool {
        *self.order.borrow() > Order::Work
    }

    /// Waits for this long. Returns true as soon as the worker is told to end.
    #[must_use]
    pub fn waits(&self, duration: Duration) -> bool {
        let mut order = self.order.clone();
        let told = async { tokio::time::timeout(duration, order.wait_for(|order| *order > Order::Work)).await.is_ok() };
        self.runtime.block_on(told)
    }

    /// Waits for a future, unless the worker is told to end first.
    ///
    /// # Errors
    /// [`WorkerEnd::Stopped`] if it is.
    pub fn unless_told<T>(&self, wait: impl Future<Output = T>) -> Result<T, WorkerEnd> {
        let mut order = self.order.clone();
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = order.wait_for(|order| *order > Order::Work) => Err(WorkerEnd::Stopped),
                outcome = wait => Ok(outcome),
            }
        })
    }

    /// Runs a call to its end, unless the worker is told to end at once.
    ///
    /// # Errors
    /// [`WorkerEnd::Stopped`] if it is.
    pub fn call<T>(&self, call: impl Future<Output = T>) -> Result<T, WorkerEnd> {
        let mut order = self.order.clone();
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = order.wait_for(|order| *order == Order::Abandon) => Err(WorkerEnd::Stopped),
                outcome = call => Ok(outcome),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_call_is_finished_unless_the_partition_is_lost() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (sender, stop) = StopSender::new(runtime.handle().clone());
        assert!(!stop.is_told() && !stop.waits(Duration::from_millis(1)));
        assert!(matches!(stop.unless_told(async { 7 }), Ok(7)));
        sender.finish();
        assert!(matches!(stop.unless_told(std::future::pending::<()>()), Err(WorkerEnd::Stopped)));
        assert!(stop.is_told() && stop.waits(Duration::from_secs(60)));
        assert!(matches!(stop.call(async { 7 }), Ok(7)));
        sender.abandon();
        sender.finish();
        assert!(matches!(stop.call(std::future::pending::<()>()), Err(WorkerEnd::Stopped)));
    }
}
