//! A value with its place in the log.

use schemas::row::Position;

/// A record and where it lies.
#[derive(Debug, Clone, PartialEq)]
pub struct PositionedRecord<T> {
    pub position: Position,
    /// `None` where it takes too much memory to be kept; it is read again where its row is made.
    pub value: Option<T>,
}
