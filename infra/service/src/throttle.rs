//! How often a key may come: a rate per minute for each, in memory of a fixed size.
//!
//! A key has two cells, one in either half of a table of fixed length, found by a hash that nobody outside can compute. It
//! takes from both and passes where either lets it. Two keys may share one cell, hardly ever both, so a key that is over its
//! limit does not hold up another, and made-up keys, however many, take no memory: they only spend a little of every cell.

use governor::clock::{Clock, DefaultClock};
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Cells of a limit, 8 bytes each: 2 MiB.
const CELLS: usize = 1 << 18;

/// What a minute's worth is measured in: 100 ns each. A key that may come 120 times takes 5,000,000 each time, so keys of
/// every rate share one table.
const MINUTE: NonZeroU32 = NonZeroU32::new(600_000_000).unwrap();

/// How long to wait for what never passes: nobody knows better.
const MINUTE_LONG: Duration = Duration::from_secs(60);

/// A limit per key; cheap to clone, clones share their state.
#[derive(Clone)]
pub struct Throttle {
    limited: Arc<Limited>,
    per_minute: u32,
}

struct Limited {
    limiter: RateLimiter<usize, Cells, DefaultClock>,
    clock: DefaultClock,
    hasher: RandomState,
    cells: usize,
}

/// Cells by their place.
struct Cells(Box<[InMemoryState]>);

/// Too often: when the next one is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests, the next one in {} s", self.seconds())]
pub struct RetryAfter(pub Duration);

impl RetryAfter {
    /// Whole seconds, at least one, as the `Retry-After` header takes them.
    pub fn seconds(&self) -> u64 {
        self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0 || self.0.as_secs() == 0)
    }
}

impl Throttle {
    /// `count` per minute and key, all at once if need be; 0 is no limit.
    pub fn per_minute(count: u32) -> Self {
        Throttle::with_cells(count, CELLS)
    }

    fn with_cells(per_minute: u32, cells: usize) -> Self {
        let clock = DefaultClock::default();
        let state = Cells((0..cells).map(|_| InMemoryState::default()).collect());
        let limiter = RateLimiter::new(Quota::per_minute(MINUTE), state, clock.clone());
        Throttle { limited: Arc::new(Limited { limiter, clock, hasher: RandomState::new(), cells }), per_minute }
    }

    /// Takes one for `key`.
    ///
    /// # Errors
    /// When the next one is allowed.
    pub fn check<K: Hash + ?Sized>(&self, key: &K) -> Result<(), RetryAfter> {
        self.take(1, u64::from(self.per_minute), key)
    }

    /// Takes `amount` for a `key` that has a rate of its own; 0 is no limit. What a key took at one rate is not forgotten at
    /// another. More than a minute's worth at once never passes.
    ///
    /// # Errors
    /// When as much is allowed; a minute where it never is.
    pub fn take<K: Hash + ?Sized>(&self, amount: u64, per_minute: u64, key: &K) -> Result<(), RetryAfter> {
        if per_minute == 0 {
            return Ok(());
        }
        let share = u128::from(amount) * u128::from(MINUTE.get()) / u128::from(per_minute);
        let share = u32::try_from(share).ok().filter(|share| *share <= MINUTE.get()).ok_or(RetryAfter(MINUTE_LONG))?;
        self.limited.take(NonZeroU32::new(share).unwrap_or(NonZeroU32::MIN), key)
    }
}

impl Limited {
    fn take<K: Hash + ?Sized>(&self, share: NonZeroU32, key: &K) -> Result<(), RetryAfter> {
        // The hash has a new key in every process, so nobody can choose keys that share a cell.
        let hash = self.hasher.hash_one(key);
        let half = (self.cells / 2) as u64;
        let places = [(hash & u64::from(u32::MAX)) % half, half + (hash >> 32) % half];
        match places.map(|place| self.take_from(place as usize, share)) {
            [Err(one), Err(other)] => Err(RetryAfter(one.min(other))),
            _ => Ok(()),
        }
    }

    /// How long to wait where the cell has not enough.
    fn take_from(&self, place: usize, share: NonZeroU32) -> Result<(), Duration> {
        match self.limiter.check_key_n(&place, share) {
            Ok(verdict) => verdict.map_err(|until| until.wait_time_from(self.clock.now())),
            Err(_) => Err(MINUTE_LONG),
        }
    }
}

impl StateStore for Cells {
    type Key = usize;

