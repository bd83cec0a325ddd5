//! How the log of a partition keeps its records.

/// What a topic's configuration means to its logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
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
