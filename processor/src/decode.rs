//! Reads messages of the log as records. A message that cannot be read is a [`Rejection`]; the others are processed.

use crate::catch_panic::catch_panic;
use crate::dedupe::DedupeKey;
use crate::log_partition::{LogPartition, PositionedRecord};
use crate::stream::Stream;
use schemas::record;
use service::kafka::consumer::Message;
use std::collections::BTreeMap;

/// Why a record cannot be processed. The data is at fault, so the record becomes a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// A stable code.
    pub reason: &'static str,
    /// The reason in words.
    pub message: String,
}

/// Bytes of decoded records that are kept of one slice. A list of many empty items takes dozens of times its bytes in the log.
const KEPT_BYTES: usize = 64 << 20;

/// Rejections by the offsets of their records.
pub type Rejections = BTreeMap<i64, Rejection>;

/// The records of a slice in the order of the log, and the rejections.
pub struct Decoded<R> {
    pub envelopes: Vec<PositionedRecord<R>>,
    /// The keys of the records, in the same order.
    pub keys: Vec<DedupeKey>,
    pub rejections: Rejections,
}

impl Rejection {
    /// Reading or grouping the record panicked.
    #[must_use]
    pub fn panicked(message: String) -> Self {
        Self { reason: "panicked", message }
    }

    /// Work on the record ended the process.
    #[must_use]
    pub fn killed() -> Self {
        Self { reason: "killed_processor", message: "work on this record ended the processor; it was not read again".to_owned() }
    }

    /// The table refuses the row of the record and takes other rows.
    #[must_use]
    pub fn refused(answer: String) -> Self {
        Self { reason: "refused_by_table", message: answer }
    }
}

/// Reads messages of one partition. Messages that are `rejected` already are not read.
///
/// # Errors
/// A released schema cannot be parsed, which is a fault of the build and not of the data.
pub fn decode<S: Stream>(
    messages: &[Message],
    partition: LogPartition,
    rejected: &Rejections,
) -> Result<Decoded<S::Record>, record::Error> {
    let (mut envelopes, mut keys) = (Vec::with_capacity(messages.len()), Vec::with_capacity(messages.len()));
    let (mut rejections, mut kept) = (Rejections::new(), 0_usize);
    for message in messages {
        let read = match rejected.get(&message.offset) {
            Some(rejection) => Err(rejection.clone()),
            None => read::<S>(message)?,
        };
        match read {
            Ok((value, key)) => {
                kept = kept.saturating_add(message.payload.len()).saturating_add(S::list_bytes(&value));
                let value = (kept <= KEPT_BYTES).then_some(value);
                envelopes.push(PositionedRecord { position: partition.position(message), value });
                keys.push(key);
            }
            Err(rejection) => drop(rejections.insert(message.offset, rejection)),
        }
    }
    Ok(Decoded { envelopes, keys, rejections })
}

/// Reads one message.
///
/// # Errors
/// As [`decode`].
pub fn read<S: Stream>(message: &Message) -> Result<Result<(S::Record, DedupeKey), Rejection>, record::Error> {
    let read = || -> Result<_, record::Error> {
        let value = record::decode::<S::Record>(&message.payload)?;
        let key = S::dedupe_key(&value, message.appended_at);
        Ok((value, key))
    };
    Ok(match catch_panic(read) {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error @ record::Error::Schema(_))) => return Err(error),
        Ok(Err(error)) => Err(Rejection { reason: reason(&error), message: error.to_string() }),
        Err(message) => Err(Rejection::panicked(message)),
    })
}

fn reason(error: &record::Error) -> &'static str {
    match error {
        record::Error::NotSingleObject => "not_avro",
        record::Error::UnknownSchema(_) => "unknown_schema",
        record::Error::Datum(_) => "bad_datum",
        record::Error::Schema(_) => "schema",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::stream::IssueChanges;
    use schemas::ids::{ChangeId, IssueId};
    use schemas::record::IssueChange;

    fn change() -> IssueChange {
        IssueChange {
            change_id: ChangeId([1; 16]),
            app_id: "应用".to_owned(),
            platform_id: 10,
            issue_id: IssueId([2; 16]),
            kind: "note".to_owned(),
            value: "\"说明\"".to_owned(),
            author: "10001".to_owned(),
            changed_at: 5,
        }
    }

    fn message(offset: i64, payload: Vec<u8>) -> Message {
        Message { offset, appended_at: 1_763_700_000_000 + offset, key: Some(vec![7]), payload }
    }

    #[test]
    fn what_is_no_record_is_rejected_and_the_rest_keeps_its_place() {
        let good = record::encode(&change()).unwrap();
        let mut torn = good.clone();
        torn.truncate(good.len() - 1);
        let mut foreign = good.clone();
        foreign[2] ^= 0xff;
        let payloads = [(4, good.clone()), (5, Vec::new()), (6, torn), (8, good.clone()), (9, foreign), (10, good)];
        let messages = payloads.map(|(offset, payload)| message(offset, payload));
        let killed = Rejections::from([(8, Rejection::killed())]);
        let decoded =
            decode::<IssueChanges>(&messages, LogPartition { topic: "issue-changes", number: 3, generation: 1 }, &killed).unwrap();
        let offsets: Vec<u64> = decoded.envelopes.iter().map(|envelope| envelope.position.offset).collect();
        assert_eq!(offsets, [4, 10]);
        assert_eq!(decoded.keys.len(), 2);
        assert_eq!(decoded.envelopes[1].value, Some(change()));
        assert_eq!(decoded.envelopes[1].position.partition, 3);
        assert_eq!(decoded.envelopes[1].position.generation, 1);
        let reasons: Vec<(i64, &str)> = decoded.rejections.iter().map(|(offset, rejection)| (*offset, rejection.reason)).collect();
        assert_eq!(reasons, [(5, "not_avro"), (6, "bad_datum"), (8, "killed_processor"), (9, "unknown_schema")]);
    }
}
