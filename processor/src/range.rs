//! The part of the log that a replay folds. A processor without such ranges follows the log without end.

use schemas::time;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// The part of one partition that is folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionRange {
    /// The log days. Records of other days are skipped.
    pub days: RangeInclusive<u16>,
    /// The first offset. No record from here on may leave the log before it is read.
    pub first: i64,
    /// The offset after the last.
    pub end: i64,
}

impl PartitionRange {
    /// Whether a record with this append time (Unix milliseconds) is to be folded.
    #[must_use]
    pub fn wants(&self, appended_at: i64) -> bool {
        self.days.contains(&time::log_day(appended_at))
    }
}

/// The place of a record that ended a processor, and its append time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoisonRecord {
    pub topic: String,
    pub partition: u32,
    pub offset: u64,
    /// Unix milliseconds.
    pub appended_at: i64,
}

/// The ranges of all partitions, with a channel on which workers say that their range is done.
#[derive(Clone)]
pub struct ReplayRanges {
    ranges: Arc<HashMap<(String, i32), PartitionRange>>,
    poison_records: Arc<Vec<PoisonRecord>>,
    done: UnboundedSender<(String, i32)>,
}

impl ReplayRanges {
    /// Ranges to be folded without the records that ended a processor before.
    #[must_use]
    pub fn new(
        ranges: HashMap<(String, i32), PartitionRange>,
        poison_records: Vec<PoisonRecord>,
        done: UnboundedSender<(String, i32)>,
    ) -> Self {
        Self { ranges: Arc::new(ranges), poison_records: Arc::new(poison_records), done }
    }

    /// The records of a partition that are not read: append times by offsets.
    #[must_use]
    pub fn poison_records(&self, topic: &str, partition: i32) -> HashMap<i64, i64> {
        let of = |killer: &&PoisonRecord| killer.topic == topic && i32::try_from(killer.partition) == Ok(partition);
        let place = |killer: &PoisonRecord| Some((i64::try_from(killer.offset).ok()?, killer.appended_at));
        self.poison_records.iter().filter(of).filter_map(place).collect()
    }

    /// The range of a partition; an empty range where none was planned.
    #[must_use]
    pub fn range(&self, topic: &str, partition: i32) -> PartitionRange {
        let known = self.ranges.get(&(topic.to_owned(), partition));
        known.cloned().unwrap_or(PartitionRange { days: 0..=u16::MAX, first: 0, end: 0 })
    }

    /// Says that the range of a partition is in the tables.
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
        let range = PartitionRange { days: 20_000..=20_001, first: 0, end: 9 };
        let midnight = 20_000 * DAY_MS;
        let wanted = [midnight - 1, midnight, midnight + 2 * DAY_MS - 1, midnight + 2 * DAY_MS].map(|at| range.wants(at));
        assert_eq!(wanted, [false, true, true, false]);
    }

    #[test]
    fn of_a_partition_without_a_bound_nothing_is_read() {
        let (done, _) = tokio::sync::mpsc::unbounded_channel();
        let range = PartitionRange { days: 0..=u16::MAX, first: 3, end: 7 };
        let killer = PoisonRecord { topic: "raw-reports".to_owned(), partition: 1, offset: 4, appended_at: 9 };
        let errand = ReplayRanges::new(HashMap::from([(("raw-reports".to_owned(), 1), range.clone())]), vec![killer], done);
        assert_eq!(errand.poison_records("raw-reports", 1), HashMap::from([(4, 9)]));
        assert!(errand.poison_records("raw-reports", 2).is_empty() && errand.poison_records("connections", 1).is_empty());
        assert_eq!(errand.range("raw-reports", 1), range);
        assert_eq!(errand.range("raw-reports", 2).end, 0);
    }
}
