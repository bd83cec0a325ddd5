//! A value with its place in the log.

use schemas::row::Position;

/// A record and where it lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Envelope<T> {
    pub position: Position,
    pub value: T,
}
