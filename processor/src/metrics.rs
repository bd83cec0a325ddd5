//! The metrics of the processor, and the handles that a worker needs of them.

use schemas::outcome::Outcome;
use service::telemetry::{Counter, Histogram};
use std::time::Duration;

service::metrics! {
    /// Dead letters by what the log took of them.
    DEAD_LETTERS: Counter = "aftershock_dead_letters_total" [size];
    /// Offsets that retention took before they were read.
    GAP_OFFSETS: Counter = "aftershock_gap_offsets_total" [topic];
    /// Time of an insert, with its look-ups.
    INSERT_SECONDS: Histogram = "aftershock_insert_seconds" [topic];
    /// Records in the log that are not in the tables yet.
    LAG_RECORDS: Gauge = "aftershock_lag_records" [topic, partition];
    /// Ids that the table was asked for.
    LOOKUPS: Counter = "aftershock_lookups_total" [topic];
    /// Partitions assigned to this processor.
    PARTITIONS: Gauge = "aftershock_partitions" [];
    /// Records of the log by how they ended.
    RECORDS: Counter = "aftershock_records_total" [topic, outcome, reason];
    /// Calls of an engine that failed and were made again.
    RETRIES: Counter = "aftershock_retries_total" [topic];
    /// From the opening of a slice to its end in the table.
    SLICE_SECONDS: Histogram = "aftershock_slice_seconds" [topic];
    /// Slices by what became of them.
    SLICES: Counter = "aftershock_slices_total" [topic, pass];
    /// 1 where a partition is not folded on until somebody acts, else 0.
    STREAM_HALTED: Gauge = "aftershock_stream_halted" [topic, partition];
    /// Bytes that the tables of reports, connections and dead letters take on disk.
    TABLE_BYTES: Gauge = "aftershock_table_bytes" [];
    /// Bytes of log days dropped because of `retention.table_bytes`.
    TRIMMED_BYTES: Counter = "aftershock_trimmed_bytes_total" [];
    /// Ids of recent deliveries held in memory.
    WINDOW_IDS: Gauge = "aftershock_window_ids" [topic, partition];
}

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
        let slices = |pass| SLICES.with([topic, pass]);
        Self {
            topic,
            slices: [slices("new"), slices("repeated"), slices("found")],
            looked_up: LOOKUPS.with([topic]),
            retries: RETRIES.with([topic]),
            gap: GAP_OFFSETS.with([topic]),
            slice: SLICE_SECONDS.with([topic]),
            insert: INSERT_SECONDS.with([topic]),
        }
    }

    /// Counts records by outcome.
    pub fn records(&self, outcomes: &[(Outcome, usize)]) {
        for (outcome, count) in outcomes {
            RECORDS.with([self.topic, outcome.name(), outcome.reason()]).add(*count as u64);
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
