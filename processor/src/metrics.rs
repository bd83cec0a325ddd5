//! The metrics of a worker.

use std::time::Duration;

use schemas::outcome::Outcome;
use service::telemetry::{Counter, Histogram, counter, histogram};

/// The metrics of one topic.
pub struct WorkerMetrics {
    topic: &'static str,
    slices: [Counter; 3],
    looked_up: Counter,
    retries: Counter,
    gap: Counter,
    slice: Histogram,
    insert: Histogram,
}

/// How a slice was processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlicePass {
    /// It was processed for the first time.
    New,
    /// A worker left it open, and it was processed again.
    Repeated,
    /// A worker left it open, and its rows were in the table already.
    Found,
}

impl WorkerMetrics {
    /// The metrics of this topic.
    #[must_use]
    pub fn new(topic: &'static str) -> Self {
        let slices = |pass| counter("aftershock_slices_total", "Slices by what became of them.", &[("topic", topic), ("pass", pass)]);
        let of = [("topic", topic)];
        Self {
            topic,
            slices: [slices("new"), slices("repeated"), slices("found")],
            looked_up: counter("aftershock_lookups_total", "Ids that the table was asked for.", &of),
            retries: counter("aftershock_retries_total", "Calls of an engine that failed and were made again.", &of),
            gap: counter("aftershock_gap_offsets_total", "Offsets that retention took before they were read.", &of),
            slice: histogram("aftershock_slice_seconds", "From the opening of a slice to its end in the table.", &of),
            insert: histogram("aftershock_insert_seconds", "Time of an insert, with its look-ups.", &of),
        }
    }

    /// Counts records by outcome.
    pub fn records(&self, outcomes: &[(Outcome, usize)]) {
        for (outcome, count) in outcomes {
            let labels = [("topic", self.topic), ("outcome", outcome.name()), ("reason", outcome.reason())];
            counter("aftershock_records_total", "Records of the log by how they ended.", &labels).add(*count as u64);
        }
    }

    pub fn slice(&self, pass: SlicePass, took: Duration) {
        self.slices[pass as usize].inc();
        self.slice.observe(took);
    }

    pub fn insert(&self, took: Duration) {
        self.insert.observe(took);
    }

    pub fn looked_up(&self, ids: usize) {
        self.looked_up.add(ids as u64);
    }

    pub fn retried(&self) {
        self.retries.inc();
    }

    pub fn gap(&self, offsets: u64) {
        self.gap.add(offsets);
    }
}
