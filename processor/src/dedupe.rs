//! Re-deliveries, recognised exactly and with bounded memory.
//!
//! A report cannot be delivered before it occurred. So if a report occurred after the beginning of the [`Window`], an earlier delivery of it is
//! in the window, and memory decides. Otherwise the table is asked, once for the slice. Two cases need care. A client's clock may be fast by up
//! to [`ALLOWANCE_MS`]; the window reaches back by that much more. A first delivery that is dated further ahead is noted in a
//! [`BloomFilter`], so that its later deliveries are looked up.
//!
//! The current time is the append time of the record. Nothing here reads a clock, and no verdict depends on where slices are cut.

mod bloom_filter;
mod table;
mod window;

pub use bloom_filter::BloomFilter;
pub use table::DedupeTable;
pub use window::{Bounds, Window};

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// How fast a client's clock may be without its reports being looked up, in milliseconds.
pub const ALLOWANCE_MS: i64 = 10 * 60_000;

/// The id that deliveries of one report share.
pub type Id = [u8; 16];

/// A set of ids.
pub type Ids = HashSet<Id, BuildHasherDefault<IdHasher>>;

/// The parts of a record by which its re-deliveries are recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DedupeKey {
    pub id: Id,
    /// Client clock in Unix milliseconds, as sent.
    pub occurred_at: Option<i64>,
    /// The client gave the event an id, so its re-deliveries have the same id even without a time.
    pub is_named: bool,
    /// When the log took it, Unix milliseconds.
    pub appended_at: i64,
}

impl DedupeKey {
    /// Whether the record has neither an event id nor a time: its re-deliveries cannot be recognised, and each counts.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        !self.is_named && self.occurred_at.is_none()
    }

    /// Whether the record is dated further ahead than a clock may be fast.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        self.occurred_at.is_some_and(|occurred| occurred > self.appended_at.saturating_add(ALLOWANCE_MS))
    }
}

/// What the window says about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Delivered for the first time.
    First,
    /// Delivered before.
    Duplicate,
    /// Only the table knows.
    Unknown,
}

/// Judges the records of a slice in order, by the deliveries before the slice and within it.
#[must_use]
pub fn judge(window: &Window, keys: &[DedupeKey]) -> Vec<Verdict> {
    let mut slice = Ids::with_capacity_and_hasher(keys.len(), BuildHasherDefault::default());
    let mut verdict = |key: &DedupeKey| {
        if key.is_unique() {
            Verdict::First
        } else if slice.insert(key.id) {
            window.judge(key)
        } else {
            Verdict::Duplicate
        }
    };
    keys.iter().map(&mut verdict).collect()
}

/// The ids that are to be looked up in the table.
#[must_use]
pub fn unknown_ids(keys: &[DedupeKey], verdicts: &[Verdict]) -> Vec<Id> {
    let pairs = keys.iter().zip(verdicts);
    pairs.filter(|(_, verdict)| **verdict == Verdict::Unknown).map(|(key, _)| key.id).collect()
}

/// Replaces every [`Verdict::Unknown`] by the table's answer: `found` are the ids that the table has.
pub fn resolve(keys: &[DedupeKey], verdicts: &mut [Verdict], found: &Ids) {
    for (key, verdict) in keys.iter().zip(verdicts) {
        if *verdict == Verdict::Unknown {
            *verdict = if found.contains(&key.id) { Verdict::Duplicate } else { Verdict::First };
        }
    }
}

/// Hashes an id by its first eight bytes, because ids are SHA-256 already.
#[derive(Debug, Default, Clone, Copy)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut head = [0; 8];
        let length = bytes.len().min(8);
        head[..length].copy_from_slice(&bytes[..length]);
        self.0 ^= u64::from_le_bytes(head);
    }

    /// The length of an array is ignored.
    fn write_usize(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests;
