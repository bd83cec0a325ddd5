//! The workers of the assigned partitions: one thread for each, started and ended as partitions come and go.

use crate::error::Error;
use crate::readiness::{PartitionReporter, Readiness};
use crate::stop::{Stop, StopSender, WorkerEnd};
use crate::stream::{Connections, IssueChanges, Occurrences, RejectedReports, Stream};
use crate::worker::Worker;
use crate::worker_setup::{Mode, WorkerSetup};
use schemas::record::{Connection, IssueChange, RawReport, Record, RejectedReport};
use service::kafka::consumer::{Assignment, PartitionQueue};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;

const LONG: Duration = Duration::from_secs(3_600);

/// The workers of the assigned partitions.
pub struct Workers {
    setup: WorkerSetup,
    runtime: Handle,
    readiness: Readiness,
    failures: UnboundedSender<Error>,
    running: Mutex<HashMap<(String, i32), Running>>,
}

struct Running {
    stop: StopSender,
    thread: JoinHandle<()>,
}

impl Workers {
    /// No workers yet.
    #[must_use]
    pub fn new(setup: WorkerSetup, runtime: Handle, readiness: Readiness, failures: UnboundedSender<Error>) -> Self {
        Self { setup, runtime, readiness, failures, running: Mutex::default() }
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
        let reporter = self.readiness.begin(queue.topic(), queue.partition());
        let (setup, failures) = (self.setup.clone(), self.failures.clone());
        let (topic, partition) = (queue.topic().to_owned(), queue.partition());
        let mode = setup.mode.clone();
        let work = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| run(setup, queue, stop, reporter)));
            let failure = match outcome {
                Ok(Ok(()) | Err(WorkerEnd::Stopped)) => return,
                Ok(Err(WorkerEnd::RangeDone)) => {
                    if let Mode::Replay(errand) = mode {
                        errand.done(topic, partition);
                    }
                    return;
                }
                Ok(Err(WorkerEnd::Failed(error))) => error,
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

/// Tells all workers to end, then waits for each of them.
fn end(workers: Vec<Running>, tell: fn(&StopSender)) {
    for worker in &workers {
        tell(&worker.stop);
    }
    for worker in workers {
        // A panic has been reported by the worker's own thread.
        let _ = worker.thread.join();
    }
}

fn run(setup: WorkerSetup, queue: PartitionQueue, stop: Stop, reporter: PartitionReporter) -> Result<(), WorkerEnd> {
    match queue.topic() {
        RawReport::TOPIC => fold::<Occurrences>(setup, queue, stop, reporter),
        Connection::TOPIC => fold::<Connections>(setup, queue, stop, reporter),
        IssueChange::TOPIC => fold::<IssueChanges>(setup, queue, stop, reporter),
        RejectedReport::TOPIC => fold::<RejectedReports>(setup, queue, stop, reporter),
        other => stand_still(&Error::ForeignTopic(other.to_owned()), &stop, &reporter),
    }
}

/// There is no stream for the topic: reports the error until the partition is taken away.
fn stand_still(error: &Error, stop: &Stop, reporter: &PartitionReporter) -> Result<(), WorkerEnd> {
    tracing::error!(%error, "a stream is halted");
    reporter.halts(&error.to_string());
    while !stop.waits(LONG) {}
    Err(WorkerEnd::Stopped)
}

fn fold<S: Stream>(setup: WorkerSetup, queue: PartitionQueue, stop: Stop, reporter: PartitionReporter) -> Result<(), WorkerEnd> {
    Worker::<S>::new(setup, queue, stop, reporter).run()
}
