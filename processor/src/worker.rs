//! One partition from its log to its table, on a thread of its own.
//!
//! ```text
//! begin → repeat what was left open → [ open → decode → dedupe → group → insert → close ]…
//! ```
//!
//! The end of a slice is committed before work on it begins, its successor's offset after its rows are in the table. Where the next slice
//! is complete by then, one commit closes the one and opens the other.

use std::time::{Duration, Instant};

use schemas::record::Record;
use service::kafka::consumer::PartitionQueue;

use crate::bound::Bound;
use crate::decode::Rejection;
use crate::dedupe::{Claim, Window};
use crate::error::Error;
use crate::fold::{self, Folded};
use crate::meter::{Meter, Pass};
use crate::outfit::{Duty, Outfit};
use crate::recall;
use crate::replay::Refusal;
use crate::sink::{History, Origin, Range, Sink};
use crate::slice::{self, Known, Slice, Start};
use crate::source::Source;
use crate::stop::{Attempt, Halt, Stop};
use crate::stream::Stream;
use crate::watermark::Mark;

/// The first wait after a failure; doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// So many records without a valid one among them, and none before: the fault is ours.
const HOPELESS: u64 = 1_000;
/// How often the lag is measured.
const MEASURE: Duration = Duration::from_secs(5);

/// The worker of one partition.
pub struct Worker<S: Stream> {
    outfit: Outfit,
    source: Source,
    sink: Sink<S::Row>,
    bound: Option<Bound>,
    partition: i32,
    stop: Stop,
    mark: Mark,
    meter: Meter,
    /// Read back from the table before the first slice is folded.
    window: Option<Window>,
    /// Something on the partition was valid once.
    was_valid: bool,
    invalid: u64,
    measured: Option<Instant>,
}

impl<S: Stream> Worker<S> {
    /// A worker that has not begun.
    #[must_use]
    pub fn new(outfit: Outfit, queue: PartitionQueue, stop: Stop, mark: Mark) -> Self {
        let partition = queue.partition();
        let origin = Origin { topic: S::Record::TOPIC, partition, generation: outfit.config.log_generation };
        let bound = match &outfit.duty {
            Duty::Follow(_) => None,
            Duty::Replay(errand) => Some(errand.bound(S::Record::TOPIC, partition)),
        };
        Self {
            sink: Sink::new(&outfit.tables, origin, *outfit.config.table_timeout),
            source: Source::new(queue, &outfit.config, bound.clone()),
            bound,
            outfit,
            partition,
            stop,
            mark,
            meter: Meter::new(S::Record::TOPIC),
            window: None,
            was_valid: false,
            invalid: 0,
            measured: None,
        }
    }

    /// Works until told to stop.
    ///
    /// # Errors
    /// Why it ended.
    pub fn run(&mut self) -> Result<(), Halt> {
        self.begin()?;
        // The first slice may have been tried by a worker whose commits were lost; later ones cannot.
        let mut history = History::Unknown;
        let mut slice = self.source.slice(&self.stop)?;
        self.commit(slice.first, Some(slice.last))?;
        loop {
            let firsts = self.work(&slice, history, Pass::New)?;
            history = History::Fresh;
            let next = self.source.ready(&self.stop)?;
            match &next {
                Some(next) => self.commit(next.first, Some(next.last))?,
                None => self.commit(slice.last + 1, None)?,
            }
            self.advance(&firsts);
            self.measure(slice.last + 1, next.is_none());
            slice = match next {
                Some(next) => next,
                None => {
                    let next = self.source.slice(&self.stop)?;
                    self.commit(next.first, Some(next.last))?;
                    next
                }
            };
        }
    }

