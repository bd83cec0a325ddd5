//! Partitions come and go: a worker for each, on a thread of its own.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use schemas::record::{Connection, IssueChange, RawReport, Record, RejectedReport};
use service::kafka::consumer::{Assignment, PartitionQueue};
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;

use crate::error::Error;
use crate::outfit::{Duty, Outfit};
use crate::stop::{Halt, Stop, StopSender};
use crate::stream::{Connections, IssueChanges, Occurrences, RejectedReports, Stream};
use crate::watermark::{Mark, Watermarks};
use crate::worker::Worker;

/// The topics that the processor consumes.
pub const TOPICS: [&str; 4] = [RawReport::TOPIC, Connection::TOPIC, IssueChange::TOPIC, RejectedReport::TOPIC];

const LONG: Duration = Duration::from_secs(3_600);

/// The workers of the assigned partitions.
pub struct Workers {
    outfit: Outfit,
    runtime: Handle,
    watermarks: Watermarks,
    failures: UnboundedSender<Error>,
    running: Mutex<HashMap<(String, i32), Running>>,
}

struct Running {
    stop: StopSender,
    thread: JoinHandle<()>,
}

impl Workers {
    /// None yet.
    #[must_use]
    pub fn new(outfit: Outfit, runtime: Handle, watermarks: Watermarks, failures: UnboundedSender<Error>) -> Self {
        Self { outfit, runtime, watermarks, failures, running: Mutex::default() }
    }

    /// Lets every worker finish its slice and waits for all of them.
    pub fn finish(&self) {
        let running = std::mem::take(&mut *self.running());
        end(running.into_values().collect(), StopSender::finish);
    }

    fn take(&self, partitions: &[(String, i32)]) -> Vec<Running> {
        let mut running = self.running();
        partitions.iter().filter_map(|partition| running.remove(partition)).collect()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<(String, i32), Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self, queue: PartitionQueue) -> Result<Running, Error> {
        let (sender, stop) = StopSender::new(self.runtime.clone());
        let mark = self.watermarks.begin(queue.topic(), queue.partition());
        let (outfit, failures) = (self.outfit.clone(), self.failures.clone());
        let (topic, partition) = (queue.topic().to_owned(), queue.partition());
        let duty = outfit.duty.clone();
        let work = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| run(outfit, queue, stop, mark)));
            let failure = match outcome {
                Ok(Ok(()) | Err(Halt::Stopped)) => return,
                Ok(Err(Halt::Ended)) => {
                    if let Duty::Replay(errand) = duty {
                        errand.done(topic, partition);
                    }
                    return;
                }
                Ok(Err(Halt::Failed(error))) => error,
                Err(_) => Error::Panicked { topic, partition },
            };
            // Nobody listens once the processor is stopping.
            let _ = failures.send(failure);
        };
        let thread = thread::Builder::new().name("worker".to_owned()).spawn(work).map_err(Error::Thread)?;
        Ok(Running { stop: sender, thread })
    }
}

impl Assignment for Workers {
    fn assigned(&self, queues: Vec<PartitionQueue>) {
        for queue in queues {
            let key = (queue.topic().to_owned(), queue.partition());
            match self.spawn(queue) {
                Ok(running) => drop(self.running().insert(key, running)),
                Err(error) => drop(self.failures.send(error)),
            }
        }
    }

    fn revoked(&self, partitions: &[(String, i32)]) {
        end(self.take(partitions), StopSender::finish);
    }

    fn lost(&self, partitions: &[(String, i32)]) {
        end(self.take(partitions), StopSender::abandon);
    }
}

/// Tells all of them first, then waits for each.
fn end(workers: Vec<Running>, tell: fn(&StopSender)) {
    for worker in &workers {
        tell(&worker.stop);
    }
    for worker in workers {
        // A panic has been reported by the worker's own thread.
        let _ = worker.thread.join();
    }
}

fn run(outfit: Outfit, queue: PartitionQueue, stop: Stop, mark: Mark) -> Result<(), Halt> {
    match queue.topic() {
        RawReport::TOPIC => fold::<Occurrences>(outfit, queue, stop, mark),
        Connection::TOPIC => fold::<Connections>(outfit, queue, stop, mark),
        IssueChange::TOPIC => fold::<IssueChanges>(outfit, queue, stop, mark),
        RejectedReport::TOPIC => fold::<RejectedReports>(outfit, queue, stop, mark),
        other => stand_still(&Error::ForeignTopic(other.to_owned()), &stop, &mark),
    }
}

/// There is nothing to fold with: says so until the partition is taken away.
fn stand_still(error: &Error, stop: &Stop, mark: &Mark) -> Result<(), Halt> {
    tracing::error!(%error, "a stream is halted");
    mark.halts(&error.to_string());
    while !stop.waits(LONG) {}
    Err(Halt::Stopped)
}

fn fold<S: Stream>(outfit: Outfit, queue: PartitionQueue, stop: Stop, mark: Mark) -> Result<(), Halt> {
    Worker::<S>::new(outfit, queue, stop, mark).run()
}
