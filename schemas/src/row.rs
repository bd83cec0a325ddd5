//! Shapes in the tables: one struct per table, fields named and typed as its columns. Each row knows its place in the log, so that a slice can
//! be looked up; what else is derived from the record alone: equal log, equal tables.

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

/// A shape in a table.
pub trait Table: RowOwned + RowWrite + Send + Sync + 'static {
    /// Name of the table in the database `aftershock`.
    const NAME: &'static str;
    /// The column that holds the equality of delivery.
    const ID: &'static str;

    /// Equality of delivery.
    fn id(&self) -> [u8; 16];
}

/// Where a record lies in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Raised by an operator when a topic is made anew.
    pub generation: u16,
    pub partition: u32,
    pub offset: u64,
    /// Unix milliseconds.
    pub appended_at: i64,
}
