//! Turns the messages of a slice into rows: decode, dedupe, group. Pure, except that the caller looks up ids that the window does not cover.

use crate::catch_panic::catch_panic;
use crate::dead_letter;
use crate::decode::{self, Rejection, Rejections};
use crate::dedupe::{self, DedupeKey, Id, Ids, Verdict, Window};
use crate::log_partition::{LogPartition, PositionedRecord};
use crate::project::Rules;
use crate::slice::Slice;
use crate::stream::Stream;
use schemas::outcome::Outcome;
use schemas::record::{self, RejectedReport};
use service::kafka::consumer::Message;
use std::collections::BTreeMap;

/// The records of a slice and what the window says about them.
pub struct Judgement<S: Stream> {
    envelopes: Vec<PositionedRecord<S::Record>>,
    keys: Vec<DedupeKey>,
    verdicts: Vec<Verdict>,
    rejections: Rejections,
    dead_letters: Vec<RejectedReport>,
}

/// The rows of a slice and its dead letters.
pub struct SliceRows<T> {
    /// The rows, in the order of the log.
    pub rows: Vec<T>,
    /// The offset of each row.
    pub offsets: Vec<i64>,
    /// The keys of the rows, in the order of the log.
    pub first_deliveries: Vec<DedupeKey>,
    /// Records from which no row could be made. If there are any, the slice is to be judged again without them, because a re-delivery of them
    /// may count instead.
    pub failed: Rejections,
    /// The letters of all rejected records.
    pub dead_letters: Vec<RejectedReport>,
    /// How many records had each outcome.
    pub outcomes: Vec<(Outcome, usize)>,
}

/// Reads a slice and judges its records by the window. Records that are `rejected` already become dead letters without being read.
///
/// # Errors
/// A released schema cannot be parsed, which is a fault of the build.
pub fn judge<S: Stream>(
    slice: &Slice,
    partition: LogPartition,
    window: &Window,
    rejected: &Rejections,
) -> Result<Judgement<S>, record::Error> {
    let decoded = decode::decode::<S>(&slice.messages, partition, rejected)?;
    let letter = |message: &Message| {
        let rejection = decoded.rejections.get(&message.offset)?;
        Some(dead_letter::letter(partition.topic, partition.number, message, rejection))
    };
    Ok(Judgement {
        verdicts: dedupe::judge(window, &decoded.keys),
        dead_letters: slice.messages.iter().filter_map(letter).collect(),
        envelopes: decoded.envelopes,
        keys: decoded.keys,
        rejections: decoded.rejections,
    })
}

/// Makes the row of one record and drops it. The caller wants to know whether the process survives.
pub fn dry_run<S: Stream>(message: &Message, partition: LogPartition, rules: &Rules) {
    let Ok(Ok((value, _))) = decode::read::<S>(message) else { return };
    // A panic is dealt with where the slice is folded.
    let _ = catch_panic(|| {
        let row = S::row(partition.position(message), value, rules);
        serde_json::to_writer(std::io::sink(), &row).is_ok()
    });
}

/// The row of a record; a record that was not kept is read again.
fn row<S: Stream>(envelope: PositionedRecord<S::Record>, offset: i64, slice: &Slice, rules: &Rules) -> Result<S::Row, Rejection> {
    let value = match envelope.value {
        Some(value) => value,
        None => read_again::<S>(offset, slice)?,
    };
    catch_panic(|| S::row(envelope.position, value, rules)).map_err(Rejection::panicked)
}

fn read_again<S: Stream>(offset: i64, slice: &Slice) -> Result<S::Record, Rejection> {
    let place = slice.messages.binary_search_by_key(&offset, |message| message.offset).ok();
    let message = place.and_then(|place| slice.messages.get(place));
    match message.map(decode::read::<S>) {
        Some(Ok(read)) => Ok(read?.0),
        // It was read a moment ago.
        Some(Err(_)) | None => Err(Rejection::panicked("the record cannot be read a second time".to_owned())),
    }
}

impl<S: Stream> Judgement<S> {
    /// The number of records that could be read.
    #[must_use]
    pub fn valid(&self) -> usize {
        self.envelopes.len()
    }

    /// The records that could not be read.
    #[must_use]
    pub fn rejections(&self) -> &Rejections {
        &self.rejections
    }

