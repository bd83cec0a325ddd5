//! Where batches lie in a segment: one entry for every few kilobytes, by offset and by time.

use super::batch::Header;
use bytes::{Buf, BufMut};

/// Bytes of log between two entries; a read scans at most this much before its first batch.
const SPACING: u64 = 32 * 1024;
const MAGIC: u32 = 0x4146_4931;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    offset: i64,
    position: u64,
    /// Greatest time of all batches before `position`.
    before: i64,
}

/// The entries of one segment and what it holds as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    entries: Vec<Entry>,
    /// Bytes of whole batches in the segment.
    pub size: u64,
    /// The offset after the last batch.
    pub end: i64,
    /// Greatest time in the segment, milliseconds; `i64::MIN` while it is empty.
    pub max_timestamp: i64,
}

impl Index {
    /// The index of an empty segment.
    pub fn new(base: i64) -> Index {
        Index { entries: Vec::new(), size: 0, end: base, max_timestamp: i64::MIN }
    }

    /// Takes note of the next batch of the segment.
    pub fn add(&mut self, header: &Header) {
        let due = self.entries.last().is_none_or(|last| self.size - last.position >= SPACING);
        if due {
            let entry = Entry { offset: header.base_offset, position: self.size, before: self.max_timestamp };
            self.entries.push(entry);
        }
        self.size += header.size as u64;
        self.end = header.end();
        self.max_timestamp = self.max_timestamp.max(header.max_timestamp);
    }

    /// A position at or before the batch that holds `offset`.
    pub fn position_of(&self, offset: i64) -> u64 {
        let after = self.entries.partition_point(|entry| entry.offset <= offset);
        self.position_before(after)
    }

    /// A position at or before the first batch whose greatest time is at least `timestamp`.
    pub fn position_of_time(&self, timestamp: i64) -> u64 {
        let after = self.entries.partition_point(|entry| entry.before < timestamp);
        self.position_before(after)
    }

    fn position_before(&self, after: usize) -> u64 {
        after.checked_sub(1).and_then(|at| self.entries.get(at)).map_or(0, |entry| entry.position)
    }

    /// The index as bytes, with a checksum.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(36 + self.entries.len() * 24);
        out.put_u32(MAGIC);
        out.put_u64(self.size);
        out.put_i64(self.end);
        out.put_i64(self.max_timestamp);
        for entry in &self.entries {
            out.put_i64(entry.offset);
            out.put_u64(entry.position);
            out.put_i64(entry.before);
        }
        let crc = crc32c::crc32c(&out);
        out.put_u32(crc);
        out
    }

    /// Reads what [`Index::encode`] wrote; `None` where it is damaged.
    pub fn decode(bytes: &[u8]) -> Option<Index> {
        let (content, crc) = bytes.split_at_checked(bytes.len().checked_sub(4)?)?;
        if crc32c::crc32c(content).to_be_bytes() != crc {
            return None;
        }
        let mut rest = content;
        if rest.try_get_u32().ok()? != MAGIC {
            return None;
        }
        let mut index = Index::new(0);
        index.size = rest.try_get_u64().ok()?;
        index.end = rest.try_get_i64().ok()?;
        index.max_timestamp = rest.try_get_i64().ok()?;
        while rest.has_remaining() {
            index.entries.push(Entry {
                offset: rest.try_get_i64().ok()?,
                position: rest.try_get_u64().ok()?,
                before: rest.try_get_i64().ok()?,
            });
        }
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::super::batch::tests::batch;
    use super::*;

    #[test]
    fn finds_positions_by_offset_and_time_and_survives_as_bytes() {
        let mut index = Index::new(100);
        let sample = Header::parse(&batch(-1, -1, 10, &[0; 9_939])).unwrap();
        for n in 0..100 {
            index.add(&Header { base_offset: 100 + n * 10, max_timestamp: 5_000 + n, ..sample });
        }
        assert_eq!((index.size, index.end, index.max_timestamp), (1_000_000, 1_100, 5_099));
        let at = index.position_of(655);
        assert!(at <= 550_000 && at > 550_000 - SPACING - 10_000, "{at}");
        let at = index.position_of_time(5_050);
        assert!(at <= 500_000 && at > 500_000 - SPACING - 10_000, "{at}");
        assert_eq!((index.position_of(0), index.position_of_time(0)), (0, 0));
        let mut bytes = index.encode();
        assert_eq!(Index::decode(&bytes), Some(index));
        bytes[9] ^= 4;
        assert_eq!(Index::decode(&bytes), None);
    }
}
