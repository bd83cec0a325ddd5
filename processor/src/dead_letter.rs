//! Dead letters: a record that could not be processed is written to a topic of its own before its slice is committed. A record that is too large
//! for a letter is cut, and the letter says so.

use crate::decode::Rejection;
use crate::error::Error;
use crate::metrics::DEAD_LETTERS;
use schemas::record::{self, Record, RejectedReport};
use service::kafka::consumer::Message;
use service::kafka::{self, Config, MAX_RECORD_BYTES, Producer, ProducerOptions};
use service::telemetry::Counter;

/// Bytes of a payload that fit into a letter, beside its other fields and the log's own overhead.
const PAYLOAD_BYTES: usize = MAX_RECORD_BYTES - ROOM_BYTES;
/// Room for everything but the payload.
const ROOM_BYTES: usize = 64 << 10;
/// Payloads that are tried where the log refuses a letter: what Kafka's default limit takes, then none.
const SMALLER_BYTES: [usize; 2] = [768 << 10, 0];
const KEY_BYTES: usize = 1 << 10;
const MESSAGE_BYTES: usize = 1 << 10;

/// Writes dead letters to their topic.
#[derive(Clone)]
pub struct DeadLetters {
    producer: Producer,
    /// Letters that were sent whole, that were cut, and that the log refused in every size.
    sent: [Counter; 3],
}

/// The dead letter of a rejected message. It fits the limit of the topics, however large the message is.
#[must_use]
pub fn letter(topic: &str, partition: i32, message: &Message, rejection: &Rejection) -> RejectedReport {
    let key = message.key.as_ref();
    let mut letter = RejectedReport {
        source_topic: topic.to_owned(),
        source_partition: partition,
        source_offset: message.offset,
        reason: rejection.reason.to_owned(),
        message: beginning(&rejection.message, MESSAGE_BYTES).to_owned(),
        appended_at: message.appended_at,
        key: key.map(|key| key[..key.len().min(KEY_BYTES)].to_vec()),
        payload: message.payload[..message.payload.len().min(PAYLOAD_BYTES)].to_vec(),
    };
    if let Some(key) = key.filter(|key| key.len() > KEY_BYTES) {
        letter.message.push_str(&format!(" [the key had {} bytes, the first {KEY_BYTES} are kept]", key.len()));
    }
    note_cut(&mut letter, message.payload.len());
    letter
}

/// The same letter with at most `limit` bytes of its payload.
fn cut(mut letter: RejectedReport, limit: usize) -> RejectedReport {
    let had = letter.payload.len();
    letter.payload.truncate(limit);
    note_cut(&mut letter, had);
    letter
}

fn note_cut(letter: &mut RejectedReport, had: usize) {
    let kept = letter.payload.len();
    if kept < had {
        letter.message.push_str(&format!(" [the payload had {had} bytes, the first {kept} are kept]"));
    }
}

/// The beginning of a text, cut at a character boundary.
fn beginning(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl DeadLetters {
    /// A writer that connects in the background.
    ///
    /// # Errors
    /// A property that the client library does not take.
    pub fn new(kafka: &Config) -> Result<Self, Error> {
        let options = ProducerOptions {
            client_id: "aftershock-processor".to_owned(),
            queue_messages: 20_000,
            queue_bytes: 64 << 20,
            ..ProducerOptions::default()
        };
        let sent = |size| DEAD_LETTERS.with([size]);
        Ok(Self { producer: Producer::new(kafka, options)?, sent: [sent("whole"), sent("cut"), sent("refused")] })
    }

    /// Sends letters and returns when the log has all of them. A letter that is sent again has the same key and counts once. A letter that is
    /// too large for the log is sent again with less of its payload. A letter that the log refuses in every size is counted, logged and dropped.
    ///
    /// # Errors
    /// The log is away or full; all letters are to be sent again.
    pub async fn send(&self, letters: &[RejectedReport]) -> Result<(), Error> {
        let mut too_large = self.offer(letters).await?;
        self.sent[0].add((letters.len() - too_large.len()) as u64);
        for limit in SMALLER_BYTES {
            let smaller: Vec<RejectedReport> = too_large.into_iter().map(|letter| cut(letter, limit)).collect();
            too_large = self.offer(&smaller).await?;
            self.sent[1].add((smaller.len() - too_large.len()) as u64);
        }
        for letter in &too_large {
            let (topic, partition, offset) = (&letter.source_topic, letter.source_partition, letter.source_offset);
            tracing::error!(topic, partition, offset, reason = letter.reason, "the log takes the dead letter in no size");
        }
        self.sent[2].add(too_large.len() as u64);
        Ok(())
    }

    /// Sends letters; returns those that are too large.
    async fn offer(&self, letters: &[RejectedReport]) -> Result<Vec<RejectedReport>, Error> {
        let mut deliveries = Vec::with_capacity(letters.len());
        for letter in letters {
            deliveries.push((letter, self.producer.send(RejectedReport::TOPIC, &letter.key(), &record::encode(letter)?)?));
        }
        let mut too_large = Vec::new();
        for (letter, delivery) in deliveries {
            match delivery.await {
                Ok(_) => {}
                Err(kafka::Error::TooLarge) => too_large.push(letter.clone()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(too_large)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn message(key: usize, payload: usize) -> Message {
        Message { offset: i64::MAX, appended_at: 1_763_700_000_000, key: Some(vec![7; key]), payload: vec![0xC3; payload] }
    }

    #[test]
    fn a_small_record_is_kept_whole_and_the_letter_is_named_by_its_place() {
        let message = Message { offset: 6, ..message(3, 9) };
        let rejection = Rejection { reason: "not_avro", message: "no".to_owned() };
        let letter = letter("raw-reports", 2, &message, &rejection);
        assert_eq!(letter.key(), b"raw-reports:2:6");
        assert_eq!((&letter.payload, letter.key.as_ref()), (&message.payload, message.key.as_ref()));
        assert_eq!((letter.appended_at, letter.message.as_str()), (message.appended_at, "no"));
    }

    #[test]
    fn what_is_cut_is_said() {
        let rejection = Rejection { reason: "not_avro", message: "no".to_owned() };
        let letter = letter("raw-reports", 2, &message(0, MAX_RECORD_BYTES), &rejection);
        assert_eq!(letter.payload.len(), PAYLOAD_BYTES);
        assert_eq!(letter.message, format!("no [the payload had {MAX_RECORD_BYTES} bytes, the first {PAYLOAD_BYTES} are kept]"));
        assert_eq!(cut(letter.clone(), 5).payload.len(), 5);
        assert_eq!(cut(letter.clone(), MAX_RECORD_BYTES), letter);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(6))]
        #[test]
        fn every_letter_fits_the_log(
            key in 0..MAX_RECORD_BYTES, payload in prop_oneof![0..100_usize, (MAX_RECORD_BYTES - 200_000)..(MAX_RECORD_BYTES + 200_000)], text in "[a崩]{0,3000}",
        ) {
            let rejection = Rejection { reason: "killed_processor", message: text };
            let letter = letter("a-topic-with-a-name-that-is-rather-long", i32::MAX, &message(key, payload), &rejection);
            // Around a record: the batch's head, the record's own lengths, the key.
            let around = 61 + 40 + letter.key().len();
            prop_assert!(record::encode(&letter).unwrap().len() + around <= MAX_RECORD_BYTES);
        }
    }
}
