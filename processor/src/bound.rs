//! The part of the log that a replay folds.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use schemas::time;
use tokio::sync::mpsc::UnboundedSender;

use crate::sink::Killer;

/// What is read of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// Log days; records of others are passed over.
    pub days: RangeInclusive<u16>,
    /// Where the log began when the replay was planned: none of it may be gone before it is read.
    pub first: i64,
    /// The offset after the last.
    pub end: i64,
}

impl Bound {
    /// Whether a record that the log took then (Unix milliseconds) is to be folded.
    #[must_use]
    pub fn wants(&self, appended_at: i64) -> bool {
        self.days.contains(&time::log_day(appended_at))
    }
}

/// The bounds of every partition, and who hears that one is done.
#[derive(Clone)]
pub struct Errand {
    bounds: Arc<HashMap<(String, i32), Bound>>,
    killers: Arc<Vec<Killer>>,
    done: UnboundedSender<(String, i32)>,
}

impl Errand {
    /// To fold all of this but records that have ended a processor before.
    #[must_use]
    pub fn new(bounds: HashMap<(String, i32), Bound>, killers: Vec<Killer>, done: UnboundedSender<(String, i32)>) -> Self {
        Self { bounds: Arc::new(bounds), killers: Arc::new(killers), done }
    }

    /// Records of a partition that are not read: their append times by their offsets.
    #[must_use]
    pub fn killers(&self, topic: &str, partition: i32) -> HashMap<i64, i64> {
        let of = |killer: &&Killer| killer.topic == topic && i32::try_from(killer.partition) == Ok(partition);
        let place = |killer: &Killer| Some((i64::try_from(killer.offset).ok()?, killer.appended_at));
        self.killers.iter().filter(of).filter_map(place).collect()
    }

    /// What is read of a partition: nothing of one that was not planned for.
    #[must_use]
    pub fn bound(&self, topic: &str, partition: i32) -> Bound {
        let known = self.bounds.get(&(topic.to_owned(), partition));
        known.cloned().unwrap_or(Bound { days: 0..=u16::MAX, first: 0, end: 0 })
    }

    /// Says that all of a partition is in the tables.
    pub fn done(&self, topic: String, partition: i32) {
        // Nobody listens once the replay is ending.
        let _ = self.done.send((topic, partition));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::time::DAY_MS;

    #[test]
    fn days_are_wanted_to_the_millisecond() {
        let bound = Bound { days: 20_000..=20_001, first: 0, end: 9 };
        let midnight = 20_000 * DAY_MS;
        let wanted = [midnight - 1, midnight, midnight + 2 * DAY_MS - 1, midnight + 2 * DAY_MS].map(|at| bound.wants(at));
        assert_eq!(wanted, [false, true, true, false]);
    }

    #[test]
    fn of_a_partition_without_a_bound_nothing_is_read() {
        let (done, _) = tokio::sync::mpsc::unbounded_channel();
        let bound = Bound { days: 0..=u16::MAX, first: 3, end: 7 };
        let killer = Killer { topic: "raw-reports".to_owned(), partition: 1, offset: 4, appended_at: 9 };
        let errand = Errand::new(HashMap::from([(("raw-reports".to_owned(), 1), bound.clone())]), vec![killer], done);
        assert_eq!(errand.killers("raw-reports", 1), HashMap::from([(4, 9)]));
        assert!(errand.killers("raw-reports", 2).is_empty() && errand.killers("connections", 1).is_empty());
        assert_eq!(errand.bound("raw-reports", 1), bound);
        assert_eq!(errand.bound("raw-reports", 2).end, 0);
    }
}
