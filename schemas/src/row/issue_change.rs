//! Rows of the table `issue_changes`.

use super::{Position, Table};
use crate::record::IssueChange;
use crate::time;
use clickhouse::Row;
use serde::{Deserialize, Serialize};

/// A row of the table `issue_changes`. The columns are described in `clickhouse/0004_issue_changes.sql`. Times are Unix milliseconds, `log_day`
/// is in days.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct IssueChangeRow {
    pub log_generation: u16,
    pub log_day: u16,
    pub log_partition: u32,
    pub log_offset: u64,
    pub appended_at: i64,
    pub change_id: [u8; 16],
    pub app_id: String,
    pub platform_id: u8,
    pub issue_id: [u8; 16],
    pub kind: String,
    pub value: String,
    pub author: String,
    pub changed_at: i64,
}

impl IssueChangeRow {
    /// The row of a record at its place in the log.
    #[must_use]
    pub fn new(position: Position, record: IssueChange) -> Self {
        Self {
            log_generation: position.generation,
            log_day: time::log_day(position.appended_at),
            log_partition: position.partition,
            log_offset: position.offset,
            appended_at: position.appended_at,
            change_id: record.change_id.0,
            app_id: record.app_id,
            platform_id: u8::try_from(record.platform_id).unwrap_or_default(),
            issue_id: record.issue_id.0,
            kind: record.kind,
            value: record.value,
            author: record.author,
            changed_at: record.changed_at,
        }
    }
}

impl Table for IssueChangeRow {
    const NAME: &'static str = "issue_changes";
    const ID: &'static str = "change_id";

    fn id(&self) -> [u8; 16] {
        self.change_id
    }
}
