//! A slice is a fixed run of offsets of one partition, the unit of work and of retry.
//!
//! Before work on a slice begins, its end is committed beside its first offset ([`schemas::commit_note`]). The next owner of the partition finds
//! it there and repeats exactly those offsets.

use schemas::time;
use service::kafka::consumer::Message;

/// Messages of one partition within one log day, in order.
#[derive(Debug, Clone, Default)]
pub struct Slice {
    /// The first offset, which is committed while the slice is open.
    pub first: i64,
    /// The last offset.
    pub last: i64,
    /// The messages that the log still has.
    pub messages: Vec<Message>,
    bytes: usize,
}

/// The limits of a slice.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub records: usize,
    pub bytes: usize,
}

impl Slice {
    /// An empty slice that will begin at `first`.
    #[must_use]
    pub fn starting_at(first: i64) -> Self {
        Self { first, last: first - 1, messages: Vec::new(), bytes: 0 }
    }

    /// Whether the message may be added: the first always, further messages within the limits and on the same log day.
    #[must_use]
    pub fn admits(&self, message: &Message, limits: Limits) -> bool {
        let Some(first) = self.messages.first() else { return true };
        self.messages.len() < limits.records
            && self.bytes.saturating_add(message.payload.len()) <= limits.bytes
            && time::log_day(first.appended_at) == time::log_day(message.appended_at)
    }

    /// Adds the next message.
    pub fn push(&mut self, message: Message) {
        self.last = message.offset;
        self.bytes += message.payload.len();
        self.messages.push(message);
    }

    /// Whether no further message may be added.
    #[must_use]
    pub fn is_full(&self, limits: Limits) -> bool {
        self.messages.len() >= limits.records || self.bytes >= limits.bytes
    }

    /// Bytes of all payloads.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The log day of the messages; `None` where there are none.
    #[must_use]
    pub fn day(&self) -> Option<u16> {
        self.messages.first().map(|message| time::log_day(message.appended_at))
    }
}

/// The offsets of a partition when its worker begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartitionOffsets {
    /// The committed offset.
    pub committed: Option<i64>,
    /// The last offset of the slice that is open at the committed offset.
    pub open_until: Option<i64>,
    /// The first offset in the log.
    pub low: i64,
    /// The offset after the last in the log.
    pub high: i64,
    /// The highest offset in the table.
    pub highest: Option<i64>,
}

/// Where a worker begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartingPoint {
    /// First and last offset of the slice that is to be repeated.
    pub repeat: Option<(i64, i64)>,
    /// The first offset of the next new slice.
    pub next: i64,
    /// Offsets that left the log by retention before they were read.
    pub gap: i64,
    /// Offsets after the committed offset that are in the table already.
    pub ahead: i64,
}

/// Decides where a worker begins.
///
/// # Errors
/// A known offset that is beyond the end of the log: the topic was deleted and created again.
pub fn starting_point(known: PartitionOffsets) -> Result<StartingPoint, i64> {
    let after_table = known.highest.map_or(0, |highest| highest + 1);
    let committed = known.committed.unwrap_or(known.low);
    let read = known.open_until.map_or(committed, |end| end + 1);
    let beyond = read.max(after_table);
    if beyond > known.high.max(known.low) {
        return Err(beyond - 1);
    }
    let repeat = known.open_until.map(|end| (committed, end));
    let gap = if known.committed.is_some() { (known.low - committed.max(after_table)).max(0) } else { 0 };
    Ok(StartingPoint { repeat, next: beyond.max(known.low), gap, ahead: (after_table - read.max(known.low)).max(0) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use schemas::time::DAY_MS;

    const LIMITS: Limits = Limits { records: 3, bytes: 100 };

    fn message(offset: i64, appended_at: i64, size: usize) -> Message {
        Message { offset, appended_at, key: None, payload: vec![0; size] }
    }

    #[test]
    fn a_slice_ends_at_its_limits_and_at_midnight() {
        let midnight = 20_000 * DAY_MS;
        let mut slice = Slice::starting_at(4);
        assert!(slice.admits(&message(4, midnight - 2, 500), LIMITS), "one record is always taken");
        slice.push(message(4, midnight - 2, 40));
        assert!(slice.admits(&message(6, midnight - 1, 60), LIMITS));
        assert!(!slice.admits(&message(6, midnight - 1, 61), LIMITS));
        assert!(!slice.admits(&message(6, midnight, 1), LIMITS));
        slice.push(message(6, midnight - 1, 10));
        slice.push(message(7, midnight - 1, 10));
        assert!(slice.is_full(LIMITS) && !slice.admits(&message(8, midnight - 1, 1), LIMITS));
        assert_eq!((slice.first, slice.last, slice.day()), (4, 7, Some(19_999)));
    }

    #[test]
    fn a_worker_begins_after_what_is_committed_and_what_is_in_the_table() {
        let known = PartitionOffsets { committed: Some(10), low: 0, high: 50, ..PartitionOffsets::default() };
        assert_eq!(starting_point(known), Ok(StartingPoint { repeat: None, next: 10, gap: 0, ahead: 0 }));
        assert_eq!(starting_point(PartitionOffsets { highest: Some(9), ..known }).unwrap().next, 10);
        assert_eq!(
            starting_point(PartitionOffsets { highest: Some(19), ..known }),
            Ok(StartingPoint { repeat: None, next: 20, gap: 0, ahead: 10 })
        );
        let open = PartitionOffsets { open_until: Some(14), ..known };
        assert_eq!(starting_point(open), Ok(StartingPoint { repeat: Some((10, 14)), next: 15, gap: 0, ahead: 0 }));
        assert_eq!(starting_point(PartitionOffsets { highest: Some(14), ..open }).unwrap().next, 15);
        let fresh = PartitionOffsets { low: 3, high: 50, ..PartitionOffsets::default() };
        assert_eq!(starting_point(fresh), Ok(StartingPoint { repeat: None, next: 3, gap: 0, ahead: 0 }));
        assert_eq!(starting_point(PartitionOffsets::default()), Ok(StartingPoint { repeat: None, next: 0, gap: 0, ahead: 0 }));
    }

    #[test]
    fn retention_that_was_faster_is_a_gap() {
        let known = PartitionOffsets { committed: Some(10), low: 30, high: 50, ..PartitionOffsets::default() };
        assert_eq!(starting_point(known), Ok(StartingPoint { repeat: None, next: 30, gap: 20, ahead: 0 }));
        assert_eq!(starting_point(PartitionOffsets { high: 30, ..known }).unwrap().next, 30);
        assert_eq!(starting_point(PartitionOffsets { highest: Some(24), ..known }).unwrap().gap, 5);
    }

    #[test]
    fn a_log_that_ends_before_what_is_known_was_made_anew() {
        let known = PartitionOffsets { low: 0, high: 5, ..PartitionOffsets::default() };
        assert_eq!(starting_point(PartitionOffsets { highest: Some(5), ..known }), Err(5));
        assert_eq!(starting_point(PartitionOffsets { committed: Some(6), ..known }), Err(5));
        assert_eq!(starting_point(PartitionOffsets { committed: Some(2), open_until: Some(5), ..known }), Err(5));
        assert!(starting_point(PartitionOffsets { highest: Some(4), committed: Some(5), ..known }).is_ok());
    }
}
