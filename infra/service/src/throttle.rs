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

/// A limit per key; cheap to clone, clones share their state.
#[derive(Clone)]
pub struct Throttle(Option<Arc<Limited>>);

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

    fn with_keys(count: u32, keys: usize) -> Self {
        Throttle(NonZeroU32::new(count).map(|count| {
            let limiter = RateLimiter::keyed(Quota::per_minute(count));
            Arc::new(Limited {
                clock: limiter.clock().clone(),
                limiter,
                hasher: RandomState::new(),
                keys,
                checks: AtomicU64::new(0),
                crowded: AtomicBool::new(false),
            })
        }))
    }

    /// Takes one for `key`.
    ///
    /// # Errors
    /// When the next one is allowed.
    pub fn check<K: Hash + ?Sized>(&self, key: &K) -> Result<(), RetryAfter> {
        self.check_many(key, 1)
    }

    /// Takes `count` for `key`, all or none. More than a minute's worth at once is judged as a minute's worth.
    ///
    /// # Errors
    /// When they are allowed.
    pub fn check_many<K: Hash + ?Sized>(&self, key: &K, count: u32) -> Result<(), RetryAfter> {
        match &self.0 {
            Some(limited) => limited.check(key, count),
            None => Ok(()),
        }
    }
}

impl Limited {
    fn check<K: Hash + ?Sized>(&self, key: &K, count: u32) -> Result<(), RetryAfter> {
        let Some(count) = NonZeroU32::new(count) else { return Ok(()) };
        if self.checks.fetch_add(1, Relaxed) % HOUSEKEEPING == HOUSEKEEPING - 1 {
            self.forget();
        }
        // The hash is keyed anew in every process: nobody can choose keys that share a cell.
        let hash = self.hasher.hash_one(key);
        let cell = match self.crowded.load(Relaxed) {
            true => hash % self.keys as u64,
            false => hash,
        };
        let verdict = match self.limiter.check_key_n(&cell, count) {
            Ok(verdict) => verdict,
            Err(capacity) => {
                let most = NonZeroU32::new(capacity.0).unwrap_or(NonZeroU32::MIN);
                self.limiter.check_key_n(&cell, most).unwrap_or(Ok(()))
            }
        };
        verdict.map_err(|until| RetryAfter(until.wait_time_from(self.clock.now())))
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
    fn a_batch_is_taken_whole_or_not() {
        let throttle = Throttle::per_minute(10);
        assert_eq!(throttle.check_many(&7_u64, 8), Ok(()));
        assert!(throttle.check_many(&7_u64, 8).is_err());
        assert_eq!(throttle.check_many(&7_u64, 2), Ok(()));
        assert_eq!(throttle.check_many(&8_u64, 500), Ok(()));
        assert!(throttle.check(&8_u64).is_err());
        assert_eq!(throttle.check_many(&9_u64, 0), Ok(()));
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
        let limited = throttle.0.as_ref().expect("a limit");
        let most = 2 * 5000 + HOUSEKEEPING as usize;
        assert!(limited.limiter.len() <= most, "{}", limited.limiter.len());
    }

    #[test]
    fn retry_after_rounds_up() {
        assert_eq!(RetryAfter(Duration::from_millis(1)).seconds(), 1);
        assert_eq!(RetryAfter(Duration::from_millis(2001)).seconds(), 3);
        assert_eq!(RetryAfter(Duration::from_secs(2)).seconds(), 2);
    }
}
