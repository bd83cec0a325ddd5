//! Rows of the table `rejected_reports`.

use super::{Position, Table};
use crate::digest;
use crate::record::{Record, RejectedReport};
use crate::time;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clickhouse::Row;
use serde::{Deserialize, Serialize};

/// A row of the table `rejected_reports`. The columns are described in `clickhouse/0005_rejected_reports.sql`. Times are Unix milliseconds,
/// `log_day` is in days.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct RejectedReportRow {
    pub log_generation: u16,
    pub log_day: u16,
    pub log_partition: u32,
    pub log_offset: u64,
    pub appended_at: i64,
    pub letter_id: [u8; 16],
    pub source_topic: String,
    pub source_partition: u32,
    pub source_offset: u64,
    pub source_appended_at: i64,
    pub reason: String,
    pub message: String,
    pub key: String,
    pub payload: String,
}

impl RejectedReportRow {
    /// The row of a record at its place in the log.
    #[must_use]
    pub fn new(position: Position, record: RejectedReport) -> Self {
        Self {
            log_generation: position.generation,
            log_day: time::log_day(position.appended_at),
            log_partition: position.partition,
            log_offset: position.offset,
            appended_at: position.appended_at,
            letter_id: digest::letter_id(&record.key()),
            source_topic: record.source_topic,
            source_partition: u32::try_from(record.source_partition).unwrap_or_default(),
            source_offset: u64::try_from(record.source_offset).unwrap_or_default(),
            source_appended_at: record.appended_at,
            reason: record.reason,
            message: record.message,
            key: const_hex::encode(record.key.unwrap_or_default()),
            payload: STANDARD.encode(record.payload),
        }
    }
}

impl Table for RejectedReportRow {
    const NAME: &'static str = "rejected_reports";
    const ID: &'static str = "letter_id";

    fn id(&self) -> [u8; 16] {
        self.letter_id
    }
}
