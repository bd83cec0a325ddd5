//! The header of a record batch (Kafka's format 2): read, checked and stamped without touching the records.

use super::error::StorageError;
use bytes::{Buf, Bytes};
use std::io;

/// Bytes before the first record.
pub const HEADER: usize = 61;
/// Offset and length: the part that says where the batch ends.
pub const PREFIX: usize = 12;
/// From here to the end the checksum is taken.
const CHECKED_FROM: usize = 21;
const COMPRESSION: i16 = 0b111;
const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL_OR_CONTROL: i16 = 0b11 << 4;

/// A batch header as it lies in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Offset of the first record.
    pub base_offset: i64,
    /// Bytes of the whole batch, header included.
    pub size: usize,
    /// Checksum (CRC-32C) that the batch carries.
    pub crc: u32,
    /// Codec, kind of timestamp and the transaction bits.
    pub attributes: i16,
    /// Offset of the last record, relative to the first.
    pub last_delta: i32,
    /// Milliseconds since the epoch; the records' times are relative to it.
    pub base_timestamp: i64,
    /// Greatest time of the records, or the append time of all of them.
    pub max_timestamp: i64,
    /// Idempotent producer, or -1.
    pub producer: i64,
    /// Epoch of the producer.
    pub epoch: i16,
    /// Producer's number of the first record.
    pub sequence: i32,
    /// Records in the batch.
    pub count: i32,
}

impl Header {
    /// Reads a header; `None` where the bytes are too few or cannot be one.
    pub fn parse(bytes: &[u8]) -> Option<Header> {
        let mut rest = bytes.get(..HEADER)?;
        let base_offset = rest.get_i64();
        let length = rest.get_i32();
        let _leader_epoch = rest.get_i32();
        let magic = rest.get_i8();
        let crc = rest.get_u32();
        let size = usize::try_from(length).ok()?.checked_add(PREFIX)?;
        if magic != 2 || size < HEADER {
            return None;
        }
        let header = Header {
            base_offset,
            size,
            crc,
            attributes: rest.get_i16(),
            last_delta: rest.get_i32(),
            base_timestamp: rest.get_i64(),
            max_timestamp: rest.get_i64(),
            producer: rest.get_i64(),
            epoch: rest.get_i16(),
            sequence: rest.get_i32(),
            count: rest.get_i32(),
        };
        let sound =
            header.base_offset >= 0 && header.last_delta >= 0 && header.base_offset.checked_add(i64::from(header.last_delta) + 1).is_some();
        sound.then_some(header)
    }

    /// The offset after the last record.
    pub fn end(&self) -> i64 {
        self.base_offset + i64::from(self.last_delta) + 1
    }

    /// The producer's number of the last record; numbers wrap to 0 after `i32::MAX`.
    pub fn last_sequence(&self) -> i32 {
        let last = i64::from(self.sequence) + i64::from(self.last_delta);
        i32::try_from(last & i64::from(i32::MAX)).unwrap_or(0)
    }

    /// Whether all records carry the append time.
    pub fn is_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }
}

/// Whether the checksum of a whole batch is right.
pub fn is_intact(header: &Header, batch: &[u8]) -> bool {
    batch.len() == header.size && crc32c::crc32c(&batch[CHECKED_FROM..]) == header.crc
}

/// Checks what a producer sent for one partition: exactly one whole batch, as Kafka demands.
pub fn admit(batch: &Bytes, max_bytes: usize) -> Result<Header, StorageError> {
    if batch.len() > max_bytes {
        return Err(StorageError::TooLarge);
    }
    if batch.get(16).is_some_and(|magic| *magic < 2) {
        return Err(StorageError::OldFormat);
    }
    let header = Header::parse(batch).ok_or(StorageError::Corrupt)?;
    if header.size < batch.len() {
        return Err(StorageError::Invalid);
    }
    if !is_intact(&header, batch) {
        return Err(StorageError::Corrupt);
    }
    let whole = header.count > 0 && header.last_delta == header.count - 1;
    let plain = header.attributes & TRANSACTIONAL_OR_CONTROL == 0;
    let codec = header.attributes & COMPRESSION <= 4;
    let numbered = header.producer < 0 || (header.epoch >= 0 && header.sequence >= 0);
    if whole && plain && codec && numbered { Ok(header) } else { Err(StorageError::Invalid) }
}

