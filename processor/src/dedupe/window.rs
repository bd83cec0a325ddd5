//! The ids of the last deliveries of one partition.

use super::{ALLOWANCE_MS, BloomFilter, DedupeKey, Id, Ids, Verdict};
use std::collections::VecDeque;
use std::hash::BuildHasherDefault;

/// Buckets of a window. Buckets are dropped whole.
const PARTS: usize = 8;

/// How much a window holds.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Milliseconds of append time; [`ALLOWANCE_MS`] is added.
    pub length_ms: i64,
    /// The most ids. Above it the oldest are dropped, and the window begins later.
    pub ids: usize,
}

/// Has the id of every delivery of its partition that the log took at [`Window::begin`] or later.
pub struct Window {
    bounds: Bounds,
    /// Append time since which no id is missing.
    begin: i64,
    /// The latest append time seen.
    latest: i64,
    buckets: VecDeque<Bucket>,
    dated_ahead: BloomFilter,
}

struct Bucket {
    first: i64,
    last: i64,
    ids: Ids,
}

impl Window {
    /// An empty window that misses no delivery taken at `begin` or later; `i64::MIN` where nothing was delivered before at all.
    #[must_use]
    pub fn new(bounds: Bounds, begin: i64) -> Self {
        Self { bounds, begin, latest: i64::MIN, buckets: VecDeque::new(), dated_ahead: BloomFilter::default() }
    }

    /// A window without ids, so that every record is looked up.
    #[must_use]
    pub fn disabled() -> Self {
        Self::new(Bounds { length_ms: 0, ids: 0 }, i64::MAX)
    }

    /// Append time since which no id is missing.
    #[must_use]
    pub fn begin(&self) -> i64 {
        self.begin
    }

    /// The number of ids.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buckets.iter().map(|bucket| bucket.ids.len()).sum()
    }

    /// Whether the window has no ids.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Judges a record that is not a re-delivery of another record of its slice.
    #[must_use]
    pub fn judge(&self, key: &DedupeKey) -> Verdict {
        if self.buckets.iter().any(|bucket| bucket.ids.contains(&key.id)) {
            return Verdict::Duplicate;
        }
        if self.begin == i64::MIN {
            return Verdict::First;
        }
        let Some(occurred) = key.occurred_at else { return Verdict::Unknown };
        let is_covered = occurred >= self.begin.saturating_add(ALLOWANCE_MS) && !key.is_ahead();
        if is_covered && !self.dated_ahead.may_hold(&key.id) { Verdict::First } else { Verdict::Unknown }
    }

    /// Adds first deliveries, in the order of the log, when their slice is committed.
    pub fn advance<'a>(&mut self, first_deliveries: impl IntoIterator<Item = &'a DedupeKey>) {
        if self.bounds.ids == 0 {
            return;
        }
        for key in first_deliveries {
            if key.is_ahead() {
                self.dated_ahead.insert(&key.id);
            }
            if !key.is_unique() {
                self.remember(key.id, key.appended_at);
            }
        }
        self.forget();
    }

    /// Adds a delivery that was read from the table, in the order of the log.
    pub fn remember(&mut self, id: Id, appended_at: i64) {
        self.latest = self.latest.max(appended_at);
        let (span, size) = (self.bounds.length_ms / PARTS as i64, (self.bounds.ids / PARTS).max(1));
        let fits = |bucket: &Bucket| bucket.ids.len() < size && appended_at.saturating_sub(bucket.first) <= span;
        if !self.buckets.back().is_some_and(fits) {
            self.buckets.push_back(Bucket { first: appended_at, last: appended_at, ids: Ids::with_hasher(BuildHasherDefault::default()) });
        }
        if let Some(bucket) = self.buckets.back_mut() {
            bucket.last = bucket.last.max(appended_at);
            bucket.ids.insert(id);
        }
    }

    /// Notes an id whose first delivery was dated ahead.
    pub fn note_dated_ahead(&mut self, id: &Id) {
        self.dated_ahead.insert(id);
    }

    /// Drops ids that are older than the window's length, and the oldest above its maximum.
    pub fn forget(&mut self) {
        let oldest = self.latest.saturating_sub(self.bounds.length_ms.saturating_add(ALLOWANCE_MS));
        let mut held = self.len();
        while let Some(bucket) = self.buckets.front() {
            if bucket.last >= oldest && held <= self.bounds.ids {
                return;
            }
            held -= bucket.ids.len();
            self.begin = self.begin.max(bucket.last.saturating_add(1));
            self.buckets.pop_front();
        }
    }
}
