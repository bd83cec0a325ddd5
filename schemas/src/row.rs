//! The rows of the tables: one struct for each table, with the names and types of its columns. Each row has its position in the log, so that a
//! slice can be looked up. All other columns depend on the record only, so equal logs give equal tables.

mod connection;
mod issue_change;
mod occurrence;
mod rejected_report;

pub use connection::ConnectionRow;
pub use issue_change::IssueChangeRow;
pub use occurrence::{GroupingColumns, OccurrenceRow};
pub use rejected_report::RejectedReportRow;

use clickhouse::RowOwned;
use clickhouse::RowWrite;

/// A row of a table.
pub trait Table: RowOwned + RowWrite + Send + Sync + 'static {
    /// Name of the table in the database `aftershock`.
    const NAME: &'static str;
    /// The column of the id that re-deliveries share.
    const ID: &'static str;

    /// The id that re-deliveries share.
    fn id(&self) -> [u8; 16];
}

/// Where a record lies in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Raised by an operator when a topic is deleted and created again.
    pub generation: u16,
    pub partition: u32,
    pub offset: u64,
    /// When the log took the record, Unix milliseconds.
    pub appended_at: i64,
}
