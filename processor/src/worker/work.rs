//! Work on one open slice: its records become rows in the table, or dead letters.

use super::Worker;
use crate::decode::{Rejection, Rejections};
use crate::dedupe::{DedupeKey, Window};
use crate::error::Error;
use crate::fold::{self, SliceRows};
use crate::log_partition::LogPartition;
use crate::metrics::SlicePass;
use crate::sink::{Blame, History, SliceRange};
use crate::slice::Slice;
use crate::stop::WorkerEnd;
use crate::stream::Stream;
use crate::worker_setup::Mode;
use schemas::record::{Record, RejectedReport};
use service::kafka::consumer::Message;
use std::time::Instant;

/// If this many records are invalid and none was ever valid, the installation is at fault and the stream is halted.
pub(super) const INVALID_LIMIT: u64 = 1_000;
/// Refusals of one insert for which the server may be at fault, before its rows are tried one by one.
const DOUBTFUL_LIMIT: u32 = 6;

/// How a slice is to be processed.
pub(super) struct Job {
    history: History,
    pass: SlicePass,
    /// Offsets whose records are not read.
    skipped: Vec<i64>,
    /// The worker holds the whole memory budget already.
    is_alone: bool,
}

impl Job {
    /// The first slice after a beginning.
    pub(super) fn first() -> Self {
        Self { history: History::Unknown, ..Self::fresh() }
    }

    /// A slice that no worker can have tried before.
    pub(super) fn fresh() -> Self {
        Self { history: History::Fresh, pass: SlicePass::New, skipped: Vec::new(), is_alone: false }
    }

    /// A slice that was left open.
    pub(super) fn again(skipped: Vec<i64>, is_alone: bool) -> Self {
        Self { history: History::Unknown, pass: SlicePass::Repeated, skipped, is_alone }
    }
}

impl<S: Stream> Worker<S> {
    /// Puts the rows of an open slice into the table. Returns the keys of first deliveries.
    ///
    /// A record from which no row can be made, or whose row the table refuses, becomes a dead letter, and the slice is folded again without it.
    pub(super) fn work(&mut self, slice: &Slice, job: &Job) -> Result<Vec<DedupeKey>, WorkerEnd> {
        let began = Instant::now();
        let (first, last) = (slice.first, slice.last);
        let LogPartition { topic, number: partition, generation } = self.partition;
        let _span = tracing::debug_span!("slice", topic, partition, generation, first, last).entered();
        self.metrics.gap(self.source.take_gap());
        let Some(log_day) = slice.day() else { return Ok(Vec::new()) };
        let range = SliceRange { first, last, log_day };
        if job.pass == SlicePass::Repeated && self.engines.call(|| self.sink.holds(range))? {
            self.metrics.slice(SlicePass::Found, began.elapsed());
            return Ok(Vec::new());
        }
        let _share = match job.is_alone {
            true => None,
            false => Some(self.stop.unless_told(self.setup.budget.acquire(slice.bytes()))?),
        };
        let mut rejected = self.unread(slice, &job.skipped);
        let mut history = job.history;
        let folded = loop {
            let mut folded = self.fold(slice, &rejected)?;
            if !folded.failed.is_empty() {
                rejected.append(&mut folded.failed);
                continue;
            }
            self.send(&folded.dead_letters)?;
            let refused = self.put(range, &folded, history)?;
            if refused.is_empty() {
                break folded;
            }
            rejected.extend(refused);
            history = History::Unknown;
        };
        self.invalid += folded.dead_letters.len() as u64;
        self.metrics.records(&folded.outcomes);
        self.metrics.slice(job.pass, began.elapsed());
        Ok(folded.first_deliveries)
    }

    /// Records of the slice that are not read, because they ended a process.
    fn unread(&self, slice: &Slice, skipped: &[i64]) -> Rejections {
        let is_poison = |message: &&Message| self.poison_records.get(&message.offset) == Some(&message.appended_at);
        let poison_records = slice.messages.iter().filter(is_poison).map(|message| message.offset);
        poison_records.chain(skipped.iter().copied()).map(|offset| (offset, Rejection::killed())).collect()
    }