    /// The ids that are to be looked up in the table.
    #[must_use]
    pub fn unknown_ids(&self) -> Vec<Id> {
        dedupe::unknown_ids(&self.keys, &self.verdicts)
    }

    /// Applies the table's answer: `found` are the ids that the table has.
    pub fn resolve(&mut self, found: &Ids) {
        dedupe::resolve(&self.keys, &mut self.verdicts, found);
    }

    /// Makes the rows of first deliveries, grouped by the rules of the projects. `slice` is the slice that was judged.
    #[must_use]
    pub fn fold(self, slice: &Slice, rules: &Rules) -> SliceRows<S::Row> {
        let outcomes = self.outcomes();
        let (mut rows, mut offsets, mut first_deliveries) = (Vec::new(), Vec::new(), Vec::new());
        let mut failed = Rejections::new();
        for ((envelope, key), verdict) in self.envelopes.into_iter().zip(&self.keys).zip(&self.verdicts) {
            if *verdict != Verdict::First {
                continue;
            }
            let offset = i64::try_from(envelope.position.offset).unwrap_or(i64::MAX);
            match row::<S>(envelope, offset, slice, rules) {
                Ok(row) => {
                    rows.push(row);
                    offsets.push(offset);
                    first_deliveries.push(*key);
                }
                Err(rejection) => drop(failed.insert(offset, rejection)),
            }
        }
        SliceRows { rows, offsets, first_deliveries, failed, dead_letters: self.dead_letters, outcomes }
    }

