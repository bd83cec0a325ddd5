//! The log of one partition on disk: segments of record batches, exactly as sent but for offset and time.
//!
//! This module is synchronous and knows one writer; [`partition`] adds waiting, group commit and readers.
//! Layout of a partition's directory: `<base offset>.log` holds batches, `<base offset>.index` says where they are
//! (sealed segments only, rebuilt where missing), `<base offset>.producers` is the state of the producers before the
//! last segment, `start` the first offset that may still be read, `compacted` how far compaction has come.

pub mod batch;
pub mod compaction;
pub mod index;
pub mod lookup;
pub mod partition;
pub mod producer_state;
pub mod reading;
pub mod records;
pub mod recovery;
pub mod retention;
pub mod segment;

use std::io;
use std::path::PathBuf;

use bytes::Bytes;

use producer_state::Producers;
use segment::{Active, Sealed};

/// Clock steps backwards up to this many milliseconds do not show in append times.
const CLOCK_SLACK: i64 = 60_000;

/// Why a batch or a read is refused; each has its own error code in Kafka.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are not a batch, or its checksum is wrong.
    #[error("the batch is damaged")]
    Corrupt,
    /// A batch that Kafka does not accept either: several at once, transactional, an unknown codec.
    #[error("the batch is not valid")]
    Invalid,
    /// Older than record format 2.
    #[error("the record format is not supported")]
    OldFormat,
    /// More than `max.message.bytes`.
    #[error("the batch is too large")]
    TooLarge,
    /// A batch of this producer is missing before this one.
    #[error("the producer's sequence has a gap")]
    OutOfOrder,
    /// A newer instance of this producer has written.
    #[error("the producer's epoch is old")]
    FencedProducer,
    /// The offset is not in the log.
    #[error("the offset is out of range")]
    OutOfRange,
    /// The topic was deleted meanwhile.
    #[error("the partition is gone")]
    Gone,
    /// The disk refused: full, or broken.
    #[error("storage: {0}")]
    Storage(String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Refusal::Storage(error.to_string())
    }
}

/// What a topic's configuration means to its logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Age in milliseconds at which records may go; none = never.
    pub retention_ms: Option<i64>,
    /// Bytes per partition above which the oldest segment goes; none = no limit.
    pub retention_bytes: Option<u64>,
    /// Size at which a segment is full.
    pub segment_bytes: u64,
    /// Age of a segment at which a new one is begun, milliseconds.
    pub segment_ms: i64,
    /// Greatest batch, bytes.
    pub max_batch_bytes: usize,
    /// Whether records get the broker's time.
    pub append_time: bool,
    /// Whether old records are deleted by age and size.
    pub delete: bool,
    /// Whether only the last record of a key is kept.
    pub compact: bool,
    /// Thousandths of the sealed segments that must be new before they are compacted.
    pub min_dirty_per_mille: u64,
    /// Age in milliseconds below which a record is not compacted.
    pub min_compaction_lag_ms: i64,
    /// Age in milliseconds at which a record waits for compaction no longer.
    pub max_compaction_lag_ms: i64,
    /// How long a compacted tombstone stays readable, milliseconds.
    pub delete_retention_ms: i64,
}

/// Where a batch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Offset of the first record.
    pub base_offset: i64,
    /// The offset after the last record.
    pub end: i64,
    /// The append time, where the topic keeps it.
    pub time: Option<i64>,
}

/// The log of one partition.
#[derive(Debug)]
pub struct Log {
    dir: PathBuf,
    sealed: Vec<Sealed>,
    active: Active,
    start: i64,
    producers: Producers,
    last_append: i64,
}

impl Log {
    /// First offset that may be read.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// The offset that the next record gets.
    pub fn end(&self) -> i64 {
        self.active.end
    }

    /// Bytes of all segments.
    pub fn size(&self) -> u64 {
        self.sealed.iter().map(|segment| segment.size).sum::<u64>() + self.active.size
    }

    /// Appends one batch as a producer sent it. It is in the page cache afterwards, not yet on disk.
    pub fn append(&mut self, sent: &Bytes, settings: &Settings, now: i64) -> Result<Appended, Refusal> {
        let mut header = batch::admit(sent, settings.max_batch_bytes)?;
        if let Some(stored) = self.producers.check(&header)? {
            let time = settings.append_time.then_some(stored.timestamp);
            return Ok(Appended { base_offset: stored.base_offset, end: stored.end, time });
        }
        if settings.compact {
            records::require_keys(sent, &header)?;
        }
        let time = settings.append_time.then(|| self.append_time(now));
        if let Err(error) = self.write(sent, &mut header, settings, time.unwrap_or(now)) {
            self.producers.expect(&header, now);
            return Err(error.into());
        }
        Ok(Appended { base_offset: header.base_offset, end: header.end(), time })
    }

    fn write(&mut self, sent: &Bytes, header: &mut batch::Header, settings: &Settings, now: i64) -> io::Result<()> {
        if self.active.is_full(sent.len() as u64, settings, now) {
            self.roll()?;
        }
        let stamped = batch::stamp(sent, header, self.active.end, settings.append_time.then_some(now));
        self.active.write(header, &stamped, &sent[batch::HEADER..], now)?;
        self.producers.record(header, now);
        Ok(())
    }

    /// The time for a batch: the clock's, but not before the last one by a small correction of the clock.
    fn append_time(&mut self, now: i64) -> i64 {
        if self.last_append > now && self.last_append - now <= CLOCK_SLACK {
            return self.last_append;
        }
        self.last_append = now;
        now
    }

    /// Ends the active segment and begins the next. What it held is on disk afterwards.
    pub fn roll(&mut self) -> io::Result<()> {
        let sealed = self.active.seal(&self.dir)?;
        let next = sealed.end;
        crate::disk::replace(&segment::path(&self.dir, next, "producers"), &self.producers.encode())?;
        self.active = match Active::create(&self.dir, next) {
            Ok(active) => active,
            Err(error) => {
                // What is written next may still belong to the old segment.
                crate::disk::remove(&segment::path(&self.dir, next, "log"))?;
                return Err(error);
            }
        };
        crate::disk::remove(&segment::path(&self.dir, sealed.base, "producers"))?;
        self.sealed.push(sealed);
        Ok(())
    }
}