    fn fold(&mut self, slice: &Slice, rejected: &Rejections) -> Result<SliceRows<S::Row>, WorkerEnd> {
        let window = match self.window.take() {
            Some(window) => window,
            None => self.read_window(slice)?,
        };
        let judged = fold::judge::<S>(slice, self.partition, &window, rejected);
        self.window = Some(window);
        let mut judged = judged.map_err(|error| WorkerEnd::Failed(error.into()))?;
        self.check_any_valid(judged.rejections(), judged.valid())?;
        let unknown_ids = judged.unknown_ids();
        if !unknown_ids.is_empty() {
            self.metrics.looked_up(unknown_ids.len());
            let found = self.engines.call(|| self.dedupe_table.known(&unknown_ids, slice.first))?;
            judged.resolve(&found);
        }
        Ok(judged.fold(slice, &self.setup.rules))
    }

    fn send(&self, dead_letters: &[RejectedReport]) -> Result<(), WorkerEnd> {
        if let (false, Mode::Follow(topic)) = (dead_letters.is_empty(), &self.setup.mode) {
            self.engines.call(|| topic.send(dead_letters))?;
        }
        Ok(())
    }

    /// Inserts the rows. Returns the rows for which the table refused the insert, if it did; nothing is in the table then.
    fn put(&mut self, range: SliceRange, folded: &SliceRows<S::Row>, history: History) -> Result<Rejections, WorkerEnd> {
        let began = Instant::now();
        let (mut history, mut doubts) = (history, 0);
        let insert = || {
            // After a failure the outcome is unknown.
            let history = std::mem::replace(&mut history, History::Unknown);
            self.sink.put(range, &folded.rows, history)
        };
        let gives_up = |error: &Error| {
            let Error::Tables(failure) = error else { return false };
            doubts += u32::from(failure.blame() == Blame::Doubtful);
            failure.blame() == Blame::Content || doubts >= DOUBTFUL_LIMIT
        };
        let Err(error) = self.engines.call_unless(insert, gives_up)? else {
            self.metrics.insert(began.elapsed());
            return Ok(Rejections::new());
        };
        let code = if let Error::Tables(failure) = &error { failure.code() } else { None };
        let (topic, partition, first, last) = (S::Record::TOPIC, self.partition.number, range.first, range.last);
        tracing::warn!(
            topic,
            partition,
            first,
            last,
            code,
            rows = folded.rows.len(),
            "the table refuses an insert, its rows are tried one by one"
        );
        let refused = self.engines.call(|| self.sink.refused(&folded.rows))?;
        if refused.is_empty() {
            return Err(WorkerEnd::Failed(error));
        }
        let offset = |(row, answer): (usize, String)| Some((*folded.offsets.get(row)?, Rejection::refused(answer)));
        Ok(refused.into_iter().filter_map(offset).collect())
    }

    /// The window as it was before this slice, from the table.
    fn read_window(&self, slice: &Slice) -> Result<Window, WorkerEnd> {
        if !S::REMEMBERS {
            return Ok(Window::disabled());
        }
        let now = slice.messages.first().map_or(0, |message| message.appended_at);
        self.engines.call(|| self.dedupe_table.window(&self.setup.config.dedupe, now, slice.first))
    }

    pub(super) fn advance(&mut self, first_deliveries: &[DedupeKey]) {
        if let Some(window) = &mut self.window {
            window.advance(first_deliveries);
            self.reporter.ids(window.len());
        }
    }

    /// Fails if no record of the partition was ever valid.
    fn check_any_valid(&mut self, rejections: &Rejections, valid: usize) -> Result<(), WorkerEnd> {
        self.was_valid |= valid > 0;
        let (Some(last), false) = (rejections.values().next_back(), self.was_valid) else { return Ok(()) };
        let records = self.invalid + rejections.len() as u64;
        if records < INVALID_LIMIT {
            return Ok(());
        }
        let topic = S::Record::TOPIC.to_owned();
        Err(WorkerEnd::Failed(Error::NothingValid { topic, partition: self.partition.number, records, reason: last.reason }))
    }
}