    fn outcomes(&self) -> Vec<(Outcome, usize)> {
        let first_deliveries = self.verdicts.iter().filter(|verdict| **verdict == Verdict::First).count();
        let mut outcomes = vec![(Outcome::Accepted, first_deliveries), (Outcome::Duplicate, self.verdicts.len() - first_deliveries)];
        let mut reasons: BTreeMap<&'static str, usize> = BTreeMap::new();
        for rejection in self.rejections.values() {
            *reasons.entry(rejection.reason).or_default() += 1;
        }
        outcomes.extend(reasons.into_iter().map(|(reason, count)| (Outcome::Rejected(reason), count)));
        outcomes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::stream::{Connections, Occurrences};
    use schemas::ids::ConnectionId;
    use schemas::record::{Category, Connection, ConnectionKind, RawReport, Record};
    use schemas::row::ConnectionRow;

    const T0: i64 = 1_763_700_000_000;

    fn message(offset: i64, id: u8, occurred_at: Option<i64>) -> Message {
        let connection = Connection {
            connection_id: ConnectionId([id; 16]),
            app_id: "a".to_owned(),
            dialect: "native".to_owned(),
            kind: ConnectionKind::Start,
            platform_id: 1,
            version: String::new(),
            device_id: "设备".to_owned(),
            user_id: String::new(),
            country: String::new(),
            is_emulator: None,
            model: String::new(),
            os_version: String::new(),
            event_id: String::new(),
            occurred_at,
            received_at: T0,
            client_ip: String::new(),
            extra: String::new(),
            count: 1,
        };
        Message { offset, appended_at: T0 + offset, key: None, payload: record::encode(&connection).unwrap() }
    }

    fn slice(messages: &[Message]) -> Slice {
        let mut slice = Slice::starting_at(messages[0].offset);
        messages.iter().for_each(|message| slice.push(message.clone()));
        slice
    }

    fn judged(messages: &[Message], window: &Window) -> Judgement<Connections> {
        judge(&slice(messages), LogPartition { topic: "connections", number: 2, generation: 1 }, window, &Rejections::new()).unwrap()
    }

    fn rows(messages: &[Message], cuts: &[usize]) -> Vec<ConnectionRow> {
        let mut window = Window::new(dedupe::Bounds { length_ms: 7_200_000, ids: 1000 }, i64::MIN);
        let (mut rows, mut rest) = (Vec::new(), messages);
        for cut in cuts {
            let (head, tail) = rest.split_at(*cut);
            rest = tail;
            let folded = judged(head, &window).fold(&slice(head), &Rules::default());
            window.advance(&folded.first_deliveries);
            rows.extend(folded.rows);
        }
        assert!(rest.is_empty());
        rows
    }

    #[test]
    fn a_slice_becomes_rows_letters_and_outcomes() {
        let junk = Message { offset: 6, appended_at: T0, key: None, payload: vec![1, 2, 3] };
        let messages = [message(4, 1, Some(T0)), message(5, 1, Some(T0)), junk, message(7, 2, None), message(8, 2, None)];
        let window = Window::new(dedupe::Bounds { length_ms: 7_200_000, ids: 1000 }, T0 - 7_800_000);
        let folded = judged(&messages, &window).fold(&slice(&messages), &Rules::default());
        let offsets: Vec<u64> = folded.rows.iter().map(|row| row.log_offset).collect();
        assert_eq!(offsets, [4, 7, 8], "what has neither name nor date counts each time");
        assert_eq!(folded.dead_letters.len(), 1);
        assert_eq!(folded.dead_letters[0].key(), b"connections:2:6");
        assert_eq!(folded.outcomes, [(Outcome::Accepted, 3), (Outcome::Duplicate, 1), (Outcome::Rejected("not_avro"), 1)]);
    }

    #[test]
    fn the_table_decides_what_memory_does_not_cover() {
        let messages = [message(4, 1, Some(T0 - 86_400_000)), message(5, 2, Some(T0 - 86_400_000))];
        let window = Window::new(dedupe::Bounds { length_ms: 7_200_000, ids: 1000 }, T0 - 7_800_000);
        let mut judged = judged(&messages, &window);
        assert_eq!(judged.unknown_ids(), [[1; 16], [2; 16]]);
        judged.resolve(&[[1; 16]].into_iter().collect());
        assert_eq!(judged.fold(&slice(&messages), &Rules::default()).rows.iter().map(|row| row.log_offset).collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn the_twin_of_a_rejected_record_counts_and_is_the_same_in_one_slice_or_two() {
        let messages = [message(4, 1, Some(T0)), message(5, 2, Some(T0)), message(6, 1, Some(T0))];
        let window = Window::new(dedupe::Bounds { length_ms: 7_200_000, ids: 1000 }, i64::MIN);
        let partition = LogPartition { topic: "connections", number: 2, generation: 1 };
        let rejected = Rejections::from([(4, Rejection::killed())]);
        let folded =
            judge::<Connections>(&slice(&messages), partition, &window, &rejected).unwrap().fold(&slice(&messages), &Rules::default());
        assert_eq!(folded.offsets, [5, 6]);
        assert_eq!(folded.dead_letters.len(), 1);
        assert_eq!((folded.dead_letters[0].reason.as_str(), &folded.dead_letters[0].payload), ("killed_processor", &messages[0].payload));
    }

    #[test]
    fn a_record_that_is_too_large_to_be_kept_has_the_same_row() {
        const LARGE: usize = 15 << 20;
        let report = |length: usize| RawReport {
            exp_message: "很长的附注".to_owned(),
            extra: "x".repeat(length),
            ..RawReport::new("a", "native", Category::Error, T0)
        };
        let lengths = [LARGE, LARGE, LARGE, LARGE, LARGE, 3];
        let message = |(length, offset): (&usize, i64)| Message {
            offset,
            appended_at: T0,
            key: None,
            payload: record::encode(&report(*length)).unwrap(),
        };
        let messages: Vec<Message> = lengths.iter().zip(4..).map(message).collect();
        let (partition, window) = (LogPartition { topic: "connections", number: 2, generation: 1 }, Window::disabled());
        let judged = judge::<Occurrences>(&slice(&messages), partition, &window, &Rejections::new()).unwrap();
        let kept: Vec<bool> = judged.envelopes.iter().map(|envelope| envelope.value.is_some()).collect();
        assert_eq!(kept, [true, true, true, true, false, false], "the last is behind one that is too much");
        let folded = judged.fold(&slice(&messages), &Rules::default());
        assert_eq!(folded.rows.iter().map(|row| row.extra.len()).collect::<Vec<_>>(), lengths);
        assert_eq!(folded.rows[5], Occurrences::row(partition.position(&messages[5]), report(3), &Rules::default()));
    }

    #[test]
    fn where_slices_are_cut_changes_no_row() {
        let messages: Vec<Message> = (0..12_u8).map(|n| message(i64::from(n), n % 5, Some(T0 - i64::from(n % 5)))).collect();
        let whole = rows(&messages, &[12]);
        assert_eq!(whole.len(), 5);
        for cuts in [&[1; 12][..], &[5, 7], &[3, 3, 3, 3], &[11, 1]] {
            assert_eq!(rows(&messages, cuts), whole);
        }
    }
}
