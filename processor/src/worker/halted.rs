//! A stream that cannot go on: it stands still alone, says so, and looks again by itself.
//!
//! The offset stays where it is, so nothing is passed over. What was wrong may be gone later (a table that was being changed, a topic that
//! was put back), so the worker begins again after a wait, and at once after a restart. Where nothing on a partition was ever
//! valid, it reads ahead instead: a valid record behind the bad ones shows that the fault is theirs.

use std::time::Duration;

use schemas::commit_note::CommitNote;
use schemas::record::Record;

use super::Worker;
use super::work::INVALID_LIMIT;
use crate::decode;
use crate::error::Error;
use crate::stop::WorkerEnd;
use crate::stream::Stream;

/// The first wait of a halted stream; doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The reason of a stream on which nothing was ever valid: a restart does not begin to count again.
pub(super) const NOTHING_VALID: &str = "nothing_valid";

impl<S: Stream> Worker<S> {
    /// Says why the stream is halted, and returns when it is to begin again.
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

    /// The stream goes on: what a halt has left is taken back.
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

    /// Commits the reason where the offset already is, for whoever asks the group. The process is alive: earlier ends of it do not count.
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

    /// Reads on behind the slice in hand until there is a valid record. Nothing is committed.
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
