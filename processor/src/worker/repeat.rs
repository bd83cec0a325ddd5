//! A slice that was left open is repeated. If work on it keeps ending the process, the records at fault are found and left out.
//!
//! ```text
//! repeated as a whole, up to ATTEMPTS times → each record tried alone → repeated without those that ended the process
//! ```
//!
//! A process that ends cannot report anything, so the state is committed before each step, beside the slice's first offset. The offsets of the slice
//! and the token of its insert do not change, so a late insert of an earlier attempt is still recognised. Records are tried in [`RUNS`] runs, and one
//! by one within a run that ended the process. The process can also be ended from outside while a harmless record is under trial, so a record is at
//! fault when it is found under trial twice. That costs two ends of the process for each record at fault, three in a slice of more than [`RUNS`]
//! records. Meanwhile the worker has the process to itself, so no record of another partition can end it.

use super::Worker;
use super::work::Job;
use crate::error::Error;
use crate::fold;
use crate::slice::Slice;
use crate::stop::WorkerEnd;
use crate::stream::Stream;
use schemas::commit_note::CommitNote;
use schemas::record::Record;
use service::kafka::consumer::Message;
use std::time::Duration;

/// Attempts with a whole slice before its records are tried alone.
const ATTEMPTS: u32 = 3;
/// Attempts after that, before the stream is halted between one attempt and the next.
const ATTEMPTS_AFTER_TRIAL: u32 = 2;
/// Runs of records that are tried together. Each run is a commit, and each record of a run at fault is another.
const RUNS: usize = 128;
/// The first wait before another attempt with a slice that ends the process although none of its records does; doubled each time.
const FIRST_WAIT: Duration = Duration::from_secs(60);
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

impl<S: Stream> Worker<S> {
    /// Repeats exactly the offsets of a slice that was left open.
    pub(super) fn repeat(&mut self, first: i64, last: i64, mut note: CommitNote) -> Result<(), WorkerEnd> {
        let mut slice = self.source.exactly(last, &self.stop)?;
        slice.first = first;
        let attempts = note.attempts;
        tracing::info!(topic = S::Record::TOPIC, partition = self.partition.number, first, last, attempts, "a slice was left open");
        if note.is_tried && note.attempts >= ATTEMPTS_AFTER_TRIAL {
            self.back_off(&slice, &mut note)?;
        }
        let is_suspect = note.is_tried || note.attempts >= ATTEMPTS;
        let _alone = if is_suspect { Some(self.stop.unless_told(self.setup.budget.acquire_all())?) } else { None };
        if is_suspect && !note.is_tried {
            self.try_records(&slice, &mut note)?;
        }
        note.attempts += 1;
        self.commit(first, note.clone())?;
        let first_deliveries = self.work(&slice, &Job::again(note.skipped, is_suspect))?;
        self.close(last)?;
        self.advance(&first_deliveries);
        Ok(())
    }

    /// Finds the records that end the process: the next start finds them under trial.
    fn try_records(&mut self, slice: &Slice, note: &mut CommitNote) -> Result<(), WorkerEnd> {
        let (topic, partition) = (S::Record::TOPIC, self.partition.number);
        tracing::warn!(
            topic,
            partition,
            first = slice.first,
            last = slice.last,
            "work on a slice keeps ending the processor, its records are tried"
        );
        for run in runs(slice, note) {
            let (Some(from), Some(to)) = (run.first(), run.last()) else { continue };
            let found = note.trial.replace((from.offset, to.offset));
            // The second trial of a record is the first run after a start.
            note.is_second &= found == note.trial;
            self.commit(slice.first, note.clone())?;
            for message in run.iter().filter(|message| note.skipped.binary_search(&message.offset).is_err()) {
                fold::dry_run::<S>(message, self.partition, &self.setup.rules);
            }
        }
        *note = CommitNote { attempts: 0, trial: None, is_second: false, is_tried: true, ..note.clone() };
        Ok(())
    }

    /// Takes back the attempt that the worker has begun, because it was told to end and the process is alive. Where the group refuses the commit, the
    /// attempt stays counted.
    pub(super) fn uncount_attempts(&mut self) {
        let Some((first, note)) = self.committed.take() else { return };
        if note.end.is_none() || (note.attempts <= 1 && note.trial.is_none()) {
            return;
        }
        let note = CommitNote { attempts: 1, trial: None, is_second: false, ..note };
        if let Ok(text) = note.text(first)
            && let Err(error) = self.source.queue().commit(first, &text)
        {
            tracing::info!(topic = S::Record::TOPIC, partition = self.partition.number, %error, "an attempt is not taken back");
        }
    }

