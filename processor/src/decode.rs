//! Bytes of the log to records; what cannot be read is a [`Rejection`], and the slice goes on.

use schemas::record::{self, Record, RejectedReport};
use schemas::row::Position;
use service::kafka::consumer::Message;

use crate::envelope::Envelope;

/// Why a record cannot be processed: the data's fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Stable code.
    pub reason: &'static str,
    /// For people.
    pub message: String,
    /// Place of the record in the slice's messages.
    pub index: usize,
}

/// The records of a slice in the order of the log, and those that are none.
#[derive(Debug)]
pub struct Decoded<R> {
    pub envelopes: Vec<Envelope<R>>,
    pub rejections: Vec<Rejection>,
}

/// Reads the messages of one partition.
///
/// # Errors
/// A released schema cannot be parsed: a fault of the build, not of the data.
pub fn decode<R: Record>(messages: &[Message], partition: i32, generation: u16) -> Result<Decoded<R>, record::Error> {
    let mut decoded = Decoded { envelopes: Vec::with_capacity(messages.len()), rejections: Vec::new() };
    for (index, message) in messages.iter().enumerate() {
        match record::decode::<R>(&message.payload) {
            Ok(value) => decoded.envelopes.push(Envelope { position: position(message, partition, generation), value }),
            Err(error @ record::Error::Schema(_)) => return Err(error),
            Err(error) => decoded.rejections.push(Rejection { reason: reason(&error), message: error.to_string(), index }),
        }
    }
    Ok(decoded)
}

/// The dead letter of a rejected message.
#[must_use]
pub fn letter(topic: &str, partition: i32, message: &Message, rejection: &Rejection) -> RejectedReport {
    RejectedReport {
        source_topic: topic.to_owned(),
        source_partition: partition,
        source_offset: message.offset,
        reason: rejection.reason.to_owned(),
        message: rejection.message.clone(),
        appended_at: message.appended_at,
        key: message.key.clone(),
        payload: message.payload.clone(),
    }
}

fn position(message: &Message, partition: i32, generation: u16) -> Position {
    Position {
        generation,
        partition: u32::try_from(partition).unwrap_or_default(),
        offset: u64::try_from(message.offset).unwrap_or_default(),
        appended_at: message.appended_at,
    }
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
        let messages = [message(4, good.clone()), message(5, Vec::new()), message(6, torn), message(9, foreign), message(10, good)];
        let decoded = decode::<IssueChange>(&messages, 3, 1).unwrap();
        let offsets: Vec<u64> = decoded.envelopes.iter().map(|envelope| envelope.position.offset).collect();
        assert_eq!(offsets, [4, 10]);
        assert_eq!(decoded.envelopes[1].value, change());
        assert_eq!(decoded.envelopes[1].position.partition, 3);
        assert_eq!(decoded.envelopes[1].position.generation, 1);
        let reasons: Vec<(usize, &str)> = decoded.rejections.iter().map(|r| (r.index, r.reason)).collect();
        assert_eq!(reasons, [(1, "not_avro"), (2, "bad_datum"), (3, "unknown_schema")]);
    }

    #[test]
    fn a_dead_letter_keeps_the_record_whole_and_is_named_by_its_place() {
        let message = message(6, b"\xff\x00junk".to_vec());
        let rejection = Rejection { reason: "not_avro", message: "no".to_owned(), index: 0 };
        let letter = letter("raw-reports", 2, &message, &rejection);
        assert_eq!(letter.key(), b"raw-reports:2:6");
        assert_eq!(letter.payload, message.payload);
        assert_eq!(letter.appended_at, message.appended_at);
    }
}
