//! A stream that cannot go on: it is halted alone, reports why, and begins again by itself.
//!
//! The committed offset stays, so no record is skipped. The cause may end by itself (a table was being altered, a topic was restored), so the worker
//! begins again after a wait, and at once after a restart. Where no record of a partition was ever valid, the worker reads ahead instead: a valid
//! record after the invalid ones shows that those are at fault.

use super::Worker;
use super::work::INVALID_LIMIT;
use crate::decode;
use crate::error::Error;
use crate::stop::WorkerEnd;
use crate::stream::Stream;
use schemas::commit_note::CommitNote;
use schemas::record::Record;
use std::time::Duration;

/// The first wait of a halted stream; doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The reason of a halt because no record was ever valid. After a restart the count does not begin at 0 then.
pub(super) const NOTHING_VALID: &str = "nothing_valid";

impl<S: Stream> Worker<S> {
    /// Reports why the stream is halted, and returns when the worker is to begin again.
    pub(super) fn halt(&mut self, error: &Error) -> Result<(), WorkerEnd> {
        self.window = None;
        tracing::error!(%error, "a stream is halted");
        self.reporter.halts(&error.to_string());
        self.note_halt(error)?;
        let wait = FIRST_WAIT.saturating_mul(1 << self.halts.min(10)).min(LONGEST_WAIT);
        self.halts += 1;
        if let Error::NothingValid { .. } = error {
            self.invalid = INVALID_LIMIT;
            return match self.read_ahead() {
                Err(WorkerEnd::Failed(error)) => {
                    tracing::warn!(%error, "reading ahead");
                    self.rest(wait)
                }
                outcome => outcome,
            };
        }
        self.rest(wait)
    }

    /// The stream goes on: the reports of a halt are taken back.
    pub(super) fn resume(&mut self) -> Result<(), WorkerEnd> {
        self.halts = 0;
        self.reporter.resumes();
        match self.committed.take() {
            // Halted where no slice was open.
            Some((offset, note)) if note.halted.is_some() => self.commit(offset, CommitNote::default()),
            committed => {
                self.committed = committed;
                Ok(())
            }
        }
    }

    fn rest(&self, wait: Duration) -> Result<(), WorkerEnd> {
        if self.stop.waits(wait) { Err(WorkerEnd::Stopped) } else { Ok(()) }
    }

    /// Commits the reason at the committed offset, so that `query` can show it. The process did not end, so earlier attempts are not counted.
    fn note_halt(&mut self, error: &Error) -> Result<(), WorkerEnd> {
        if let Error::ForeignMetadata { .. } = error {
            // What somebody else has written stays.
            return Ok(());
        }
        let beginning = self.low.map(|low| (low, CommitNote::default()));
        let Some((offset, note)) = self.committed.clone().or(beginning) else { return Ok(()) };
        let halted = Some(error.reason().to_owned());
        match self.commit(offset, CommitNote { attempts: 0, trial: None, is_second: false, halted, ..note }) {
            Err(WorkerEnd::Stopped) => Err(WorkerEnd::Stopped),
            Err(WorkerEnd::Failed(error)) => {
                tracing::warn!(%error, "the reason of a halt is not committed");
                Ok(())
            }
            Ok(()) | Err(WorkerEnd::RangeDone) => Ok(()),
        }
    }

    /// Reads the records after the current slice until one is valid. Nothing is committed.
    fn read_ahead(&mut self) -> Result<(), WorkerEnd> {
        loop {
            let ahead = self.source.slice(&self.stop)?;
            if ahead.messages.iter().any(|message| matches!(decode::read::<S>(message), Ok(Ok(_)))) {
                tracing::info!(
                    topic = S::Record::TOPIC,
                    partition = self.partition.number,
                    first = ahead.first,
                    "a valid record was found"
                );
                self.was_valid = true;
                return Ok(());
            }
        }
    }
}
