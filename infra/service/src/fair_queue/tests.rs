//! Who is served when, and that everybody is.
#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;
use tokio::task::{JoinSet, yield_now};

const ANY: Bounds =
    Bounds { permits: 2, permits_per_key: 2, waiting_per_key: 100, waiting_weight_per_key: usize::MAX, timeout: Duration::from_secs(60) };

/// Lets everything that can go on do so.
async fn settle() {
    for _ in 0..100 {
        yield_now().await;
    }
}

#[tokio::test]
async fn a_flood_of_one_key_delays_another_by_a_few_requests_only() {
    let queue = FairQueue::new(ANY);
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut asked = JoinSet::new();
    for key in ["flood"; 50].into_iter().chain(["other"; 3]) {
        let (queue, order) = (queue.clone(), Arc::clone(&order));
        asked.spawn(async move {
            let permit = queue.acquire(key, 0).await.unwrap();
            order.lock().unwrap().push(key);
            settle().await;
            drop(permit);
        });
    }
    asked.join_all().await;
    let order = order.lock().unwrap();
    let first = order.iter().position(|key| *key == "other").unwrap();
    let last = order.iter().rposition(|key| *key == "other").unwrap();
    // Two of the flood were at work when the others came; from then on they alternate.
    assert_eq!(order.len(), 53);
    assert!(first <= 4 && last - first <= 4, "{order:?}");
}

#[tokio::test]
async fn a_key_holds_so_many_at_once_and_another_has_the_rest() {
    let queue = FairQueue::new(Bounds { permits: 3, timeout: Duration::from_millis(1), ..ANY });
    let _held = [queue.acquire("a", 0).await.unwrap(), queue.acquire("a", 0).await.unwrap()];
    assert_eq!(queue.acquire("a", 0).await.unwrap_err(), AcquireError::TimedOut);
    let other = queue.acquire("b", 0).await.unwrap();
    assert_eq!(queue.acquire("c", 0).await.unwrap_err(), AcquireError::TimedOut);
    drop(other);
    assert!(queue.acquire("c", 0).await.is_ok());
    assert_eq!(queue.load(), Load { held: 2, waiting: 0 });
}

#[tokio::test]
async fn more_than_may_wait_are_refused_at_once_and_one_that_leaves_makes_room() {
    let queue = FairQueue::new(Bounds { permits: 8, waiting_per_key: 2, ..ANY });
    let held = [queue.acquire("a", 0).await.unwrap(), queue.acquire("a", 0).await.unwrap()];
    let mut waiting = JoinSet::new();
    for _ in 0..2 {
        let queue = queue.clone();
        waiting.spawn(async move { queue.acquire("a", 0).await.map(drop) });
    }
    settle().await;
    assert_eq!(queue.acquire("a", 0).await.unwrap_err(), AcquireError::QueueFull);
    assert!(queue.acquire("b", 0).await.is_ok());
    waiting.abort_all();
    while waiting.join_next().await.is_some() {}
    assert_eq!(queue.load(), Load { held: 2, waiting: 0 });
    let later = queue.acquire("a", 0);
    drop(held);
    assert!(later.await.is_ok());
}

#[tokio::test]
async fn what_waits_is_bounded_by_its_weight_too() {
    let queue = FairQueue::new(Bounds { permits: 1, waiting_weight_per_key: 10, ..ANY });
    let held = queue.acquire("a", 1000).await.unwrap();
    let mut waiting = JoinSet::new();
    let wait = |waiting: &mut JoinSet<_>, key: &'static str, weight: usize| {
        let queue = queue.clone();
        waiting.spawn(async move { queue.acquire(key, weight).await.map(drop) });
    };
    wait(&mut waiting, "a", 6);
    wait(&mut waiting, "b", 11);
    settle().await;
    assert_eq!(queue.acquire("a", 5).await.unwrap_err(), AcquireError::QueueFull);
    assert_eq!(queue.acquire("b", 0).await.unwrap_err(), AcquireError::QueueFull, "one that is heavier by itself waits alone");
    wait(&mut waiting, "a", 4);
    settle().await;
    assert_eq!(queue.load(), Load { held: 1, waiting: 3 });
    drop(held);
    assert!(waiting.join_all().await.iter().all(Result::is_ok));
    assert_eq!(queue.load(), Load { held: 0, waiting: 0 });
}

