//! Keeps the tables within `retention.table_bytes`: above it, the oldest log days are dropped.
//!
//! The processor that owns the first partition of the reports does it. While that partition changes its owner two processors may do it, and drop
//! the same days. A day stays as long as a worker may need it: the days that the dedupe window is read from, which include the current day, and a
//! day with the newest row of some partition, from which a worker knows how far it is and whose slice may be open. A replay holds all partitions,
//! so nothing is dropped during a replay.

use crate::config::Config;
use crate::dedupe::ALLOWANCE_MS;
use crate::error::Error;
use crate::log_day::LogDay;
use crate::metrics::{TABLE_BYTES, TRIMMED_BYTES};
use crate::readiness::Readiness;
use crate::sink::{DailyTables, TableDay, TableError};
use schemas::record::{RawReport, Record};
use schemas::time;
use service::telemetry::{Counter, Gauge};
use std::convert::Infallible;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often the tables are measured.
const PERIOD: Duration = Duration::from_secs(60);
/// How soon a new assignment of the first partition is noticed.
const POLL_WAIT: Duration = Duration::from_secs(1);

/// Drops old log days of one database.
pub struct Trimmer {
    days: DailyTables,
    bound: Option<u64>,
    timeout: Duration,
    /// How far the dedupe window reaches back, in milliseconds.
    window_ms: i64,
    readiness: Readiness,
    size: Gauge,
    dropped: Counter,
    is_above: bool,
}

impl Trimmer {
    /// A trimmer of the tables that a processor of this configuration fills.
    #[must_use]
    pub fn new(config: &Config, tables: &service::clickhouse::Config, readiness: Readiness) -> Self {
        let window = i64::try_from(config.dedupe.window.as_millis()).unwrap_or(i64::MAX / 4);
        Self {
            days: DailyTables::new(tables),
            bound: config.retention.table_bound(),
            timeout: *config.table_timeout,
            window_ms: window.saturating_add(ALLOWANCE_MS),
            readiness,
            size: TABLE_BYTES.get(),
            dropped: TRIMMED_BYTES.get(),
            is_above: false,
        }
    }

    /// Measures the tables periodically and drops days; it never ends.
    pub async fn follow(mut self) -> Infallible {
        loop {
            if !self.readiness.is_assigned(RawReport::TOPIC, 0) {
                tokio::time::sleep(POLL_WAIT).await;
                continue;
            }
            if let Err(error) = self.pass(now_ms()).await {
                // The next pass tries again; that the tables are away is said by the workers.
                tracing::warn!(%error, "the tables cannot be measured");
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Measures the tables once, and drops as many days as necessary.
    async fn pass(&mut self, now_ms: i64) -> Result<(), Error> {
        let sizes = self.within(self.days.sizes()).await?;
        let mut left: u64 = sizes.iter().map(|day| day.bytes).sum();
        let today = time::log_day(now_ms.saturating_sub(self.window_ms).max(0));
        let mut dropping = None;
        for day in sizes.iter().filter(|day| day.day < today) {
            // A day leaves all tables: its crashes are counted against its connections.
            if dropping != Some(day.day) && self.bound.is_none_or(|bound| left <= bound) {
                break;
            }
            dropping = Some(day.day);
            if self.within(self.days.holds_a_position(day)).await? {
                continue;
            }
            self.within(self.days.drop(day)).await?;
            left = left.saturating_sub(day.bytes);
            self.dropped.add(day.bytes);
            let TableDay { table, day, bytes } = day;
            tracing::warn!(table, day = %LogDay(*day), bytes, "log day dropped: the tables take more than `retention.table_bytes`");
        }
        self.size.set(i64::try_from(left).unwrap_or(i64::MAX));
        let is_above = self.bound.is_some_and(|bound| left > bound);
        if is_above && !self.is_above {
            tracing::error!(tables.bytes = left, bound = self.bound, "the tables take more than they may, and no whole day can be dropped");
        }
        self.is_above = is_above;
        Ok(())
    }

    async fn within<T>(&self, call: impl Future<Output = Result<T, TableError>>) -> Result<T, TableError> {
        tokio::time::timeout(self.timeout, call).await.unwrap_or(Err(TableError::TimedOut(self.timeout)))
    }
}

/// The current time in Unix milliseconds. It decides which days may be dropped; rows never depend on it.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
