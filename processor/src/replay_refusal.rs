//! Why the tables are not replayed as asked.

use crate::log_day::LogDay;

/// The caller's fault, or the state of the log; live tables stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum ReplayRefusal {
    /// ReplayTables tables must be equal in structure to the live ones.
    #[error("the tables are not as this version and configuration make them: run `aftershock migrate` first")]
    NotMigrated,
    /// Somebody else is in the group.
    #[error("the group {group} has other members: stop every processor (and any other replay), then try again")]
    AtWork { group: String },
    /// The group folded nothing.
    #[error(
        "the group {group} has committed nothing, so there is nothing to fold again: start a processor, it begins at the log's beginning"
    )]
    NothingFolded { group: String },
    /// A day of the range is not whole in the log.
    #[error("the log holds whole days from {first} on, and not from {from}")]
    NotWhole { from: LogDay, first: LogDay },
    /// No day is whole.
    #[error("the log holds no whole day: the first would be {first}, and nothing was folded then")]
    NoDay { first: LogDay },
    /// The range ends before it begins.
    #[error("the range ends on {to}, before it begins on {from}")]
    Backwards { from: LogDay, to: LogDay },
    /// The first records of the log do not come.
    #[error("the first records of {missing} partitions could not be read in time")]
    Unread { missing: usize },
    /// The group committed although it was held.
    #[error("the group's offsets have moved while its log was replayed")]
    Moved,
    /// The same report would count in the range and after it.
    #[error("{count} rows of {table} up to {last} have twins that count on later days: replay without --to")]
    Twins { table: &'static str, count: u64, last: LogDay },
    /// Asked to end.
    #[error("interrupted; the live tables are as they were")]
    Interrupted,
}