    /// Waits before another attempt with a slice that ends the process although none of its records does.
    fn back_off(&mut self, slice: &Slice, note: &mut CommitNote) -> Result<(), WorkerEnd> {
        let (topic, partition, attempts) = (S::Record::TOPIC.to_owned(), self.partition.number, note.attempts);
        let error = Error::SliceKills { topic, partition, first: slice.first, last: slice.last, attempts };
        let wait = FIRST_WAIT.saturating_mul(1 << (attempts - ATTEMPTS_AFTER_TRIAL).min(10)).min(LONGEST_WAIT);
        tracing::error!(%error, wait.s = wait.as_secs(), "a stream is halted");
        note.halted = Some(error.reason().to_owned());
        self.commit(slice.first, note.clone())?;
        self.reporter.halts(&error.to_string());
        if self.stop.waits(wait) { Err(WorkerEnd::Stopped) } else { Ok(()) }
    }
}

/// The records still to be tried, in runs. Records that were under trial when the process ended are tried one by one. A single record is tried once
/// more, and skipped after the second time.
fn runs<'a>(slice: &'a Slice, note: &mut CommitNote) -> Vec<&'a [Message]> {
    let messages = slice.messages.as_slice();
    let (from, to) = match note.trial {
        Some((only, to)) if only == to && note.is_second => {
            note.is_second = false;
            if let Err(place) = note.skipped.binary_search(&only) {
                note.skipped.insert(place, only);
            }
            (to + 1, to)
        }
        Some((from, to)) => {
            note.is_second = from == to;
            (from, to)
        }
        None => (slice.first, slice.first - 1),
    };
    let at = |offset: i64| messages.partition_point(|message| message.offset < offset);
    let (begin, end) = (at(from), at(to + 1).max(at(from)));
    let single = messages[begin..end].chunks(1);
    single.chain(messages[end..].chunks(messages.len().div_ceil(RUNS).max(1))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn slice(offsets: impl IntoIterator<Item = i64>) -> Slice {
        let mut slice = Slice::starting_at(0);
        for offset in offsets {
            slice.push(Message { offset, appended_at: 0, key: None, payload: Vec::new() });
        }
        slice
    }

    /// Starts until the trial is done, each time from what was committed last; the skipped offsets and the ends of the process.
    fn trial(slice: &Slice, killers: &BTreeSet<i64>) -> (Vec<i64>, usize) {
        let mut committed = CommitNote { attempts: ATTEMPTS, ..CommitNote::opening(slice.last) };
        for ends in 0.. {
            let mut note = committed.clone();
            let mut is_alive = true;
            for run in runs(slice, &mut note) {
                let found = note.trial.replace((run[0].offset, run[run.len() - 1].offset));
                note.is_second &= found == note.trial;
                committed = CommitNote::read(0, &note.text(0).unwrap()).unwrap();
                if run.iter().any(|message| killers.contains(&message.offset)) {
                    is_alive = false;
                    break;
                }
            }
            if is_alive {
                return (note.skipped, ends);
            }
        }
        (Vec::new(), 0)
    }

    #[test]
    fn a_small_slice_costs_two_ends_for_each_record_at_fault_and_a_large_one_three() {
        let killers = BTreeSet::from([3, 17, 18]);
        assert_eq!(trial(&slice(0..40), &killers), (vec![3, 17, 18], 6));
        let killers = BTreeSet::from([0, 5_000, 9_999]);
        assert_eq!(trial(&slice(0..10_000), &killers), (vec![0, 5_000, 9_999], 9));
        assert_eq!(trial(&slice(0..10_000), &BTreeSet::new()), (Vec::new(), 0));
    }

    #[test]
    fn a_record_that_is_found_under_trial_once_is_tried_again_and_not_skipped() {
        let slice = slice(0..40);
        let mut note = CommitNote { trial: Some((7, 7)), ..CommitNote::opening(39) };
        let offsets: Vec<i64> = runs(&slice, &mut note).iter().map(|run| run[0].offset).collect();
        assert_eq!(offsets, (7..40).collect::<Vec<_>>());
        assert!(note.is_second && note.skipped.is_empty());
    }

    proptest! {
        #[test]
        fn exactly_the_records_at_fault_are_skipped(
            offsets in prop::collection::btree_set(0..3_000_i64, 1..600),
            chosen in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let all: Vec<i64> = offsets.iter().copied().collect();
            let killers: BTreeSet<i64> = chosen.iter().map(|index| all[index.index(all.len())]).collect();
            let (skipped, ends) = trial(&slice(all), &killers);
            prop_assert!(ends <= 3 * killers.len());
            prop_assert_eq!(skipped, killers.into_iter().collect::<Vec<_>>());
        }
    }
}
