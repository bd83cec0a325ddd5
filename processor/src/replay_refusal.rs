//! Why a replay is refused.

use crate::log_day::LogDay;

/// The request or the state of the log does not allow the replay. The live tables are unchanged.
#[derive(Debug, thiserror::Error)]
pub enum ReplayRefusal {
    /// The structure of the live tables is not the one that new tables would have.
    #[error("the tables are not as this version and configuration make them: run `aftershock migrate` first")]
    NotMigrated,
    /// The group has other members.
    #[error("the group {group} has other members: stop every processor (and any other replay), then try again")]
    AtWork { group: String },
    /// The group has folded nothing.
    #[error(
        "the group {group} has committed nothing, so there is nothing to fold again: start a processor, it begins at the log's beginning"
    )]
    NothingFolded { group: String },
    /// Some records of a day of the range have left the log.
    #[error("the log holds whole days from {first} on, and not from {from}")]
    NotWhole { from: LogDay, first: LogDay },
    /// There is no day of which all records are in the log.
    #[error("the log holds no whole day: the first would be {first}, and nothing was folded then")]
    NoDay { first: LogDay },
    /// The range ends before it begins.
    #[error("the range ends on {to}, before it begins on {from}")]
    Backwards { from: LogDay, to: LogDay },
    /// The first records of the log could not be read in time.
    #[error("the first records of {missing} partitions could not be read in time")]
    Unread { missing: usize },
    /// The group committed during the replay.
    #[error("the group's offsets have moved while its log was replayed")]
    Moved,
    /// A report would count both in the range and after it.
    #[error("{count} rows of {table} up to {last} have twins that count on later days: replay without --to")]
    Twins { table: &'static str, count: u64, last: LogDay },
    /// The command was told to end.
    #[error("interrupted; the live tables are as they were")]
    Interrupted,
}
