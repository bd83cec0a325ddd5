//! Whose statement runs next: a bounded number at once, of each user a few, and those who wait come in order.
//!
//! A user first waits for a place of their own, then for one of all. So of each user there are never more in the common queue than may run at
//! once, and whoever floods the service waits behind themselves: another user waits for a few statements of each, whatever is asked.

use crate::config::Limits;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Users remembered before those who ask for nothing are forgotten.
const USERS: usize = 1024;

/// The turns of a store.
pub struct Turns {
    places: Arc<Semaphore>,
    users: Mutex<HashMap<String, Arc<User>>>,
    of_each: usize,
    most_waiting: usize,
    wait: Duration,
}

/// A place of one's own and one of all; dropped, both are free again.
#[derive(Debug)]
pub struct Turn {
    _own: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

/// Why there is no turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// As many statements of the user wait as may.
    Crowded,
    /// It did not come in time.
    Late,
}

struct User {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// Counts itself in and, whatever becomes of it, out.
struct Waiting<'a>(&'a User);

impl Turns {
    /// As many as `limits` allow.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits.statements.max(1))),
            users: Mutex::default(),
            of_each: limits.user_statements.max(1),
            most_waiting: limits.user_waiting,
            wait: limits.wait.0,
        }
    }

    /// Waits for a turn of `user`.
    ///
    /// # Errors
    /// Too many wait already, or it takes too long.
    pub async fn take(&self, user: &str) -> Result<Turn, Refused> {
        let user = self.user(user);
        let free = user.places.available_permits();
        let waiting = Waiting::enter(&user);
        if waiting.position() > self.most_waiting + free {
            return Err(Refused::Crowded);
        }
        let both = async {
            let own = user.places.clone().acquire_owned().await.ok()?;
            let place = self.places.clone().acquire_owned().await.ok()?;
            Some(Turn { _own: own, _place: place })
        };
        tokio::time::timeout(self.wait, both).await.ok().flatten().ok_or(Refused::Late)
    }

    fn user(&self, name: &str) -> Arc<User> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= USERS {
            users.retain(|_, user| user.places.available_permits() < self.of_each || user.waiting.load(Relaxed) > 0);
        }
        let new = || Arc::new(User { places: Arc::new(Semaphore::new(self.of_each)), waiting: AtomicUsize::new(0) });
        users.entry(name.to_owned()).or_insert_with(new).clone()
    }
}

impl<'a> Waiting<'a> {
    fn enter(user: &'a User) -> Self {
        user.waiting.fetch_add(1, Relaxed);
        Self(user)
    }

    /// How many wait, this one included.
    fn position(&self) -> usize {
        self.0.waiting.load(Relaxed)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use service::config::Span;
    use tokio::task::{JoinSet, yield_now};

    fn turns(statements: usize, user_waiting: usize, wait: Span) -> Arc<Turns> {
        Arc::new(Turns::new(&Limits { statements, user_statements: 2, user_waiting, wait, ..Limits::default() }))
    }

    /// Lets everything that can go on do so.
    async fn settle() {
        for _ in 0..100 {
            yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_flood_of_one_user_delays_another_by_a_few_statements_only() {
        let turns = turns(2, 100, Span::seconds(60));
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut asked = JoinSet::new();
        for user in ["flood"; 50].into_iter().chain(["other"; 3]) {
            let (turns, order) = (turns.clone(), order.clone());
            asked.spawn(async move {
                let turn = turns.take(user).await.unwrap();
                order.lock().unwrap().push(user);
                settle().await;
                drop(turn);
            });
        }
        asked.join_all().await;
        let order = order.lock().unwrap();
        let last = order.iter().rposition(|user| *user == "other").unwrap();
        let others: usize = order[..last].iter().filter(|user| **user == "other").count();
        assert_eq!((order.len(), others), (53, 2));
        // The flood went on all the time, and had at most its two places ahead of each of the three.
        let first = order.iter().position(|user| *user == "other").unwrap();
        assert!(last - first <= 6, "{order:?}");
    }

    #[tokio::test]
    async fn a_user_has_so_many_at_once_and_another_has_the_rest() {
        let turns = turns(3, 10, Span::millis(1));
        let _held = [turns.take("a").await.unwrap(), turns.take("a").await.unwrap()];
        assert_eq!(turns.take("a").await.unwrap_err(), Refused::Late);
        let other = turns.take("b").await.unwrap();
        assert_eq!(turns.take("c").await.unwrap_err(), Refused::Late);
        drop(other);
        assert!(turns.take("c").await.is_ok());
    }

    #[tokio::test]
    async fn more_than_may_wait_are_refused_at_once_and_who_leaves_makes_room() {
        let turns = turns(8, 2, Span::seconds(60));
        let held = [turns.take("a").await.unwrap(), turns.take("a").await.unwrap()];
        let mut waiting = JoinSet::new();
        for _ in 0..2 {
            let turns = turns.clone();
            waiting.spawn(async move { turns.take("a").await.map(drop) });
        }
        settle().await;
        assert_eq!(turns.take("a").await.unwrap_err(), Refused::Crowded);
        assert!(turns.take("b").await.is_ok());
        waiting.abort_all();
        while waiting.join_next().await.is_some() {}
        let later = turns.take("a");
        drop(held);
        assert!(later.await.is_ok());
    }

    #[tokio::test]
    async fn users_who_ask_for_nothing_are_forgotten() {
        let turns = turns(8, 2, Span::seconds(60));
        let _held = turns.take("held").await.unwrap();
        for user in 0..3 * USERS {
            drop(turns.take(&user.to_string()).await.unwrap());
        }
        let users = turns.users.lock().unwrap();
        assert!(users.len() <= USERS && users.contains_key("held"), "{}", users.len());
    }
}
