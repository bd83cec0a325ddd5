//! The worker of one partition, on a thread of its own: from the log to the table.
//!
//! ```text
//! begin → repeat what was left open → [ open → decode → dedupe → group → insert → close ]…
//!    ↑                                                                                 │ an error that waiting does not mend
//!    └───────────────────────────────── wait, and try again ← halted ←─────────────────┘
//! ```
//!
//! A slice is opened by committing its end before work on it begins, and closed by committing the offset after it when its rows are in the table.
//! Where the next slice is complete by then, one commit closes the first and opens the second. [`repeat`] is about slices that ended the process,
//! [`halted`] about streams that cannot go on, [`engines`] about engines that are away.

mod engines;
mod halted;
mod repeat;

mod work;

use self::engines::Engines;
use self::work::Job;
use crate::dedupe::{DedupeTable, Window};
use crate::error::Error;
use crate::log_partition::LogPartition;
use crate::metrics::WorkerMetrics;
use crate::range::PartitionRange;
use crate::readiness::PartitionReporter;
use crate::sink::Sink;
use crate::slice::{self, PartitionOffsets, StartingPoint};
use crate::source::Source;
use crate::stop::{Stop, WorkerEnd};
use crate::stream::Stream;
use crate::worker_setup::{Mode, WorkerSetup};
use schemas::commit_note::CommitNote;
use schemas::record::Record;
use service::kafka::consumer::PartitionQueue;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often the lag is measured.
const MEASURE: Duration = Duration::from_secs(5);

/// The worker of one partition.
pub struct Worker<S: Stream> {
    setup: WorkerSetup,
    source: Source,
    sink: Sink<S::Row>,
    dedupe_table: DedupeTable,
    range: Option<PartitionRange>,
    /// Records that a replay does not read, because they ended a processor: append times by offsets.
    poison_records: HashMap<i64, i64>,
    partition: LogPartition,
    stop: Stop,
    reporter: Arc<PartitionReporter>,
    metrics: Arc<WorkerMetrics>,
    engines: Engines,
    /// The last commit of the group; `None` where there is none yet.
    committed: Option<(i64, CommitNote)>,
    /// The first offset in the log, once it is known.
    low: Option<i64>,
    /// The worker has begun before. The client fetches from the committed offset by itself only the first time.
    has_begun: bool,
    /// The window; it is read from the table before the first slice is folded.
    window: Option<Window>,
    /// A record of the partition was valid before.
    was_valid: bool,
    invalid: u64,
    /// How often the stream was halted since a slice was last finished.
    halts: u32,
    measured: Option<Instant>,
}

impl<S: Stream> Worker<S> {
    /// A worker that has not begun.
    #[must_use]
    pub fn new(setup: WorkerSetup, queue: PartitionQueue, stop: Stop, reporter: PartitionReporter) -> Self {
        let topic = S::Record::TOPIC;
        let partition = LogPartition { topic, number: queue.partition(), generation: setup.config.log_generation };
        let (reporter, metrics) = (Arc::new(reporter), Arc::new(WorkerMetrics::new(topic)));
        let timeout = *setup.config.table_timeout;
        let (range, poison_records) = match &setup.mode {
            Mode::Follow(_) => (None, HashMap::new()),
            Mode::Replay(ranges) => (Some(ranges.range(topic, partition.number)), ranges.poison_records(topic, partition.number)),
        };
        Self {
            sink: Sink::new(&setup.tables, partition, timeout),
            dedupe_table: DedupeTable::new::<S::Row>(&setup.tables, partition, timeout),
            source: Source::new(queue, &setup.config, range.clone()),
            range,
            poison_records,
            setup,
            partition,
            engines: Engines { partition, stop: stop.clone(), reporter: Arc::clone(&reporter), metrics: Arc::clone(&metrics) },
            stop,
            reporter,
            metrics,
            committed: None,
            low: None,
            has_begun: false,
            window: None,
            was_valid: false,
            invalid: 0,
            halts: 0,
            measured: None,
        }
    }

    /// Folds slices until told to stop. An error that waiting does not mend halts this stream alone; it ends a replay.
    ///
    /// # Errors
    /// Why it ended.
    pub fn run(&mut self) -> Result<(), WorkerEnd> {
        loop {
            // After a panic the window and the source are read again, and the slice is still open.
            let error = match catch_unwind(AssertUnwindSafe(|| self.run_slices())) {
                Ok(Err(WorkerEnd::Failed(error))) => error,
                Ok(outcome) => {
                    self.uncount_attempts();
                    return outcome;
                }
                Err(_) => Error::Panicked { topic: S::Record::TOPIC.to_owned(), partition: self.partition.number },
            };
            if let Mode::Replay(_) = self.setup.mode {
                return Err(WorkerEnd::Failed(error));
            }
            self.halt(&error)?;
        }
    }

