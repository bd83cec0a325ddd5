//! Values that are read from files, and read again while the process runs.

use crate::shutdown::Shutdown;
use arc_swap::ArcSwap;
use std::fmt::{self, Display};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{SignalKind, signal};

/// Where a value comes from.
pub trait Source: Send + Sync + 'static {
    /// What is read.
    type Value: Send + Sync + 'static;
    /// Why it cannot be read.
    type Error: Display + Send + 'static;
    /// What log lines call the value.
    const NAME: &'static str;

    /// The files that are read.
    fn files(&self) -> Vec<PathBuf>;

    /// Reads the files.
    ///
    /// # Errors
    /// They cannot be read, or make no value.
    fn read(&self) -> Result<Self::Value, Self::Error>;
}

/// A value in force: all readers see the newest one that could be read.
pub struct Reloaded<S: Source> {
    source: S,
    current: ArcSwap<S::Value>,
    /// What the files looked like when they were last read.
    seen: Mutex<Stamps>,
}

/// Size and time of each file; `None` for a file that cannot be looked at.
type Stamps = Vec<Option<(u64, SystemTime)>>;

impl<S: Source> Reloaded<S> {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// Those of [`Source::read`].
    pub fn open(source: S) -> Result<Self, S::Error> {
        let seen = stamps(&source);
        let value = source.read()?;
        Ok(Reloaded { source, current: ArcSwap::from_pointee(value), seen: Mutex::new(seen) })
    }

    /// Starts with a `value` that is known already.
    pub fn of(source: S, value: S::Value) -> Self {
        let seen = Mutex::new(stamps(&source));
        Reloaded { source, current: ArcSwap::from_pointee(value), seen }
    }

    /// The value in force now.
    pub fn current(&self) -> Arc<S::Value> {
        self.current.load_full()
    }

    /// Reads the files again. After an error the former value stays in force.
    ///
    /// # Errors
    /// Those of [`Source::read`].
    pub fn reload(&self) -> Result<(), S::Error> {
        *self.seen() = stamps(&self.source);
        self.current.store(Arc::new(self.source.read()?));
        Ok(())
    }

    /// Reloads on every SIGHUP until shutdown, those between this call and the first poll included; with `interval` also when a look
    /// at the files, once in each interval, shows that they changed.
    pub fn follow(self: Arc<Self>, interval: Option<Duration>, shutdown: Shutdown) -> impl Future<Output = ()> + Send {
        let hangups = signal(SignalKind::hangup());
        async move {
            let mut hangups = match hangups {
                Ok(hangups) => hangups,
                Err(error) => return tracing::error!(%error, "cannot listen for SIGHUP"),
            };
            let look = || async {
                match interval {
                    Some(interval) => tokio::time::sleep(interval).await,
                    None => std::future::pending().await,
                }
            };
            loop {
                let is_asked = tokio::select! {
                    () = shutdown.triggered() => return,
                    _ = hangups.recv() => true,
                    () = look() => false,
                };
                let this = Arc::clone(&self);
                // Files may lie on a slow disk.
                let _ = tokio::task::spawn_blocking(move || this.reload_and_log(is_asked)).await;
            }
        }
    }

    fn reload_and_log(&self, is_asked: bool) {
        if !is_asked && *self.seen() == stamps(&self.source) {
            return;
        }
        let files = self.source.files();
        match self.reload() {
            Ok(()) => tracing::info!(?files, "{} read again", S::NAME),
            Err(error) => tracing::error!(%error, ?files, "{} unchanged", S::NAME),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Stamps> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Source> fmt::Debug for Reloaded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(S::NAME).field("files", &self.source.files()).finish_non_exhaustive()
    }
}

fn stamps(source: &impl Source) -> Stamps {
    let stamp = |file: PathBuf| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    };
    source.files().into_iter().map(stamp).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    /// A number in a file.
    struct Number(PathBuf);

    impl Source for Number {
        type Value = u32;
        type Error = String;
        const NAME: &'static str = "number";

        fn files(&self) -> Vec<PathBuf> {
            vec![self.0.clone()]
        }

        fn read(&self) -> Result<u32, String> {
            let text = std::fs::read_to_string(&self.0).map_err(|error| error.to_string())?;
            text.parse().map_err(|_| format!("{text} is not a number"))
        }
    }

    #[test]
    fn after_an_error_the_former_value_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        assert!(Reloaded::open(Number(file.clone())).is_err());
        std::fs::write(&file, "1").unwrap();
        let number = Reloaded::open(Number(file.clone())).unwrap();
        let held = number.current();
        std::fs::write(&file, "2").unwrap();
        number.reload().unwrap();
        std::fs::write(&file, "two").unwrap();
        assert_eq!(number.reload().unwrap_err(), "two is not a number");
        assert_eq!((*held, *number.current()), (1, 2));
    }

    #[tokio::test]
    async fn a_changed_file_is_read_without_being_asked() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        std::fs::write(&file, "1").unwrap();
        let number = Arc::new(Reloaded::open(Number(file.clone())).unwrap());
        let (trigger, shutdown) = Shutdown::new();
        let follower = tokio::spawn(Arc::clone(&number).follow(Some(Duration::from_millis(1)), shutdown));
        std::fs::write(&file, "2000").unwrap();
        let read = async {
            while *number.current() != 2000 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), read).await.unwrap();
        trigger.fire();
        follower.await.unwrap();
    }
}