    /// Finds the place to begin at, and repeats the slice that was left open there.
    fn begin(&mut self) -> Result<(), Halt> {
        let known = self.known()?;
        let start = slice::start(known).map_err(|offset| Halt::Failed(self.source.log_anew(known.high, offset)))?;
        if self.bound.is_some() && start.gap > 0 {
            let topic = S::Record::TOPIC.to_owned();
            return Err(Halt::Failed(Refusal::Taken { topic, partition: self.partition }.into()));
        }
        self.was_valid = known.highest.is_some();
        self.say(start);
        if let Some((first, last)) = start.repeat {
            self.source.go_to(first.max(known.low), true, &self.stop)?;
            self.repeat(first, last)?;
            if start.next > self.source.next() {
                // The rows between are in the table and not in the window.
                self.window = None;
                return self.source.go_to(start.next, false, &self.stop);
            }
            return Ok(());
        }
        let is_there = start.next == known.committed.unwrap_or(known.low).max(known.low);
        self.source.go_to(start.next, is_there, &self.stop)
    }

    fn say(&self, start: Start) {
        let (topic, partition) = (S::Record::TOPIC, self.partition);
        if start.gap > 0 {
            tracing::error!(topic, partition, missing = start.gap, "the log's retention was faster, records are lost");
            self.meter.gap(u64::try_from(start.gap).unwrap_or_default());
        }
        if start.ahead > 0 {
            tracing::warn!(topic, partition, ahead = start.ahead, next = start.next, "the table is ahead of the committed offset");
        }
        tracing::info!(topic, partition, next = start.next, repeats = start.repeat.is_some(), "worker begins");
    }

    fn known(&mut self) -> Result<Known, Halt> {
        let committed = self.retry(|worker| Ok(worker.source.queue().committed()?))?;
        let open_until = match &committed {
            Some(committed) => slice::opened(committed).map_err(|metadata| Halt::Failed(self.foreign(metadata)))?,
            None => None,
        };
        let since = self.bound.as_ref().map(|bound| *bound.days.start());
        let highest = self.retry(|worker| worker.call(worker.sink.highest(since)))?;
        let (low, high) = self.retry(|worker| Ok(worker.source.queue().watermarks()?))?;
        let committed = committed.map(|committed| committed.offset).or(self.bound.as_ref().map(|bound| bound.first));
        Ok(Known { committed, open_until, low, high, highest })
    }

    fn repeat(&mut self, first: i64, last: i64) -> Result<(), Halt> {
        let mut slice = self.source.exactly(last, &self.stop)?;
        slice.first = first;
        tracing::info!(topic = S::Record::TOPIC, partition = self.partition, first, last, "a slice was left open");
        let firsts = self.work(&slice, History::Unknown, Pass::Repeated)?;
        self.commit(last + 1, None)?;
        self.advance(&firsts);
        Ok(())
    }

    /// Puts the rows of an open slice into the table; returns what was delivered for the first time.
    fn work(&mut self, slice: &Slice, history: History, pass: Pass) -> Result<Vec<Claim>, Halt> {
        let began = Instant::now();
        let (first, last) = (slice.first, slice.last);
        let _span = tracing::debug_span!("slice", topic = S::Record::TOPIC, partition = self.partition, first, last).entered();
        self.meter.gap(self.source.take_gap());
        let Some(log_day) = slice.day() else { return Ok(Vec::new()) };
        let range = Range { first, last, log_day };
        if pass == Pass::Repeated && self.retry(|worker| worker.call(worker.sink.holds(range)))? {
            self.meter.slice(Pass::Found, began.elapsed());
            return Ok(Vec::new());
        }
        let Folded { rows, firsts, letters, outcomes } = self.fold(slice)?;
        if let (false, Duty::Follow(topic)) = (letters.is_empty(), &self.outfit.duty) {
            self.retry(|worker| worker.call(topic.send(&letters)))?;
        }
        self.put(range, &rows, history)?;
        self.meter.records(&outcomes);
        self.meter.slice(pass, began.elapsed());
        Ok(firsts)
    }

    fn fold(&mut self, slice: &Slice) -> Result<Folded<S::Row>, Halt> {
        let window = match self.window.take() {
            Some(window) => window,
            None => self.retry(|worker| worker.read_back(slice))?,
        };
        let judged = fold::judge::<S>(slice, self.partition, self.outfit.config.log_generation, &window);
        self.window = Some(window);
        let mut judged = judged.map_err(|error| Halt::Failed(error.into()))?;
        self.hope(judged.rejections(), judged.valid())?;
        let asked = judged.asked();
        if !asked.is_empty() {
            self.meter.looked_up(asked.len());
            let found = self.retry(|worker| worker.call(worker.sink.known(&asked, slice.first)))?;
            judged.settle(&found);
        }
        Ok(judged.fold(&self.outfit.rules))
    }

