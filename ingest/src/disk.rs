//! Free space on the disk of log and tables: below a mark the edge takes no more reports, before log or tables are hurt.

use crate::config::{self, Shortage};
use crate::metrics;
use crate::rejection::Rejection;
use service::telemetry::Gauge;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often free space is measured: the fastest flood fills less than the mark meanwhile.
const PERIOD: Duration = Duration::from_secs(1);

/// What is known of the disk; reading it costs a request nothing.
pub(crate) struct Disk {
    config: config::Disk,
    is_short: AtomicBool,
    shortage: Mutex<Option<Shortage>>,
    /// Whether the last measurement failed; only the first failure is logged.
    is_unknown: AtomicBool,
    free: Gauge,
    mark: Gauge,
    refusing: Gauge,
}

impl Disk {
    pub(crate) fn new(config: &config::Disk) -> Self {
        Self {
            config: config.clone(),
            is_short: AtomicBool::new(false),
            shortage: Mutex::new(None),
            is_unknown: AtomicBool::new(false),
            free: metrics::DISK_FREE_BYTES.get(),
            mark: metrics::DISK_MIN_FREE_BYTES.get(),
            refusing: metrics::DISK_FULL.get(),
        }
    }

    /// Whether there is room for more.
    pub(crate) fn admit(&self) -> Result<(), Rejection> {
        if self.is_short.load(Relaxed) { Err(Rejection::DiskFull) } else { Ok(()) }
    }

    /// For the readiness check.
    pub(crate) fn ready(&self) -> Result<(), String> {
        let shortage = *self.shortage.lock().unwrap_or_else(PoisonError::into_inner);
        shortage.map_or(Ok(()), |Shortage { free, mark }| {
            Err(format!("room on the disk: {free} bytes are free, reports are taken again from {mark} on"))
        })
    }

    /// Measures from now on; never ends.
    pub(crate) async fn watch(&self) -> Infallible {
        loop {
            tokio::time::sleep(PERIOD).await;
            self.measure().await;
        }
    }

    /// Measures once, where there is a disk to watch. A failed measurement changes nothing.
    pub(crate) async fn measure(&self) {
        let Some(folder) = self.config.folder.clone() else { return };
        let asked = tokio::task::spawn_blocking(move || service::disk::space(&folder)).await;
        let asked = asked.map_err(std::io::Error::other).flatten();
        let was_unknown = self.is_unknown.swap(asked.is_err(), Relaxed);
        match asked {
            Ok(space) => {
                let gauge = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
                self.free.set(gauge(space.free));
                self.mark.set(gauge(self.config.mark(space)));
                self.note(self.config.shortage(space));
            }
            Err(error) if !was_unknown => tracing::warn!(%error, "the disk cannot be looked at"),
            Err(_) => {}
        }
    }

    fn note(&self, shortage: Option<Shortage>) {
        *self.shortage.lock().unwrap_or_else(PoisonError::into_inner) = shortage;
        let was_short = self.is_short.swap(shortage.is_some(), Relaxed);
        self.refusing.set(i64::from(shortage.is_some()));
        match shortage {
            Some(Shortage { free, mark }) if !was_short => {
                tracing::error!(disk.free = free, disk.min_free = mark, "the disk is nearly full: reports are refused until there is room");
            }
            None if was_short => tracing::info!("the disk has room again: reports are taken"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_by_itself() {
        let disk = Disk::new(&config::Disk::default());
        assert!(disk.admit().is_ok() && disk.ready().is_ok());
        disk.note(Some(Shortage { free: 5, mark: 9 }));
        assert_eq!(disk.admit(), Err(Rejection::DiskFull));
        assert!(disk.ready().is_err_and(|missing| missing.contains("5 bytes are free")));
        disk.note(None);
        assert!(disk.admit().is_ok() && disk.ready().is_ok());
    }
}
