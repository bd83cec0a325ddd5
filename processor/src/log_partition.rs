//! A partition of the log, and records with their position in it.

use schemas::row::Position;
use service::kafka::consumer::Message;

/// A partition of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPartition {
    pub topic: &'static str,
    pub number: i32,
    /// The log generation, see [`crate::Config::log_generation`].
    pub generation: u16,
}

impl LogPartition {
    /// The number as the column `log_partition`.
    #[must_use]
    pub fn column(self) -> u32 {
        u32::try_from(self.number).unwrap_or_default()
    }

    /// The position of a message of this partition.
    #[must_use]
    pub fn position(self, message: &Message) -> Position {
        Position {
            generation: self.generation,
            partition: self.column(),
            offset: u64::try_from(message.offset).unwrap_or_default(),
            appended_at: message.appended_at,
        }
    }
}

/// A record and its position in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct PositionedRecord<T> {
    pub position: Position,
    /// `None` where the record takes too much memory to be kept; it is read again when its row is made.
    pub value: Option<T>,
}
