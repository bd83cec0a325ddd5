//! A compacted topic as a value in memory: read whole, then followed. No group, nothing committed; each mirror reads for itself.
//!
//! ```text
//! a thread:  read every partition to its end → the value is there → follow → after a while, or where the topic was deleted and made again: from its beginning
//! ```
//!
//! Invariants: a value that was once read whole is there for good: while the topic is read again, or the log is away, the old one
//! answers; [`Mirror::passed`] speaks of the value that answers, never of one that is still being read.

mod reading;
mod shared;

pub use self::shared::Progress;

use self::reading::TopicReader;
use self::shared::{Fold, Shared};
use super::{Config, Error, Position};
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;

/// A value made of a topic; clones share it.
pub struct Mirror<T>(Arc<Shared<T>>);

impl<T> Clone for Mirror<T> {
    fn clone(&self) -> Self {
        Mirror(Arc::clone(&self.0))
    }
}

impl<T: Default + Send + Sync + 'static> Mirror<T> {
    /// Begins to read `topic`; ends when the last clone is dropped. What `fold` refuses is logged and passed over.
    ///
    /// # Errors
    /// A property that the client library does not take.
    pub fn open<E: Display + 'static>(
        config: &Config,
        client_id: &str,
        topic: &str,
        fold: impl Fn(&mut T, &[u8], &[u8]) -> Result<(), E> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let fold: Fold<T, E> = Arc::new(fold);
        let source = TopicReader { config: config.clone(), client_id: client_id.to_owned(), topic: config.named(topic).into_owned() };
        let consumer = source.consumer()?;
        let (progress, is_stale) = (watch::Sender::new(Progress::default()), AtomicBool::new(false));
        let shared = Arc::new(Shared { value: RwLock::new(None), progress, is_stale });
        let weak = Arc::downgrade(&shared);
        std::thread::spawn(move || source.keep(consumer, &weak, &fold));
        Ok(Mirror(shared))
    }

    /// Looks at the value; `None` until the topic has been read whole.
    pub fn read<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.0.value.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }

    /// Whether the topic has been read whole.
    pub fn is_whole(&self) -> bool {
        self.read(|_| ()).is_some()
    }

    /// Waits until the topic has been read whole.
    ///
    /// # Errors
    /// [`Error::TimedOut`].
    pub async fn whole(&self, timeout: Duration) -> Result<(), Error> {
        self.wait(timeout, |progress| !progress.next.is_empty()).await
    }

    /// How far the value has come; to be noted before a record is appended that shall be waited for.
    pub fn progress(&self) -> Progress {
        self.0.progress.borrow().clone()
    }

    /// Waits until the value holds the record at `position`, or what came after it. The record was appended after `noted`: where the
    /// value was further than that already, the topic was deleted and made again, and is read again first.
    ///
    /// # Errors
    /// [`Error::TimedOut`].
    pub async fn passed(&self, noted: &Progress, position: Position, timeout: Duration) -> Result<(), Error> {
        let partition = usize::try_from(position.partition).unwrap_or(usize::MAX);
        let is_past = |progress: &Progress| progress.next.get(partition).is_some_and(|next| *next > position.offset);
        let life = match is_past(noted) {
            true => {
                self.0.is_stale.store(true, Relaxed);
                noted.life + 1
            }
            false => 0,
        };
        self.wait(timeout, |progress| progress.life >= life && is_past(progress)).await
    }

    async fn wait(&self, timeout: Duration, is_there: impl FnMut(&Progress) -> bool) -> Result<(), Error> {
        let mut progress = self.0.progress.subscribe();
        let waited = tokio::time::timeout(timeout, progress.wait_for(is_there)).await;
        match waited {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Error::TimedOut { operation: "follow a topic" }),
        }
    }
}

#[cfg(test)]
mod tests;
