//! How much each app may send on a UTC day.
//!
//! It is a calendar day and not the last 24 hours: an app gets exactly its quota, and it is known when the next one begins. The
//! counts are those of this process and start from zero with it: the edge keeps no database.

use service::throttle::RetryAfter;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const DAY_MS: i64 = 86_400_000;

/// How much each app has sent on the current day. Apps come from the credentials, so there are few.
#[derive(Default)]
pub(crate) struct Quotas(Mutex<HashMap<String, Taken>>);

#[derive(Clone, Copy, Default)]
struct Taken {
    /// Days since 1970.
    day: i64,
    records: u32,
}

impl Quotas {
    /// Takes `count` of the first `limit` (0 = no limit) of an app's day at `now`, Unix milliseconds.
    pub(crate) fn take(&self, app: &str, limit: u32, count: u32, now: i64) -> Result<(), RetryAfter> {
        if limit == 0 {
            return Ok(());
        }
        let mut apps = self.lock();
        let taken = apps.entry(app.to_owned()).or_default();
        let today = now.div_euclid(DAY_MS);
        // A clock that is set back does not begin a day anew.
        if taken.day < today {
            *taken = Taken { day: today, records: 0 };
        }
        let after = taken.records.saturating_add(count);
        if after > limit {
            let midnight = (taken.day + 1).saturating_mul(DAY_MS);
            return Err(RetryAfter(Duration::from_millis(u64::try_from(midnight.saturating_sub(now)).unwrap_or_default())));
        }
        taken.records = after;
        Ok(())
    }

    /// Gives back what records took that the log did not take.
    pub(crate) fn give_back(&self, app: &str, count: u32) {
        if let Some(taken) = self.lock().get_mut(app) {
            taken.records = taken.records.saturating_sub(count);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Taken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_exact_and_ends_at_midnight_utc() {
        let quotas = Quotas::default();
        let now = 20_000 * DAY_MS + 1000;
        let taken = |app: &str, now| (0..100).take_while(|_| quotas.take(app, 7, 1, now).is_ok()).count();
        assert_eq!((taken("a", now), taken("b", now), taken("a", now)), (7, 7, 0));
        let rest = Duration::from_millis(86_400_000 - 1000);
        assert_eq!(quotas.take("a", 7, 1, now), Err(RetryAfter(rest)));
        assert_eq!(quotas.take("a", 8, 1, now), Ok(()), "a higher quota counts from now on");
        assert_eq!(taken("a", now - DAY_MS), 0, "a clock set back");
        assert_eq!(taken("a", now + DAY_MS), 7);
        quotas.give_back("a", 2);
        quotas.give_back("nobody", 2);
        assert_eq!(taken("a", now + DAY_MS), 2);
        assert!((0..1000).all(|_| quotas.take("c", 0, 1, now).is_ok()));
        assert!(
            quotas.take("d", 10, 11, now).is_err()
                && quotas.take("d", 10, 10, now).is_ok()
                && quotas.take("d", u32::MAX, u32::MAX, now).is_ok()
        );
    }
}
