//! The outcomes of records that were sent together: the task that awaits them is woken once, however many records there are.

use crate::kafka::Error;
use crate::telemetry::Gauge;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

pub(super) const PRODUCE: &str = "produce";

/// Where a message is in its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The partition that its key chose.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
}

/// Resolves to the position of a message once all in-sync replicas have it.
#[derive(Debug)]
#[must_use = "a message whose delivery nobody awaits may be lost unseen"]
pub struct Delivery(pub(super) Deliveries);

/// Resolves once the fate of every message of a group is known, to their outcomes in the order of sending.
#[derive(Debug)]
#[must_use = "messages whose delivery nobody awaits may be lost unseen"]
pub struct Deliveries(Arc<Group>);

impl Future for Delivery {
    type Output = Result<Position, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let closed = Err(Error::Closed { operation: PRODUCE });
        Pin::new(&mut self.0).poll(cx).map(|mut outcomes| outcomes.pop().unwrap_or(closed))
    }
}

impl Future for Deliveries {
    type Output = Vec<Result<Position, Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.state();
        if state.left == 0 {
            return Poll::Ready(std::mem::take(&mut state.outcomes));
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            None => state.waker = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

/// Messages whose fate is not known yet, over all groups of a producer.
#[derive(Debug, Default)]
pub(super) struct Load {
    pub(super) messages: AtomicUsize,
    pub(super) bytes: AtomicUsize,
    /// The number of messages as a metric.
    pub(super) shown: Gauge,
}

impl Load {
    fn add(&self, sizes: &[usize]) {
        self.messages.fetch_add(sizes.len(), Relaxed);
        self.bytes.fetch_add(sizes.iter().sum(), Relaxed);
        self.shown.add(i64::try_from(sizes.len()).unwrap_or(i64::MAX));
    }

    fn take_back(&self, size: usize) {
        self.messages.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(size, Relaxed);
        self.shown.add(-1);
    }
}

#[derive(Debug)]
struct Group {
    load: Arc<Load>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    left: usize,
    outcomes: Vec<Result<Position, Error>>,
    waker: Option<Waker>,
}

impl Group {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message's place in its group, and its share of the load. Dropped without an outcome, it says that the client was closed.
#[derive(Debug)]
pub(super) struct Ticket {
    group: Arc<Group>,
    index: usize,
    bytes: usize,
    outcome: Option<Result<Position, Error>>,
}

/// A group of as many messages as sizes are given, counted in the load from now on, and a ticket for each.
pub(super) fn group(load: &Arc<Load>, sizes: &[usize]) -> (Deliveries, Vec<Ticket>) {
    load.add(sizes);
    let outcomes = vec![Err(Error::Closed { operation: PRODUCE }); sizes.len()];
    let state = State { left: sizes.len(), outcomes, waker: None };
    let group = Arc::new(Group { load: Arc::clone(load), state: Mutex::new(state) });
    let ticket = |(index, bytes): (usize, &usize)| Ticket { group: Arc::clone(&group), index, bytes: *bytes, outcome: None };
    let tickets = sizes.iter().enumerate().map(ticket).collect();
    (Deliveries(group), tickets)
}

impl Ticket {
    /// Sets the outcome of the message.
    pub(super) fn settle(mut self, outcome: Result<Position, Error>) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.group.load.take_back(self.bytes);
        let mut state = self.group.state();
        if let (Some(place), Some(outcome)) = (state.outcomes.get_mut(self.index), self.outcome.take()) {
            *place = outcome;
        }
        state.left -= 1;
        let waker = if state.left == 0 { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[tokio::test]
    async fn outcomes_keep_the_order_of_sending_and_the_load_comes_back() {
        let load = Arc::new(Load::default());
        let (deliveries, tickets) = group(&load, &[3, 4, 5]);
        assert_eq!((load.messages.load(Relaxed), load.bytes.load(Relaxed), load.shown.value()), (3, 12, 3));
        let waiting = tokio::spawn(deliveries);
        let [first, second, third]: [Ticket; 3] = tickets.try_into().unwrap();
        third.settle(Ok(Position { partition: 3, offset: 9 }));
        drop(second);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        first.settle(Err(Error::TooLarge));
        let outcomes = waiting.await.unwrap();
        let expected = [Err(Error::TooLarge), Err(Error::Closed { operation: PRODUCE }), Ok(Position { partition: 3, offset: 9 })];
        assert_eq!(outcomes, expected);
        assert_eq!((load.messages.load(Relaxed), load.bytes.load(Relaxed), load.shown.value()), (0, 0, 0));
    }

    #[tokio::test]
    async fn no_message_is_no_wait() {
        let (deliveries, tickets) = group(&Arc::new(Load::default()), &[]);
        assert!(tickets.is_empty());
        assert_eq!(deliveries.await, []);
    }
}
