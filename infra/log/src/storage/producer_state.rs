//! What a partition remembers of idempotent producers: the last five batches of each, so that a batch sent again
//! is answered with the offset it already has, and a gap is refused.

use super::batch::Header;
use super::error::StorageError;
use bytes::{Buf, BufMut};
use std::collections::{HashMap, VecDeque};

/// A producer keeps at most five batches in flight, so a repetition is among the last five.
const REMEMBERED: usize = 5;
const MAGIC: u32 = 0x4146_5031;

/// A stored batch of a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredBatch {
    first_sequence: i32,
    last_sequence: i32,
    /// Offset of its first record.
    pub base_offset: i64,
    /// The offset after its last record.
    pub end: i64,
    /// Its append time where the topic keeps that, else its greatest time, in milliseconds.
    pub timestamp: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Producer {
    epoch: i16,
    /// When it was last heard of, milliseconds since the epoch.
    seen: i64,
    /// The number that must come next where no batch tells: its first batch could not be written.
    expected: Option<i32>,
    batches: VecDeque<StoredBatch>,
}

/// All producers of a partition.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Producers(HashMap<i64, Producer>);

impl Producers {
    /// Decides about a batch: `None` it is new, `Some` it is already stored there.
    ///
    /// The rules are those of Kafka's producer state: an older epoch is fenced, a new epoch starts at 0,
    /// a producer nothing is known of may start anywhere.
    pub fn check(&self, batch: &Header) -> Result<Option<StoredBatch>, StorageError> {
        let Some(producer) = self.0.get(&batch.producer).filter(|_| batch.producer >= 0) else {
            return Ok(None);
        };
        if batch.epoch < producer.epoch {
            return Err(StorageError::FencedProducer);
        }
        if batch.epoch > producer.epoch {
            return in_order(batch.sequence == 0);
        }
        let twin =
            producer.batches.iter().find(|stored| stored.first_sequence == batch.sequence && stored.last_sequence == batch.last_sequence());
        if let Some(stored) = twin {
            return Ok(Some(*stored));
        }
        let next = producer.batches.back().map(|last| following(last.last_sequence));
        in_order(next.or(producer.expected).is_none_or(|next| next == batch.sequence))
    }

    /// Remembers a batch that is in the log.
    pub fn record(&mut self, batch: &Header, seen: i64) {
        if batch.producer < 0 {
            return;
        }
        let producer = self.entry(batch, seen);
        producer.expected = None;
        if producer.batches.len() == REMEMBERED {
            producer.batches.pop_front();
        }
        producer.batches.push_back(StoredBatch {
            first_sequence: batch.sequence,
            last_sequence: batch.last_sequence(),
            base_offset: batch.base_offset,
            end: batch.end(),
            timestamp: batch.max_timestamp,
        });
    }

    /// Remembers that a new producer's first batch could not be written: what it sent after that must not go first.
    pub fn expect(&mut self, batch: &Header, seen: i64) {
        if batch.producer >= 0 && !self.0.contains_key(&batch.producer) {
            self.entry(batch, seen).expected = Some(batch.sequence);
        }
    }

    /// Forgets producers not heard of since `before`.
    pub fn forget(&mut self, before: i64) {
        self.0.retain(|_, producer| producer.seen >= before);
    }

    fn entry(&mut self, batch: &Header, seen: i64) -> &mut Producer {
        let fresh = || Producer { epoch: batch.epoch, seen, expected: None, batches: VecDeque::new() };
        let producer = self.0.entry(batch.producer).or_insert_with(fresh);
        if producer.epoch != batch.epoch {
            *producer = fresh();
        }
        producer.seen = seen;
        producer
    }

    /// The state as bytes, with a checksum.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.0.len() * 64);
        out.put_u32(MAGIC);
        out.put_u32(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        for (id, producer) in &self.0 {
            out.put_i64(*id);
            out.put_i16(producer.epoch);
            out.put_i64(producer.seen);
            out.put_i32(producer.expected.unwrap_or(-1));
            out.put_u8(u8::try_from(producer.batches.len()).unwrap_or(u8::MAX));
            for stored in &producer.batches {
                out.put_i32(stored.first_sequence);
                out.put_i32(stored.last_sequence);
                out.put_i64(stored.base_offset);
                out.put_i64(stored.end);
                out.put_i64(stored.timestamp);
            }
        }
        let crc = crc32c::crc32c(&out);
        out.put_u32(crc);
        out
    }

