//! Calls of engines, made again until they succeed, the worker is told to stop, or trying again cannot help.

use std::time::Duration;

use schemas::record::Record;

use super::Worker;
use crate::error::Error;
use crate::stop::{AttemptError, WorkerEnd};
use crate::stream::Stream;

/// The first wait after a failure; doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

impl<S: Stream> Worker<S> {
    pub(super) fn call<T, E: Into<Error>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, AttemptError> {
        match self.stop.call(call) {
            Ok(outcome) => outcome.map_err(|error| AttemptError::Failed(error.into())),
            Err(halt) => Err(AttemptError::Ended(halt)),
        }
    }

    pub(super) fn retry<T>(&self, attempt: impl FnMut(&Self) -> Result<T, AttemptError>) -> Result<T, WorkerEnd> {
        self.retry_unless(attempt, |_| false)?.map_err(WorkerEnd::Failed)
    }

    /// As [`Worker::retry`], but gives back an error of which `is_enough` says so.
    pub(super) fn retry_unless<T>(
        &self,
        mut attempt: impl FnMut(&Self) -> Result<T, AttemptError>,
        mut is_enough: impl FnMut(&Error) -> bool,
    ) -> Result<Result<T, Error>, WorkerEnd> {
        let mut wait = FIRST_WAIT;
        let outcome = loop {
            let error = match attempt(self) {
                Ok(value) => break Ok(value),
                Err(AttemptError::Ended(halt)) => return Err(halt),
                Err(AttemptError::Failed(error)) => error,
            };
            if is_enough(&error) {
                break Err(error);
            }
            if !error.is_passing() {
                return Err(WorkerEnd::Failed(error));
            }
            let (topic, partition) = (S::Record::TOPIC, self.partition);
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
