//! Errors that halt a stream or stop the processor. Faults of the data are [`crate::decode::Rejection`]s and stop nothing.

use crate::replay_refusal::ReplayRefusal;
use crate::sink::{Blame, TableError};
use service::{http, kafka};

/// An error of the processor or its engines: the slice is repeated, the stream is halted, or the processor stops.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log is away or refuses.
    #[error("the log: {0}")]
    Log(#[from] kafka::Error),
    /// The tables' server is away or refuses.
    #[error("the tables: {0}")]
    Tables(#[from] TableError),
    /// A record cannot be encoded, which is a fault of the build.
    #[error("a dead letter cannot be written: {0}")]
    Record(#[from] schemas::record::Error),
    /// Offsets in the table are ahead of the log.
    #[error(
        "{topic} {partition}: the log ends at offset {end}, but offset {known} is known already; \
         if the topic was made anew, raise `processor.log_generation` (now {generation}) and give the group no committed offsets"
    )]
    LogAnew { topic: String, partition: i32, end: i64, known: i64, generation: u16 },
    /// The group's commit metadata was not written by a processor.
    #[error("{topic} {partition}: the commit metadata {metadata:?} is not a slice of this processor")]
    ForeignMetadata { topic: String, partition: i32, metadata: String },
    /// No record of the partition was ever valid, which is more likely a fault of the installation than of the data.
    #[error(
        "{topic} {partition}: {records} records read and none was ever valid, the last for {reason}: the topic or this version is not the right one"
    )]
    NothingValid { topic: String, partition: i32, records: u64, reason: &'static str },
    /// The tables' server acknowledges a slice, and its rows do not appear.
    #[error("{table}: the slice {token} was inserted {attempts} times and never appeared")]
    Vanished { table: &'static str, token: String, attempts: u32 },
    /// A worker panicked outside the work on a record.
    #[error("{topic} {partition}: the worker panicked")]
    Panicked { topic: String, partition: i32 },
    /// A slice ends the process although each of its records alone does not.
    #[error(
        "{topic} {partition}: the slice {first}-{last} ended the processor {attempts} times, although each of its records does no harm alone"
    )]
    SliceKills { topic: String, partition: i32, first: i64, last: i64, attempts: u32 },
    /// More records of a slice end the process than fit into the commit metadata.
    #[error("{topic} {partition}: too many records of the slice {first}-{last} end the processor")]
    TooManyKillers { topic: String, partition: i32, first: i64, last: i64 },
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
    /// A partition of a topic that the processor does not know.
    #[error("topic {0} was assigned and is none of the processor's")]
    ForeignTopic(String),
    /// The thread that serves rebalances has ended.
    #[error("the consumer has stopped")]
    ConsumerStopped,
    /// The health server failed.
    #[error("health server: {0}")]
    Http(#[from] http::Error),
    /// An existing topic has another number of partitions.
    #[error("topic {topic} has {found} partitions and not {wanted}; the count is fixed when a topic is made")]
    Partitions { topic: &'static str, found: i32, wanted: i32 },
    /// The name of the database is not allowed.
    #[error("{0:?} cannot be the name of a database: letters, digits and underscores")]
    DatabaseName(String),
    /// The rules of a project cannot be used.
    #[error("{0}")]
    Grouping(String),
    /// Retention took records of the range before they were read; only a replay has a range.
    #[error("not replayed: {topic} {partition}: retention took records while they were read; try again with a later --from")]
    RangeGone { topic: String, partition: i32 },
    /// A replay was refused; the tables are unchanged.
    #[error("not replayed: {0}")]
    Refused(#[from] ReplayRefusal),
}

impl Error {
    /// Whether a later attempt may succeed.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Log(error) => !matches!(error, kafka::Error::Configuration { .. } | kafka::Error::TooLarge),
            Self::Tables(failure) => failure.is_passing(),
            Self::Record(_)
            | Self::LogAnew { .. }
            | Self::ForeignMetadata { .. }
            | Self::NothingValid { .. }
            | Self::Vanished { .. }
            | Self::Panicked { .. }
            | Self::SliceKills { .. }
            | Self::TooManyKillers { .. }
            | Self::Thread(_)
            | Self::ForeignTopic(_)
            | Self::ConsumerStopped
            | Self::Http(_)
            | Self::Partitions { .. }
            | Self::DatabaseName(_)
            | Self::Grouping(_)
            | Self::RangeGone { .. }
            | Self::Refused(_) => false,
        }
    }

    /// A stable code, by which `/v1/admin/pipeline` says why a stream is halted.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Log(_) => "log",
            Self::Tables(failure) => match failure.blame() {
                Blame::Content => "rows_refused",
                Blame::Table => "table_refuses",
                Blame::Server | Blame::Doubtful => "tables",
            },
            Self::Record(_) => "schema",
            Self::LogAnew { .. } => "log_anew",
            Self::ForeignMetadata { .. } => "foreign_metadata",
            Self::NothingValid { .. } => "nothing_valid",
            Self::Vanished { .. } => "vanished",
            Self::Panicked { .. } => "panicked",
            Self::SliceKills { .. } => "slice_kills",
            Self::TooManyKillers { .. } => "too_many_killers",
            Self::Thread(_) => "thread",
            Self::ForeignTopic(_) => "foreign_topic",
            Self::ConsumerStopped => "consumer_stopped",
            Self::Http(_) => "http",
            Self::Partitions { .. } => "partitions",
            Self::DatabaseName(_) => "database_name",
            Self::Grouping(_) => "grouping",
            Self::RangeGone { .. } => "range_gone",
            Self::Refused(_) => "refused",
        }
    }
}