    fn measure_and_replace<T, F, E>(&self, place: &usize, decide: F) -> Result<T, E>
    where
        F: Fn(Option<governor::nanos::Nanos>) -> Result<(T, governor::nanos::Nanos), E>,
    {
        self.0[*place].measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// How many of a thousand pass at once.
    fn passed(throttle: &Throttle, per_minute: u64, key: &str) -> usize {
        (0..1000).take_while(|_| throttle.take(1, per_minute, key).is_ok()).count()
    }

    #[test]
    fn each_key_has_its_own_minute() {
        let throttle = Throttle::per_minute(3);
        for _ in 0..3 {
            assert_eq!(throttle.check("设备一"), Ok(()));
        }
        let RetryAfter(wait) = throttle.check("设备一").expect_err("a fourth is too many");
        assert!(wait > Duration::from_secs(15) && wait <= Duration::from_secs(20), "{wait:?}");
        assert_eq!(throttle.check("设备二"), Ok(()));
        assert!(throttle.clone().check("设备一").is_err(), "clones share their state");
    }

    #[test]
    fn every_key_may_have_a_rate_of_its_own() {
        let throttle = Throttle::per_minute(2);
        for per_minute in [1, 2, 7, 119, 120, 121, 600] {
            let found = passed(&throttle, per_minute, &format!("键 {per_minute}")) as u64;
            assert!((per_minute..=per_minute + 3).contains(&found), "{found} of {per_minute}");
        }
        assert_eq!(passed(&throttle, 0, "x"), 1000, "0 is no limit");
        assert_eq!(passed(&throttle, u64::MAX, "y"), 1000);
        assert!(passed(&throttle, 100, "z") >= 100);
        assert_eq!(passed(&throttle, 10, "z"), 0, "a new rate is no new start");
        let RetryAfter(wait) = throttle.take(1, 10, "z").expect_err("none is left");
        assert!(wait > Duration::from_secs(4) && wait <= Duration::from_secs(6), "{wait:?}");
    }

    #[test]
    fn many_are_taken_at_once_and_more_than_a_minutes_worth_never() {
        let throttle = Throttle::per_minute(0);
        assert_eq!(throttle.take(900, 1000, "服务器"), Ok(()));
        let RetryAfter(wait) = throttle.take(900, 1000, "服务器").expect_err("100 are left");
        assert!(wait > Duration::from_secs(40) && wait <= Duration::from_secs(48), "{wait:?}");
        assert_eq!(throttle.take(50, 1000, "服务器"), Ok(()), "what was refused took nothing");
        assert_eq!(throttle.take(1001, 1000, "another"), Err(RetryAfter(MINUTE_LONG)));
        assert_eq!(throttle.take(u64::MAX, 1000, "another"), Err(RetryAfter(MINUTE_LONG)));
        assert_eq!(throttle.take(1000, 1000, "another"), Ok(()));
        assert_eq!(throttle.take(1 << 30, 1 << 31, "bytes"), Ok(()));
        assert!(throttle.take(1 << 31, 1 << 31, "bytes").is_err());
    }

    #[test]
    fn none_is_no_limit() {
        let throttle = Throttle::per_minute(0);
        assert!((0..1000).all(|_| throttle.check("x").is_ok()));
    }

    /// As many to a cell as ten million keys would be in a table of the usual size.
    #[test]
    fn a_flood_of_made_up_keys_takes_no_memory_and_locks_nobody_out() {
        let cells = 4096;
        let throttle = Throttle::with_cells(120, cells);
        let flood = 10_000_000 / (CELLS / cells) as u64;
        for key in 0..flood {
            let _ = throttle.check(&key);
        }
        for number in 0..200 {
            let device = format!("好的设备 {number}");
            assert!((0..10).all(|_| throttle.check(&device).is_ok()), "{device}");
        }
    }

    #[test]
    fn keys_over_their_limit_hold_up_hardly_anybody() {
        let throttle = Throttle::with_cells(30, 1 << 14);
        for hot in 0..400_u32 {
            while throttle.check(&("hot", hot)).is_ok() {}
        }
        let held_up = (0..10_000_u32).filter(|good| throttle.check(&("good", *good)).is_err()).count();
        // With one cell a key one in twenty would be; with two about one in four hundred.
        assert!(held_up < 100, "{held_up} of 10000");
    }

    #[test]
    fn retry_after_rounds_up() {
        assert_eq!(RetryAfter(Duration::from_millis(1)).seconds(), 1);
        assert_eq!(RetryAfter(Duration::from_millis(2001)).seconds(), 3);
        assert_eq!(RetryAfter(Duration::from_secs(2)).seconds(), 2);
    }
}