/// The header to store: its offset, leader epoch 0 and, for append time, the time with a new checksum.
pub fn stamp(batch: &[u8], header: &mut Header, offset: i64, appended: Option<i64>) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes.copy_from_slice(&batch[..HEADER]);
    header.base_offset = offset;
    bytes[..8].copy_from_slice(&offset.to_be_bytes());
    bytes[12..16].fill(0);
    let wanted = match appended {
        Some(_) => header.attributes | LOG_APPEND_TIME,
        None => header.attributes & !LOG_APPEND_TIME,
    };
    if appended.is_none() && wanted == header.attributes {
        return bytes;
    }
    header.attributes = wanted;
    header.max_timestamp = appended.unwrap_or(header.max_timestamp);
    bytes[21..23].copy_from_slice(&wanted.to_be_bytes());
    bytes[35..43].copy_from_slice(&header.max_timestamp.to_be_bytes());
    let head = crc32c::crc32c(&bytes[CHECKED_FROM..]);
    header.crc = crc32c::crc32c_append(head, &batch[HEADER..]);
    bytes[17..21].copy_from_slice(&header.crc.to_be_bytes());
    bytes
}

/// A stored batch with other records in it: the header's count, greatest time, size and checksum follow, offsets and
/// sequences stay those of the whole batch.
pub fn refill(stored: &[u8], header: &mut Header, records: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(HEADER + records.len());
    bytes.extend_from_slice(stored.get(..HEADER).ok_or(io::ErrorKind::UnexpectedEof)?);
    bytes.extend_from_slice(records);
    header.size = bytes.len();
    let length = i32::try_from(bytes.len() - PREFIX).map_err(|_| io::ErrorKind::FileTooLarge)?;
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    bytes[35..43].copy_from_slice(&header.max_timestamp.to_be_bytes());
    bytes[57..61].copy_from_slice(&header.count.to_be_bytes());
    header.crc = crc32c::crc32c(&bytes[CHECKED_FROM..]);
    bytes[17..21].copy_from_slice(&header.crc.to_be_bytes());
    Ok(bytes)
}

#[cfg(test)]
pub mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// A batch of `count` records whose bytes are arbitrary; the log never looks inside.
    pub fn batch(producer: i64, sequence: i32, count: i32, body: &[u8]) -> Bytes {
        let mut bytes = vec![0; HEADER];
        bytes.extend_from_slice(body);
        let length = i32::try_from(bytes.len() - PREFIX).unwrap();
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        bytes[16] = 2;
        bytes[23..27].copy_from_slice(&(count - 1).to_be_bytes());
        bytes[27..35].copy_from_slice(&1_000i64.to_be_bytes());
        bytes[35..43].copy_from_slice(&1_000i64.to_be_bytes());
        bytes[43..51].copy_from_slice(&producer.to_be_bytes());
        bytes[53..57].copy_from_slice(&sequence.to_be_bytes());
        bytes[57..61].copy_from_slice(&count.to_be_bytes());
        let crc = crc32c::crc32c(&bytes[CHECKED_FROM..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        Bytes::from(bytes)
    }

    #[test]
    fn a_stamped_batch_is_intact_and_carries_offset_and_time() {
        let sent = batch(7, 3, 5, b"records");
        let mut header = admit(&sent, 1 << 20).unwrap();
        let stamped = stamp(&sent, &mut header, 42, Some(99));
        let stored = [&stamped[..], &sent[HEADER..]].concat();
        let read = Header::parse(&stored).unwrap();
        assert_eq!(read, header);
        assert!(is_intact(&read, &stored));
        assert_eq!((read.base_offset, read.end(), read.max_timestamp), (42, 47, 99));
        assert!(read.is_append_time());
        assert_eq!(read.last_sequence(), 7);
    }

    #[test]
    fn refuses_what_kafka_refuses() {
        let sent = batch(-1, -1, 1, b"records");
        assert_eq!(admit(&sent, 10), Err(StorageError::TooLarge));
        assert_eq!(admit(&sent.slice(..40), 1000), Err(StorageError::Corrupt));
        let mut flipped = sent.to_vec();
        flipped[65] ^= 1;
        assert_eq!(admit(&Bytes::from(flipped), 1000), Err(StorageError::Corrupt));
        let two = [&sent[..], &sent[..]].concat();
        assert_eq!(admit(&Bytes::from(two), 1000), Err(StorageError::Invalid));
        let mut old = sent.to_vec();
        old[16] = 1;
        assert_eq!(admit(&Bytes::from(old), 1000), Err(StorageError::OldFormat));
        assert_eq!(admit(&Bytes::new(), 1000), Err(StorageError::Corrupt));
    }

    #[test]
    fn sequences_wrap() {
        let header = Header { sequence: i32::MAX, last_delta: 1, ..Header::parse(&batch(1, 0, 2, b"")).unwrap() };
        assert_eq!(header.last_sequence(), 0);
    }
}
