//! Calls of the log and of the tables, repeated until they succeed, the worker is told to stop, or waiting cannot help.

use crate::error::Error;
use crate::log_partition::LogPartition;
use crate::metrics::WorkerMetrics;
use crate::readiness::PartitionReporter;
use crate::stop::{Stop, WorkerEnd};
use std::sync::Arc;
use std::time::Duration;

/// The first wait after a failure; doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The engines as the worker of one partition calls them.
pub(super) struct Engines {
    pub partition: LogPartition,
    pub stop: Stop,
    pub reporter: Arc<PartitionReporter>,
    pub metrics: Arc<WorkerMetrics>,
}

impl Engines {
    /// Repeats a call that blocks until it succeeds.
    pub fn blocking<T, E: Into<Error>>(&self, mut call: impl FnMut() -> Result<T, E>) -> Result<T, WorkerEnd> {
        self.retry(|| Ok(call().map_err(Into::into)), |_| false)?.map_err(WorkerEnd::Failed)
    }

    /// Repeats an asynchronous call until it succeeds.
    pub fn call<T, E, F>(&self, call: impl FnMut() -> F) -> Result<T, WorkerEnd>
    where
        E: Into<Error>,
        F: Future<Output = Result<T, E>>,
    {
        self.call_unless(call, |_| false)?.map_err(WorkerEnd::Failed)
    }

    /// As [`Engines::call`], but returns an error for which `gives_up` is true.
    pub fn call_unless<T, E, F>(
        &self,
        mut call: impl FnMut() -> F,
        gives_up: impl FnMut(&Error) -> bool,
    ) -> Result<Result<T, Error>, WorkerEnd>
    where
        E: Into<Error>,
        F: Future<Output = Result<T, E>>,
    {
        self.retry(|| Ok(self.stop.call(call())?.map_err(Into::into)), gives_up)
    }

    fn retry<T>(
        &self,
        mut attempt: impl FnMut() -> Result<Result<T, Error>, WorkerEnd>,
        mut gives_up: impl FnMut(&Error) -> bool,
    ) -> Result<Result<T, Error>, WorkerEnd> {
        let mut wait = FIRST_WAIT;
        let outcome = loop {
            let error = match attempt()? {
                Ok(value) => break Ok(value),
                Err(error) => error,
            };
            if gives_up(&error) {
                break Err(error);
            }
            if !error.is_passing() {
                return Err(WorkerEnd::Failed(error));
            }
            let LogPartition { topic, number: partition, .. } = self.partition;
            tracing::warn!(topic, partition, %error, wait.ms = wait.as_millis() as u64, "waiting for an engine");
            self.metrics.retried();
            self.reporter.waits(&error.to_string());
            if self.stop.waits(wait) {
                return Err(WorkerEnd::Stopped);
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        };
        if wait > FIRST_WAIT {
            self.reporter.goes_on();
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::readiness::Readiness;
    use crate::sink::TableError;
    use crate::stop::StopSender;

    #[test]
    fn a_call_is_repeated_while_waiting_helps_and_readiness_says_so() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (sender, stop) = StopSender::new(runtime.handle().clone());
        let readiness = Readiness::default();
        let engines = Engines {
            partition: LogPartition { topic: "connections", number: 1, generation: 0 },
            stop,
            reporter: Arc::new(readiness.begin("connections", 1)),
            metrics: Arc::new(WorkerMetrics::new("connections")),
        };
        let (mut calls, mut seen) = (0, Vec::new());
        let outcome = engines.call(|| {
            calls += 1;
            seen.push(readiness.ready().is_ok());
            let outcome = if calls < 3 { Err(TableError::TimedOut(Duration::ZERO)) } else { Ok(calls) };
            async move { outcome }
        });
        assert!(matches!(outcome, Ok(3)));
        assert_eq!(seen, [true, false, false]);
        assert_eq!(readiness.ready(), Ok(()));
        let fatal = || Err::<(), _>(Error::ConsumerStopped);
        assert!(matches!(engines.blocking(fatal), Err(WorkerEnd::Failed(Error::ConsumerStopped))));
        let away = || async { Err::<(), _>(TableError::TimedOut(Duration::ZERO)) };
        assert!(matches!(engines.call_unless(away, |_| true), Ok(Err(Error::Tables(_)))));
        sender.abandon();
        assert!(matches!(engines.call(std::future::pending::<Result<(), Error>>), Err(WorkerEnd::Stopped)));
    }
}
