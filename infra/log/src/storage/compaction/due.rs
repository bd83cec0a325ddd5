//! When a log is compacted, and how far: what is new enough stays, what is old enough does not wait for more.

use super::cleaned::Cleaned;
use super::{MAX_KEYS, Pass};
use crate::storage::segment::{self, Batches, Sealed};
use crate::storage::{Log, LogSettings};
use std::io;
use std::path::Path;

impl Pass {
    /// A pass, if one is due: enough is new, or something has waited for long enough, or tombstones were kept for long
    /// enough.
    pub fn due(log: &Log, settings: &LogSettings, now: i64) -> io::Result<Option<Pass>> {
        let cleaned = Cleaned::read(&log.dir)?;
        let sealed = &log.sealed[..ripe(&log.sealed, &cleaned, now.saturating_sub(settings.min_compaction_lag_ms), settings)];
        let total: u64 = sealed.iter().map(|segment| segment.size).sum();
        let dirty: Vec<&Sealed> = sealed.iter().filter(|segment| segment.end > cleaned.end).collect();
        let dirty_bytes: u64 = dirty.iter().map(|segment| segment.size).sum();
        let tombstones_before = cleaned.kept_since(now.saturating_sub(settings.delete_retention_ms));
        let enough = dirty_bytes > 0 && dirty_bytes.saturating_mul(1_000) >= total.saturating_mul(settings.min_dirty_per_mille);
        let is_due =
            enough || tombstones_before.is_some() || is_late(&log.dir, &dirty, now.saturating_sub(settings.max_compaction_lag_ms))?;
        let pass = || Pass {
            dir: log.dir.clone(),
            sealed: sealed.to_vec(),
            cleaned,
            segment_bytes: settings.segment_bytes,
            tombstones_before,
            most_keys: MAX_KEYS,
            now,
        };
        Ok(is_due.then(pass))
    }
}

/// How many segments may be compacted: up to the first that is not compacted yet and holds a record newer than `newest`.
fn ripe(sealed: &[Sealed], cleaned: &Cleaned, newest: i64, settings: &LogSettings) -> usize {
    if settings.min_compaction_lag_ms == 0 {
        return sealed.len();
    }
    let green = |segment: &Sealed| segment.end > cleaned.end && segment.max_timestamp > newest;
    sealed.iter().position(green).unwrap_or(sealed.len())
}

/// Whether a segment that is not compacted yet begins with a batch older than `oldest`.
fn is_late(dir: &Path, dirty: &[&Sealed], oldest: i64) -> io::Result<bool> {
    if oldest < 0 {
        return Ok(false);
    }
    for segment in dirty {
        let file = segment::open(&segment::path(dir, segment.base, "log"), false)?;
        let first = Batches::new(&file, 0, segment.size).next_header()?;
        if first.is_some_and(|(_, header)| header.max_timestamp < oldest) {
            return Ok(true);
        }
    }
    Ok(false)
}
