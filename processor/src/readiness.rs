//! The status of each assigned partition, for `/readyz` and metrics. How far the tables are behind the log is not kept here: the log knows it,
//! by the committed offsets of the group and the ends of the partitions.

use crate::metrics::{LAG_RECORDS, PARTITIONS, STREAM_HALTED, WINDOW_IDS};
use service::telemetry::Gauge;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whether the processor can do its work: the status of its assigned partitions.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    partitions: BTreeMap<(String, i32), PartitionStatus>,
    /// Topics that the log does not have.
    missing: Vec<&'static str>,
}

#[derive(Default)]
struct PartitionStatus {
    /// What the worker waits for.
    obstacle: Option<String>,
    /// Why the stream is halted.
    halted: Option<String>,
}

impl PartitionStatus {
    fn missing(&self, topic: &str, partition: i32) -> Option<String> {
        match (&self.halted, &self.obstacle) {
            (Some(reason), _) => Some(format!("{topic} {partition} is halted: {reason}")),
            (None, Some(obstacle)) => Some(format!("{topic} {partition} waits: {obstacle}")),
            (None, None) => None,
        }
    }
}

/// Reports the status of one partition. Its worker drops it at the end.
pub struct PartitionReporter {
    all: Readiness,
    key: (String, i32),
    lag: Gauge,
    ids: Gauge,
    halted: Gauge,
}

impl Readiness {
    /// Adds a partition whose worker begins.
    #[must_use]
    pub fn begin(&self, topic: &str, partition: i32) -> PartitionReporter {
        let number = partition.to_string();
        let labels = [topic, number.as_str()];
        let key = (topic.to_owned(), partition);
        self.state().partitions.insert(key.clone(), PartitionStatus::default());
        self.show();
        PartitionReporter {
            all: self.clone(),
            key,
            lag: LAG_RECORDS.with(labels),
            ids: WINDOW_IDS.with(labels),
            halted: STREAM_HALTED.with(labels),
        }
    }

    /// Whether a partition is assigned to this processor.
    #[must_use]
    pub fn is_assigned(&self, topic: &str, partition: i32) -> bool {
        self.state().partitions.contains_key(&(topic.to_owned(), partition))
    }

    /// Whether the processor can do its work.
    ///
    /// # Errors
    /// What is missing.
    pub fn ready(&self) -> Result<(), String> {
        let state = self.state();
        let mut missing: Vec<String> = state.missing.iter().map(|topic| format!("topic {topic} is not in the log")).collect();
        if state.partitions.is_empty() {
            missing.push("no partition is assigned".to_owned());
        }
        missing.extend(state.partitions.iter().filter_map(|((topic, partition), standing)| standing.missing(topic, *partition)));
        if missing.is_empty() { Ok(()) } else { Err(missing.join("; ")) }
    }

    /// Sets the topics that the log does not have.
    pub fn lacks(&self, topics: Vec<&'static str>) {
        self.state().missing = topics;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self) {
        let assigned = i64::try_from(self.state().partitions.len()).unwrap_or(i64::MAX);
        PARTITIONS.get().set(assigned);
    }
}

impl PartitionReporter {
    /// The worker waits for this.
    pub fn waits(&self, obstacle: &str) {
        if let Some(standing) = self.all.state().partitions.get_mut(&self.key) {
            standing.obstacle = Some(obstacle.to_owned());
        }
    }

    /// The worker waits no longer.
    pub fn goes_on(&self) {
        if let Some(standing) = self.all.state().partitions.get_mut(&self.key) {
            standing.obstacle = None;
        }
    }

    /// The stream is halted for this reason.
    pub fn halts(&self, reason: &str) {
        self.halted.set(1);
        if let Some(standing) = self.all.state().partitions.get_mut(&self.key) {
            standing.halted = Some(reason.to_owned());
        }
    }

    /// The stream is halted no longer.
    pub fn resumes(&self) {
        self.halted.set(0);
        if let Some(standing) = self.all.state().partitions.get_mut(&self.key) {
            standing.halted = None;
        }
    }

    /// Shows how many records of the log are not in the tables yet.
    pub fn lag(&self, records: i64) {
        self.lag.set(records.max(0));
    }

    /// Shows how many ids the window has.
    pub fn ids(&self, count: usize) {
        self.ids.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

impl Drop for PartitionReporter {
    fn drop(&mut self) {
        self.all.state().partitions.remove(&self.key);
        self.lag.set(0);
        self.ids.set(0);
        self.halted.set(0);
        self.all.show();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_assigned_and_neither_waiting_nor_halted() {
        let readiness = Readiness::default();
        assert_eq!(readiness.ready(), Err("no partition is assigned".to_owned()));
        let reporter = readiness.begin("connections", 1);
        assert_eq!(readiness.ready(), Ok(()));
        assert!(readiness.is_assigned("connections", 1) && !readiness.is_assigned("connections", 0));
        reporter.waits("the tables: timeout expired");
        assert_eq!(readiness.ready(), Err("connections 1 waits: the tables: timeout expired".to_owned()));
        reporter.halts("没有");
        readiness.lacks(vec!["raw-reports"]);
        assert_eq!(readiness.ready(), Err("topic raw-reports is not in the log; connections 1 is halted: 没有".to_owned()));
        readiness.lacks(Vec::new());
        reporter.goes_on();
        assert!(readiness.ready().is_err(), "no longer waiting, and halted");
        reporter.resumes();
        assert_eq!(readiness.ready(), Ok(()));
        drop(reporter);
        assert!(readiness.ready().is_err());
    }
}