    fn run_slices(&mut self) -> Result<(), WorkerEnd> {
        self.begin()?;
        self.resume()?;
        // The first slice may have been tried by a worker whose commits were lost; later ones cannot.
        let mut job = Job::first();
        let mut slice = self.source.slice(&self.stop)?;
        self.open(slice.first, slice.last)?;
        loop {
            let first_deliveries = self.work(&slice, &job)?;
            job = Job::fresh();
            let next = self.source.ready(&self.stop)?;
            match &next {
                Some(next) => self.open(next.first, next.last)?,
                None => self.close(slice.last)?,
            }
            self.advance(&first_deliveries);
            self.measure(slice.last + 1, next.is_none());
            slice = match next {
                Some(next) => next,
                None => {
                    let next = self.source.slice(&self.stop)?;
                    self.open(next.first, next.last)?;
                    next
                }
            };
        }
    }

    /// Finds the offset to begin at, and repeats the slice that was left open there.
    fn begin(&mut self) -> Result<(), WorkerEnd> {
        self.window = None;
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let (known, note) = self.read_offsets()?;
        let start = slice::starting_point(known).map_err(|offset| WorkerEnd::Failed(self.source.log_anew(known.high, offset)))?;
        if self.range.is_some() && start.gap > 0 {
            let topic = S::Record::TOPIC.to_owned();
            return Err(WorkerEnd::Failed(Error::RangeGone { topic, partition: self.partition.number }));
        }
        self.was_valid |= known.highest.is_some();
        if note.halted.as_deref() == Some(halted::NOTHING_VALID) {
            self.invalid = work::INVALID_LIMIT;
        }
        self.log_start(start);
        if let Some((first, last)) = start.repeat {
            self.source.go_to(first.max(known.low), is_first, &self.stop)?;
            self.repeat(first, last, note)?;
            if start.next > self.source.next() {
                // The rows between are in the table and not in the window.
                self.window = None;
                return self.source.go_to(start.next, false, &self.stop);
            }
            return Ok(());
        }
        let is_there = is_first && start.next == known.committed.unwrap_or(known.low).max(known.low);
        self.source.go_to(start.next, is_there, &self.stop)
    }

    fn log_start(&self, start: StartingPoint) {
        let (topic, partition) = (S::Record::TOPIC, self.partition.number);
        if start.gap > 0 {
            tracing::error!(topic, partition, missing = start.gap, "the log's retention was faster, records are lost");
            self.metrics.gap(u64::try_from(start.gap).unwrap_or_default());
        }
        if start.ahead > 0 {
            tracing::warn!(topic, partition, ahead = start.ahead, next = start.next, "the table is ahead of the committed offset");
        }
        tracing::info!(topic, partition, next = start.next, repeats = start.repeat.is_some(), "worker begins");
    }

    fn read_offsets(&mut self) -> Result<(PartitionOffsets, CommitNote), WorkerEnd> {
        let found = self.engines.blocking(|| self.source.queue().committed())?;
        self.committed = None;
        if let Some(found) = &found {
            let note = CommitNote::read(found.offset, &found.metadata);
            let note = note.ok_or_else(|| WorkerEnd::Failed(self.foreign(found.metadata.clone())))?;
            self.committed = Some((found.offset, note));
        }
        let note = self.committed.as_ref().map(|(_, note)| note.clone()).unwrap_or_default();
        let since = self.range.as_ref().map(|range| *range.days.start());
        let highest = self.engines.call(|| self.sink.highest(since))?;
        let (low, high) = self.engines.blocking(|| self.source.queue().watermarks())?;
        self.low = Some(low);
        let committed = found.map(|found| found.offset).or(self.range.as_ref().map(|range| range.first));
        Ok((PartitionOffsets { committed, open_until: note.end, low, high, highest }, note))
    }

    fn open(&mut self, first: i64, last: i64) -> Result<(), WorkerEnd> {
        self.commit(first, CommitNote::opening(last))
    }

    fn close(&mut self, last: i64) -> Result<(), WorkerEnd> {
        self.commit(last + 1, CommitNote::default())
    }

    /// Commits until the group accepts it. The group refuses during a rebalance; if the partition gets another owner, the worker is told to stop.
    fn commit(&mut self, offset: i64, note: CommitNote) -> Result<(), WorkerEnd> {
        let Ok(text) = note.text(offset) else {
            let (topic, partition, last) = (S::Record::TOPIC.to_owned(), self.partition.number, note.end.unwrap_or(offset));
            return Err(WorkerEnd::Failed(Error::TooManyKillers { topic, partition, first: offset, last }));
        };
        self.engines.blocking(|| self.source.queue().commit(offset, &text))?;
        self.committed = Some((offset, note));
        Ok(())
    }

    fn measure(&mut self, next: i64, is_idle: bool) {
        if !is_idle && self.measured.is_some_and(|measured| measured.elapsed() < MEASURE) {
            return;
        }
        self.measured = Some(Instant::now());
        if let Ok((_, high)) = self.source.queue().watermarks() {
            self.reporter.lag(high - next);
        }
    }

    fn foreign(&self, metadata: String) -> Error {
        Error::ForeignMetadata { topic: S::Record::TOPIC.to_owned(), partition: self.partition.number, metadata }
    }
}
