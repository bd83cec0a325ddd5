//! Giving disk back: old segments, segments above the size allowed, and records that a client deletes.

use super::{Log, LogSettings, StorageError, recovery, segment};
use std::io;

/// How far retention may go, in offsets.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// Nothing from here on goes.
    pub synced: i64,
    /// Nothing from here on goes because of its size.
    pub unread: i64,
}

impl Log {
    /// Rolls a segment that has become old and drops what retention no longer keeps. Only what lies before
    /// `synced` goes, and because of its size only what lies before `unread`. Returns how many segments went.
    pub fn expire(&mut self, settings: &LogSettings, now: i64, Reach { synced, unread }: Reach) -> io::Result<usize> {
        let spent = settings.delete && self.is_spent(self.active.index.max_timestamp, settings, now);
        let filled = self.active.size > 0 && self.active.end <= synced;
        if filled && (spent || self.active.is_old(settings, now)) {
            self.roll()?;
        }
        if !settings.delete {
            return Ok(0);
        }
        let mut size = self.size();
        let mut spare = 0;
        for segment in &self.sealed {
            let above = segment.end <= unread && settings.retention_bytes.is_some_and(|limit| size - segment.size >= limit);
            if segment.end > synced || !(above || self.is_spent(segment.max_timestamp, settings, now)) {
                break;
            }
            size -= segment.size;
            spare += 1;
        }
        self.drop_oldest(spare)?;
        Ok(spare)
    }

    fn is_spent(&self, newest: i64, settings: &LogSettings, now: i64) -> bool {
        settings.retention_ms.is_some_and(|kept| newest < now.saturating_sub(kept))
    }

    /// Deletes records before `offset` (-1: all that are synced) and frees the segments that hold nothing else.
    /// Returns the first offset that is left.
    pub fn delete_before(&mut self, offset: i64, synced: i64) -> Result<i64, StorageError> {
        let offset = if offset == -1 { synced } else { offset };
        if offset < 0 || offset > synced {
            return Err(StorageError::OutOfRange);
        }
        // Whole segments go first: that gives room back even where the disk is full and nothing can be written.
        self.drop_oldest(self.sealed.partition_point(|segment| segment.end <= offset))?;
        if offset > self.start {
            recovery::write_start(&self.dir, offset)?;
            self.start = offset;
        }
        if self.start == self.end() && self.active.size > 0 {
            self.roll()?;
            self.drop_oldest(self.sealed.len())?;
        }
        Ok(self.start)
    }

    /// Forgets producers that were silent for long, milliseconds.
    pub fn forget_producers(&mut self, before: i64) {
        self.producers.forget(before);
    }

    fn drop_oldest(&mut self, count: usize) -> io::Result<()> {
        for _ in 0..count {
            let Some(oldest) = self.sealed.first().cloned() else { break };
            self.sealed.remove(0);
            let next = self.sealed.first().map_or(self.active.base, |segment| segment.base);
            self.start = self.start.max(next);
            segment::remove(&self.dir, oldest.base)?;
        }
        Ok(())
    }
}