    /// Reads what [`Producers::encode`] wrote; `None` where it is damaged.
    pub fn decode(bytes: &[u8]) -> Option<Producers> {
        let (content, crc) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
        if crc32c::crc32c(content).to_be_bytes() != crc {
            return None;
        }
        let mut rest = content;
        if rest.try_get_u32().ok()? != MAGIC {
            return None;
        }
        let count = rest.try_get_u32().ok()?;
        let mut producers = HashMap::new();
        for _ in 0..count {
            let id = rest.try_get_i64().ok()?;
            producers.insert(id, decode_producer(&mut rest)?);
        }
        Some(Producers(producers))
    }
}

fn decode_producer(rest: &mut &[u8]) -> Option<Producer> {
    let mut producer = Producer {
        epoch: rest.try_get_i16().ok()?,
        seen: rest.try_get_i64().ok()?,
        expected: Some(rest.try_get_i32().ok()?).filter(|sequence| *sequence >= 0),
        batches: VecDeque::new(),
    };
    for _ in 0..rest.try_get_u8().ok()? {
        producer.batches.push_back(StoredBatch {
            first_sequence: rest.try_get_i32().ok()?,
            last_sequence: rest.try_get_i32().ok()?,
            base_offset: rest.try_get_i64().ok()?,
            end: rest.try_get_i64().ok()?,
            timestamp: rest.try_get_i64().ok()?,
        });
    }
    Some(producer)
}

fn in_order(right: bool) -> Result<Option<StoredBatch>, StorageError> {
    if right { Ok(None) } else { Err(StorageError::OutOfOrder) }
}

fn following(sequence: i32) -> i32 {
    sequence.checked_add(1).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::batch::tests::batch;
    use super::*;

    fn header(sequence: i32, count: i32, epoch: i16, offset: i64) -> Header {
        let parsed = Header::parse(&batch(9, sequence, count, b"x")).unwrap();
        Header { epoch, base_offset: offset, ..parsed }
    }

    #[test]
    fn duplicates_get_their_offset_and_gaps_are_refused() {
        let mut producers = Producers::default();
        for n in 0..7 {
            let next = header(n * 10, 10, 0, i64::from(n) * 10);
            assert_eq!(producers.check(&next), Ok(None));
            producers.record(&next, 1);
        }
        for n in 2..7 {
            let stored = producers.check(&header(n * 10, 10, 0, 0)).unwrap().unwrap();
            assert_eq!((stored.base_offset, stored.end), (i64::from(n) * 10, i64::from(n) * 10 + 10));
        }
        assert_eq!(producers.check(&header(10, 10, 0, 0)), Err(StorageError::OutOfOrder), "older than remembered");
        assert_eq!(producers.check(&header(80, 10, 0, 0)), Err(StorageError::OutOfOrder), "a gap");
        assert_eq!(producers.check(&header(60, 9, 0, 0)), Err(StorageError::OutOfOrder), "another cut of the same");
        assert_eq!(producers.check(&header(70, 1, 0, 0)), Ok(None));
    }

    #[test]
    fn epochs_fence_and_start_anew() {
        let mut producers = Producers::default();
        producers.record(&header(0, 5, 3, 0), 1);
        assert_eq!(producers.check(&header(5, 1, 2, 0)), Err(StorageError::FencedProducer));
        assert_eq!(producers.check(&header(5, 1, 4, 0)), Err(StorageError::OutOfOrder));
        assert_eq!(producers.check(&header(0, 1, 4, 0)), Ok(None));
        producers.record(&header(0, 1, 4, 5), 1);
        assert_eq!(producers.check(&header(5, 1, 3, 0)), Err(StorageError::FencedProducer));
    }

    #[test]
    fn numbers_wrap_after_the_greatest() {
        let mut producers = Producers::default();
        producers.record(&header(i32::MAX - 1, 2, 0, 0), 1);
        assert_eq!(producers.check(&header(0, 1, 0, 0)), Ok(None));
        assert_eq!(producers.check(&header(1, 1, 0, 0)), Err(StorageError::OutOfOrder));
    }

    #[test]
    fn a_first_batch_that_failed_stays_first() {
        let mut producers = Producers::default();
        producers.expect(&header(0, 5, 0, 0), 1);
        assert_eq!(producers.check(&header(5, 5, 0, 0)), Err(StorageError::OutOfOrder));
        assert_eq!(producers.check(&header(0, 5, 0, 0)), Ok(None));
    }

    #[test]
    fn the_state_survives_as_bytes_and_damage_is_seen() {
        let mut producers = Producers::default();
        producers.record(&header(0, 5, 0, 0), 77);
        producers.record(&header(5, 5, 0, 5), 78);
        let mut bytes = producers.encode();
        assert_eq!(Producers::decode(&bytes), Some(producers.clone()));
        bytes[12] ^= 1;
        assert_eq!(Producers::decode(&bytes), None);
        assert_eq!(Producers::decode(&[]), None);
        producers.forget(79);
        assert_eq!(producers, Producers::default());
    }
}
