//! Offsets by time, exact to the record.

use super::Log;
use super::reading::SegmentView;
use super::records::{self, Moment};
use super::segment::Batches;
use bytes::Bytes;
use std::io;

/// Offsets that a look-up may answer with.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// First offset that may be read.
    pub start: i64,
    /// The offset after the last that may be read.
    pub before: i64,
}

impl Log {
    /// The greatest time in the log, or `None` while it is empty.
    pub fn max_timestamp(&self) -> Option<i64> {
        let sealed = self.sealed.iter().map(|segment| segment.max_timestamp).max();
        Some(self.active.index.max_timestamp.max(sealed.unwrap_or(i64::MIN))).filter(|greatest| *greatest > i64::MIN)
    }
}

/// The first record at or after a time, in segments as [`Log::pieces`] gave them.
pub fn first_since(pieces: &[SegmentView], timestamp: i64, range: Range) -> io::Result<Option<Moment>> {
    for piece in pieces.iter().filter(|piece| piece.max_timestamp >= timestamp && piece.end > range.start) {
        let (file, position) = piece.open_at_time(timestamp)?;
        let mut batches = Batches::new(&file, position, piece.size);
        while let Some((header, bytes)) = batches.next_batch()? {
            if header.base_offset >= range.before {
                return Ok(None);
            }
            if header.max_timestamp < timestamp || header.end() <= range.start {
                continue;
            }
            let found = if header.is_append_time() {
                let offset = header.base_offset.max(range.start);
                Some(Moment { offset, timestamp: header.max_timestamp })
            } else {
                let times = records::moments(&header, &Bytes::copy_from_slice(bytes))?;
                times.into_iter().find(|record| record.timestamp >= timestamp && record.offset >= range.start)
            };
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}