#[tokio::test]
async fn idle_keys_take_no_memory() {
    let queue = FairQueue::new(Bounds { timeout: Duration::from_millis(1), waiting_per_key: 0, ..ANY });
    let _held = [queue.acquire(0, 0).await.unwrap(), queue.acquire(1, 0).await.unwrap()];
    for key in 2..1000 {
        assert!(queue.acquire(key, 0).await.is_err());
    }
    assert_eq!(locked(&queue.queues).keys.len(), 2);
}

/// What happens to a queue.
#[derive(Debug, Clone)]
enum Event {
    Enter(u8),
    Leave(prop::sample::Index),
    Release(prop::sample::Index),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0_u8..5).prop_map(Event::Enter),
        1 => any::<prop::sample::Index>().prop_map(Event::Leave),
        2 => any::<prop::sample::Index>().prop_map(Event::Release),
    ]
}

/// A request that waits: its key, its ticket and how it learns that it was granted.
type Waiter = (u8, u64, oneshot::Receiver<()>);

proptest! {
    #[test]
    fn whoever_waits_is_served_in_turn(
        permits in 1_usize..4, permits_per_key in 1_usize..4, events in prop::collection::vec(event(), 0..200),
        last in any::<prop::sample::Index>(),
    ) {
        let mut queues = Queues::new(Bounds { permits, permits_per_key, ..ANY });
        let (mut held, mut waiting): (Vec<u8>, Vec<Waiter>) = (Vec::new(), Vec::new());
        // For each key how often each other one was served while this one could have been.
        let mut passed_over = [[0_usize; 5]; 5];
        // In the end everything is given back, and nobody leaves.
        for event in events.into_iter().chain(vec![Event::Release(last); 400]) {
            match event {
                Event::Enter(key) => match queues.enter(&key, 1).unwrap() {
                    None => held.push(key),
                    Some((ticket, granted)) => waiting.push((key, ticket, granted)),
                },
                Event::Leave(which) if !waiting.is_empty() => {
                    let (key, ticket, _) = waiting.remove(which.index(waiting.len()));
                    prop_assert!(queues.leave(&key, ticket));
                }
                Event::Release(which) if !held.is_empty() => queues.release(&held.remove(which.index(held.len()))),
                Event::Leave(_) | Event::Release(_) => {}
            }
            let mut granted = Vec::new();
            waiting.retain_mut(|(key, _, receiver)| {
                let is_granted = receiver.try_recv().is_ok();
                granted.extend(is_granted.then_some(*key));
                !is_granted
            });
            for key in granted {
                held.push(key);
                passed_over[usize::from(key)] = [0; 5];
                passed_over.iter_mut().for_each(|by| by[usize::from(key)] += 1);
            }
            let held_by = |key: u8| held.iter().filter(|other| **other == key).count();
            let could_go_on = |key: u8| held_by(key) < permits_per_key && waiting.iter().any(|(waiter, ..)| *waiter == key);
            prop_assert_eq!(queues.load(), Load { held: held.len(), waiting: waiting.len() });
            prop_assert!(held.len() <= permits && (0..5).all(|key| held_by(key) <= permits_per_key));
            prop_assert!(held.len() == permits || !(0..5).any(could_go_on), "a permit is free and somebody waits who may have it");
            for key in 0..5 {
                let passed_over = &mut passed_over[usize::from(key)];
                if !could_go_on(key) {
                    *passed_over = [0; 5];
                }
                passed_over[usize::from(key)] = 0;
                prop_assert!(passed_over.iter().all(|times| *times <= 1), "{key} waits and others are served: {passed_over:?}");
            }
        }
        prop_assert_eq!(queues.load(), Load { held: 0, waiting: 0 });
        prop_assert!(queues.keys.is_empty() && queues.turn.is_empty());
    }
}