    fn put(&mut self, range: Range, rows: &[S::Row], history: History) -> Result<(), Halt> {
        let began = Instant::now();
        let mut history = history;
        self.retry(|worker| {
            // After a failure the outcome is unknown.
            let history = std::mem::replace(&mut history, History::Unknown);
            worker.call(worker.sink.put(range, rows, history))
        })?;
        self.meter.insert(began.elapsed());
        Ok(())
    }

    /// The window as it was before this slice, from the table.
    fn read_back(&self, slice: &Slice) -> Result<Window, Attempt> {
        if !S::REMEMBERS {
            return Ok(Window::blind());
        }
        let now = slice.messages.first().map_or(0, |message| message.appended_at);
        self.call(recall::window(&self.sink, &self.outfit.config.dedupe, now, slice.first))
    }

    fn advance(&mut self, firsts: &[Claim]) {
        if let Some(window) = &mut self.window {
            window.advance(firsts);
            self.mark.ids(window.len());
        }
    }

    /// Stops where nothing on the partition was ever valid.
    fn hope(&mut self, rejections: &[Rejection], valid: usize) -> Result<(), Halt> {
        self.was_valid |= valid > 0;
        let (Some(last), false) = (rejections.last(), self.was_valid) else { return Ok(()) };
        self.invalid += rejections.len() as u64;
        if self.invalid < HOPELESS {
            return Ok(());
        }
        let topic = S::Record::TOPIC.to_owned();
        Err(Halt::Failed(Error::NothingValid { topic, partition: self.partition, records: self.invalid, reason: last.reason }))
    }

    /// Commits until the group has it: while a rebalance runs it refuses, and where the partition goes to another the worker is told to stop.
    fn commit(&mut self, offset: i64, last: Option<i64>) -> Result<(), Halt> {
        let metadata = last.map(slice::opening).unwrap_or_default();
        self.retry(|worker| Ok(worker.source.queue().commit(offset, &metadata)?))
    }

    fn measure(&mut self, next: i64, is_idle: bool) {
        if !is_idle && self.measured.is_some_and(|measured| measured.elapsed() < MEASURE) {
            return;
        }
        self.measured = Some(Instant::now());
        if let Ok((_, high)) = self.source.queue().watermarks() {
            self.mark.lag(high - next);
        }
    }

    fn foreign(&self, metadata: String) -> Error {
        Error::ForeignMetadata { topic: S::Record::TOPIC.to_owned(), partition: self.partition, metadata }
    }

    fn call<T, E: Into<Error>>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, Attempt> {
        match self.stop.call(call) {
            Ok(outcome) => outcome.map_err(|error| Attempt::Failed(error.into())),
            Err(halt) => Err(Attempt::Halted(halt)),
        }
    }

    /// Tries until it succeeds, the worker is told to stop, or trying again cannot help.
    fn retry<T>(&self, mut attempt: impl FnMut(&Self) -> Result<T, Attempt>) -> Result<T, Halt> {
        let mut wait = FIRST_WAIT;
        loop {
            let error = match attempt(self) {
                Ok(value) => {
                    if wait > FIRST_WAIT {
                        self.mark.goes_on();
                    }
                    return Ok(value);
                }
                Err(Attempt::Halted(halt)) => return Err(halt),
                Err(Attempt::Failed(error)) => error,
            };
            if !error.is_passing() {
                return Err(Halt::Failed(error));
            }
            let (topic, partition) = (S::Record::TOPIC, self.partition);
            tracing::warn!(topic, partition, %error, wait.ms = wait.as_millis() as u64, "waiting for an engine");
            self.meter.retried();
            self.mark.waits(&error.to_string());
            if self.stop.waits(wait) {
                return Err(Halt::Stopped);
            }
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}
