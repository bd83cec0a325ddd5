//! How often a key may come: a rate per minute for each, in bounded memory.

use std::hash::{BuildHasher, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Keys remembered one by one; beyond, new keys share cells, so that a flood of made-up keys takes
/// no more memory than about twice this many cells (some 32 MiB).
const KEYS: usize = 1 << 18;

/// Checks between two looks at how many keys there are.
const HOUSEKEEPING: u64 = 4096;

/// What a minute's worth is measured in: 100 ns each. A key that may come 120 times takes 5,000,000 each time, so keys of
/// every rate share one limiter and its bound.
const CELLS: NonZeroU32 = NonZeroU32::new(600_000_000).unwrap();

/// A limit per key; cheap to clone, clones share their state.
#[derive(Clone)]
pub struct Throttle {
    limited: Arc<Limited>,
    per_minute: u32,
}

struct Limited {
    limiter: DefaultKeyedRateLimiter<u64>,
    clock: DefaultClock,
    hasher: RandomState,
    keys: usize,
    checks: AtomicU64,
    crowded: AtomicBool,
}

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
        Throttle::with_keys(count, KEYS)
    }

    fn with_keys(per_minute: u32, keys: usize) -> Self {
        let limiter = RateLimiter::keyed(Quota::per_minute(CELLS));
        let limited = Limited {
            clock: limiter.clock().clone(),
            limiter,
            hasher: RandomState::new(),
            keys,
            checks: AtomicU64::new(0),
            crowded: AtomicBool::new(false),
        };
        Throttle { limited: Arc::new(limited), per_minute }
    }

    /// Takes one for `key`.
    ///
    /// # Errors
    /// When the next one is allowed.
    pub fn check<K: Hash + ?Sized>(&self, key: &K) -> Result<(), RetryAfter> {
        self.check_at(self.per_minute, key)
    }

    /// Takes one for a `key` that has a rate of its own; 0 is no limit. What a key took at one rate is not forgotten at
    /// another.
    ///
    /// # Errors
    /// When the next one is allowed.
    pub fn check_at<K: Hash + ?Sized>(&self, per_minute: u32, key: &K) -> Result<(), RetryAfter> {
        match per_minute {
            0 => Ok(()),
            _ => self.limited.check(key, NonZeroU32::new(CELLS.get() / per_minute).unwrap_or(NonZeroU32::MIN)),
        }
    }
}

impl Limited {
    fn check<K: Hash + ?Sized>(&self, key: &K, cells: NonZeroU32) -> Result<(), RetryAfter> {
        if self.checks.fetch_add(1, Relaxed) % HOUSEKEEPING == HOUSEKEEPING - 1 {
            self.forget();
        }
        // The hash is keyed anew in every process: nobody can choose keys that share a cell.
        let hash = self.hasher.hash_one(key);
        let place = match self.crowded.load(Relaxed) {
            true => hash % self.keys as u64,
            false => hash,
        };
        match self.limiter.check_key_n(&place, cells) {
            Ok(verdict) => verdict.map_err(|until| RetryAfter(until.wait_time_from(self.clock.now()))),
            // One check never takes more than a minute's worth.
            Err(_) => Ok(()),
        }
    }

    /// Drops the keys that are as good as new.
    fn forget(&self) {
        if self.limiter.len() > self.keys / 2 {
            self.limiter.retain_recent();
        }
        self.crowded.store(self.limiter.len() >= self.keys, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

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
        let taken = |per_minute: u32, key: &str| (0..1000).take_while(|_| throttle.check_at(per_minute, key).is_ok()).count();
        for per_minute in [1, 2, 7, 119, 120, 121, 600] {
            assert_eq!(taken(per_minute, &format!("键 {per_minute}")), per_minute as usize);
        }
        assert_eq!(taken(0, "x"), 1000, "0 is no limit");
        assert_eq!(taken(u32::MAX, "y"), 1000);
        assert_eq!((taken(100, "z"), taken(10, "z")), (100, 0), "a new rate is no new start");
        let RetryAfter(wait) = throttle.check_at(10, "z").expect_err("none is left");
        assert!(wait > Duration::from_secs(4) && wait <= Duration::from_secs(6), "{wait:?}");
    }

    #[test]
    fn none_is_no_limit() {
        let throttle = Throttle::per_minute(0);
        assert!((0..1000).all(|_| throttle.check("x").is_ok()));
    }

    #[test]
    fn made_up_keys_take_bounded_memory() {
        let throttle = Throttle::with_keys(1, 5000);
        for key in 0..60_000_u64 {
            let _ = throttle.check(&key);
        }
        let most = 2 * 5000 + HOUSEKEEPING as usize;
        assert!(throttle.limited.limiter.len() <= most, "{}", throttle.limited.limiter.len());
    }

    #[test]
    fn a_flood_of_keys_frees_nobody_and_locks_nobody_out() {
        let throttle = Throttle::with_keys(60, 5000);
        let taken = |key: &str| (0..1000).take_while(|_| throttle.check(key).is_ok()).count();
        assert_eq!(taken("hot"), 60);
        for key in 0..14_000_u64 {
            let _ = throttle.check_at(10, &key);
        }
        assert!(throttle.limited.crowded.load(Relaxed), "the flood was large enough");
        // One or two made-up keys share the cell of each.
        for device in ["good", "好的设备", "another"] {
            assert!((1..=60).contains(&taken(device)), "{device}");
        }
        assert!(taken("hot") <= 60, "one more minute's worth at most, for the change of cells");
        assert_eq!(taken("hot"), 0);
        assert!(throttle.check("hot").is_err_and(|RetryAfter(wait)| wait <= Duration::from_secs(1)));
    }

    #[test]
    fn retry_after_rounds_up() {
        assert_eq!(RetryAfter(Duration::from_millis(1)).seconds(), 1);
        assert_eq!(RetryAfter(Duration::from_millis(2001)).seconds(), 3);
        assert_eq!(RetryAfter(Duration::from_secs(2)).seconds(), 2);
    }
}
