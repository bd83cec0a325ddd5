//! Why the log of a partition refuses.

use std::io;

/// Why a batch or a read is refused; each has its own error code in Kafka.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The bytes are not a batch, or its checksum is wrong.
    #[error("the batch is damaged")]
    Corrupt,
    /// A batch that Kafka does not accept either: several at once, transactional, an unknown codec.
    #[error("the batch is not valid")]
    Invalid,
    /// Older than record format 2.
    #[error("the record format is not supported")]
    OldFormat,
    /// More than `max.message.bytes`.
    #[error("the batch is too large")]
    TooLarge,
    /// A batch of this producer is missing before this one.
    #[error("the producer's sequence has a gap")]
    OutOfOrder,
    /// A newer instance of this producer has written.
    #[error("the producer's epoch is old")]
    FencedProducer,
    /// The offset is not in the log.
    #[error("the offset is out of range")]
    OutOfRange,
    /// The topic was deleted meanwhile.
    #[error("the partition is gone")]
    Gone,
    /// The disk refused: full, or broken.
    #[error("storage: {0}")]
    Storage(String),
}

impl From<io::Error> for StorageError {
    fn from(error: io::Error) -> Self {
        StorageError::Storage(error.to_string())
    }
}
