//! The value of a mirror, and how far it has come.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, RwLock};
use tokio::sync::watch;

/// How one record changes the value, by key and payload; an empty payload is a tombstone.
pub(super) type Fold<T, E> = Arc<dyn Fn(&mut T, &[u8], &[u8]) -> Result<(), E> + Send + Sync>;

/// What a mirror and its thread share.
pub(super) struct Shared<T> {
    pub(super) value: RwLock<Option<T>>,
    pub(super) progress: watch::Sender<Progress>,
    /// Somebody has seen that the topic is another one.
    pub(super) is_stale: AtomicBool,
}

/// How far the value that answers has come.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Which reading of the topic it comes from.
    pub(super) life: u64,
    /// The next offset of each partition; none before the topic was read whole.
    pub(super) next: Vec<i64>,
}
