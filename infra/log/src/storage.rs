//! The log of one partition on disk: segments of record batches, exactly as sent but for offset and time.
//!
//! This module is synchronous and knows one writer; [`partition`] adds waiting, group commit and readers.
//! Layout of a partition's directory: `<base offset>.log` holds batches, `<base offset>.index` says where they are
//! (sealed segments only, rebuilt where missing), `<base offset>.producers` is the state of the producers before the
//! last segment, `start` the first offset that may still be read, `compacted` how far compaction has come.

pub mod batch;
pub mod compaction;
mod error;
pub mod index;
pub mod lookup;
pub mod partition;
pub mod producer_state;
pub mod reading;
pub mod records;
pub mod recovery;
pub mod retention;
pub mod segment;
mod settings;

pub use error::StorageError;
pub use settings::LogSettings;

use bytes::Bytes;
use producer_state::Producers;
use segment::{Active, Sealed};
use std::io;
use std::path::PathBuf;

/// Clock steps backwards up to this many milliseconds do not show in append times.
const CLOCK_SLACK: i64 = 60_000;

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
    pub fn append(&mut self, sent: &Bytes, settings: &LogSettings, now: i64) -> Result<Appended, StorageError> {
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

    fn write(&mut self, sent: &Bytes, header: &mut batch::Header, settings: &LogSettings, now: i64) -> io::Result<()> {
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
