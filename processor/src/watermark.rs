//! How far each assigned partition is, for readiness and metrics. What is complete for readers is in the log itself: the group's committed
//! offsets against the ends of the partitions; nothing is stored.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use service::telemetry::{Gauge, gauge};

/// The assigned partitions of this processor.
#[derive(Clone, Default)]
pub struct Watermarks(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    partitions: BTreeMap<(String, i32), Standing>,
}

#[derive(Default)]
struct Standing {
    /// What the worker is waiting for.
    obstacle: Option<String>,
}

/// One partition's place among them; dropped when its worker ends.
pub struct Mark {
    all: Watermarks,
    key: (String, i32),
    lag: Gauge,
    ids: Gauge,
}

impl Watermarks {
    /// Notes a partition whose worker begins.
    #[must_use]
    pub fn begin(&self, topic: &str, partition: i32) -> Mark {
        let number = partition.to_string();
        let labels = [("topic", topic), ("partition", number.as_str())];
        let key = (topic.to_owned(), partition);
        self.state().partitions.insert(key.clone(), Standing::default());
        self.show();
        Mark {
            all: self.clone(),
            key,
            lag: gauge("aftershock_lag_records", "Records in the log that are not in the tables yet.", &labels),
            ids: gauge("aftershock_window_ids", "Ids of recent deliveries held in memory.", &labels),
        }
    }

    /// Whether a partition is this processor's.
    #[must_use]
    pub fn is_assigned(&self, topic: &str, partition: i32) -> bool {
        self.state().partitions.contains_key(&(topic.to_owned(), partition))
    }

    /// Whether the processor does its work, and what is missing.
    ///
    /// # Errors
    /// What is missing.
    pub fn ready(&self) -> Result<(), String> {
        let state = self.state();
        if state.partitions.is_empty() {
            return Err("no partition is assigned".to_owned());
        }
        let waiting = |((topic, partition), standing): (&(String, i32), &Standing)| {
            standing.obstacle.as_ref().map(|obstacle| format!("{topic} {partition} waits: {obstacle}"))
        };
        match state.partitions.iter().find_map(waiting) {
            Some(missing) => Err(missing),
            None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self) {
        let assigned = i64::try_from(self.state().partitions.len()).unwrap_or(i64::MAX);
        gauge("aftershock_partitions", "Partitions assigned to this processor.", &[]).set(assigned);
    }
}

impl Mark {
    /// Says what the worker waits for.
    pub fn waits(&self, obstacle: &str) {
        if let Some(standing) = self.all.state().partitions.get_mut(&self.key) {
            standing.obstacle = Some(obstacle.to_owned());
        }
    }

    /// The worker goes on.
    pub fn goes_on(&self) {
        if let Some(standing) = self.all.state().partitions.get_mut(&self.key) {
            standing.obstacle = None;
        }
    }

    /// Shows how many records lie between the place that is in the tables and the end of the log.
    pub fn lag(&self, records: i64) {
        self.lag.set(records.max(0));
    }

    /// Shows how many ids are held.
    pub fn ids(&self, count: usize) {
        self.ids.set(i64::try_from(count).unwrap_or(i64::MAX));
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.all.state().partitions.remove(&self.key);
        self.lag.set(0);
        self.ids.set(0);
        self.all.show();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_means_assigned_and_not_waiting() {
        let watermarks = Watermarks::default();
        assert_eq!(watermarks.ready(), Err("no partition is assigned".to_owned()));
        let mark = watermarks.begin("connections", 1);
        assert_eq!(watermarks.ready(), Ok(()));
        assert!(watermarks.is_assigned("connections", 1) && !watermarks.is_assigned("connections", 0));
        mark.waits("the tables: timeout expired");
        assert_eq!(watermarks.ready(), Err("connections 1 waits: the tables: timeout expired".to_owned()));
        mark.goes_on();
        assert_eq!(watermarks.ready(), Ok(()));
        drop(mark);
        assert!(watermarks.ready().is_err());
    }
}
