//! Which records of a batch stay. Offsets, sequences and times of those that stay do not change.

use super::latest::Latest;
use crate::storage::batch::{self, HEADER, Header};
use crate::storage::records::{self, Record};
use bytes::{Bytes, BytesMut};
use std::io;

/// What a pass goes by.
#[derive(Debug)]
pub struct Rules {
    /// The latest offsets of the keys.
    pub latest: Latest,
    /// Records from this offset on are not judged.
    pub before: i64,
    /// Tombstones before this offset have been kept long enough.
    pub tombstones_before: Option<i64>,
}

/// What stays of a batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Sifted {
    /// Everything.
    Whole,
    /// Some records: the batch's new header and bytes.
    Part(Header, Vec<u8>),
    /// Nothing.
    Empty,
}

/// Sifts a batch. `tombstone` is told the offset of each tombstone that stays.
pub fn sift(header: &Header, stored: &Bytes, rules: &Rules, mut tombstone: impl FnMut(i64)) -> io::Result<Sifted> {
    if header.base_offset >= rules.before {
        return Ok(Sifted::Whole);
    }
    let records = records::decode(header, stored)?;
    let all = records.len();
    let kept: Vec<Record> = records.into_iter().filter(|record| stays(record, rules)).collect();
    kept.iter().filter(|record| !record.has_value).for_each(|record| tombstone(record.offset));
    if kept.len() == all {
        return Ok(Sifted::Whole);
    }
    if kept.is_empty() {
        return Ok(Sifted::Empty);
    }
    let mut fresh = *header;
    fresh.count = i32::try_from(kept.len()).unwrap_or(header.count);
    fresh.max_timestamp = kept.iter().map(|record| record.timestamp).max().unwrap_or(header.max_timestamp);
    let mut plain = BytesMut::with_capacity(kept.iter().map(|record| record.raw.len()).sum());
    kept.iter().for_each(|record| plain.extend_from_slice(&record.raw));
    let packed = records::deflate(header, plain.freeze())?;
    let bytes = batch::refill(&stored[..HEADER], &mut fresh, &packed)?;
    Ok(Sifted::Part(fresh, bytes))
}

/// Records without a key came before the topic was compacted; they go, as in Kafka.
fn stays(record: &Record, rules: &Rules) -> bool {
    if record.offset >= rules.before {
        return true;
    }
    let Some(key) = &record.key else { return false };
    let spent = !record.has_value && rules.tombstones_before.is_some_and(|before| record.offset < before);
    !spent && !rules.latest.supersedes(key, record.offset)
}
