//! Re-deliveries, found exactly with bounded memory.
//!
//! A report cannot have been delivered before it occurred. So where a report occurred after the beginning of the [`Window`], its twin,
//! if it has one, is among the ids that the window holds; memory decides. Otherwise the table is unknown_ids, once for the slice. Two doubts
//! are taken out: a clock may be up to [`ALLOWANCE_MS`] fast and the rule still holds; and a first delivery that is dated further ahead
//! than that is noted in the [`BloomFilter`], so that its later twins are looked up.
//!
//! "Now" is the append time of the record in hand. Nothing here reads a clock, and where slices are cut changes no verdict.

mod bloom_filter;
mod table;
mod window;

pub use bloom_filter::BloomFilter;
pub use table::DedupeTable;
pub use window::{Bounds, Window};

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// How fast a client's clock may be, in milliseconds, without its reports being looked up.
pub const ALLOWANCE_MS: i64 = 10 * 60_000;

/// Equality of delivery.
pub type Id = [u8; 16];

/// A set of ids, which are hashes already.
pub type Ids = HashSet<Id, BuildHasherDefault<IdHasher>>;

/// What deduplication needs to know of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DedupeKey {
    pub id: Id,
    /// Client clock in Unix milliseconds, as sent.
    pub occurred_at: Option<i64>,
    /// The client named the event, so that it may come again without saying when it occurred.
    pub is_named: bool,
    /// When the log took it, Unix milliseconds.
    pub appended_at: i64,
}

impl DedupeKey {
    /// Neither named nor dated: it has no twin, each delivery counts.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        !self.is_named && self.occurred_at.is_none()
    }

    /// Dated further ahead than a clock may be fast.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        self.occurred_at.is_some_and(|occurred| occurred > self.appended_at.saturating_add(ALLOWANCE_MS))
    }
}

/// What memory says about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Delivered for the first time.
    First,
    /// Its twin was delivered before.
    Duplicate,
    /// Only the table knows.
    Unknown,
}

/// Judges the records of a slice in order by what was delivered before the slice and in it.
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

/// The ids that the table must be unknown_ids about.
#[must_use]
pub fn unknown_ids(keys: &[DedupeKey], verdicts: &[Verdict]) -> Vec<Id> {
    let pairs = keys.iter().zip(verdicts);
    pairs.filter(|(_, verdict)| **verdict == Verdict::Unknown).map(|(key, _)| key.id).collect()
}

/// Puts the table's answer in the place of every [`Verdict::Unknown`]: `found` are the ids that it holds.
pub fn resolve(keys: &[DedupeKey], verdicts: &mut [Verdict], found: &Ids) {
    for (key, verdict) in keys.iter().zip(verdicts) {
        if *verdict == Verdict::Unknown {
            *verdict = if found.contains(&key.id) { Verdict::Duplicate } else { Verdict::First };
        }
    }
}

/// Takes the first eight bytes of an id for its hash: ids are SHA-256.
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

    /// The length of an array is no part of it.
    fn write_usize(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests;
