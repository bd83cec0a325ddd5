//! Reads the messages of one partition and cuts them into slices.

use crate::error::Error;
use crate::range::PartitionRange;
use crate::slice::{Limits, Slice};
use crate::stop::{Stop, WorkerEnd};
use service::kafka::Error as LogError;
use service::kafka::consumer::{Message, PartitionQueue};
use std::time::{Duration, Instant};

/// How long one poll for a message takes at most, so that a worker sees soon that it was told to stop.
const POLL_WAIT: Duration = Duration::from_millis(200);
/// How often a worker without messages asks the log for the ends of the partition.
const BOUNDS_INTERVAL: Duration = Duration::from_secs(5);
/// How long the client may take to be able to seek.
const SEEK_TIMEOUT: Duration = Duration::from_secs(60);

/// Reads a partition from an offset on.
pub struct Source {
    queue: PartitionQueue,
    limits: Limits,
    linger: Duration,
    generation: u16,
    /// The range of a replay; without it the partition is read without end.
    range: Option<PartitionRange>,
    /// The next offset. Every lower offset is in a slice already.
    next: i64,
    /// A message that belongs to the next slice.
    carried: Option<Message>,
    /// The slice that is being filled.
    filling: Slice,
    began: Instant,
    /// The log has no message at this offset; it was read twice.
    hole: Option<i64>,
    /// Offsets that left the log by retention before they were read, since the last [`Source::take_gap`].
    gap: u64,
    /// When the log was last asked for the ends of the partition.
    checked: Instant,
}

impl Source {
    /// A source that reads from the committed offset, until [`Source::go_to`].
    #[must_use]
    pub fn new(queue: PartitionQueue, config: &crate::Config, range: Option<PartitionRange>) -> Self {
        let limits = Limits { records: config.slice.records.max(1), bytes: config.slice.bytes.bytes() };
        let now = Instant::now();
        Self {
            queue,
            limits,
            linger: *config.slice.linger,
            generation: config.log_generation,
            range,
            next: 0,
            carried: None,
            filling: Slice::default(),
            began: now,
            hole: None,
            gap: 0,
            checked: now,
        }
    }

    /// The queue of the partition, for commits and for the ends of the partition.
    #[must_use]
    pub fn queue(&self) -> &PartitionQueue {
        &self.queue
    }

    /// Continues at `offset`. `is_there` says that the client fetches from there already.
    ///
    /// # Errors
    /// The log is away for long, or the worker was told to stop.
    pub fn go_to(&mut self, offset: i64, is_there: bool, stop: &Stop) -> Result<(), WorkerEnd> {
        self.next = offset;
        self.carried = None;
        self.filling = Slice::starting_at(offset);
        if is_there { Ok(()) } else { self.seek(offset, stop) }
    }

    /// The offset that comes next.
    #[must_use]
    pub fn next(&self) -> i64 {
        self.next
    }

    /// Offsets that were lost to retention since the last call.
    pub fn take_gap(&mut self) -> u64 {
        std::mem::take(&mut self.gap)
    }

    /// A slice that is complete without waiting, if there is one.
    ///
    /// # Errors
    /// As [`Source::slice`].
    pub fn ready(&mut self, stop: &Stop) -> Result<Option<Slice>, WorkerEnd> {
        while !stop.is_told() {
            match self.pull(Duration::ZERO, stop)? {
                Pull::Full => return Ok(Some(self.cut())),
                Pull::Taken => {}
                Pull::Nothing => break,
            }
        }
        Ok(None)
    }

    /// The next slice: until it is full, or until the linger after its first message has passed.
    ///
    /// # Errors
    /// The worker was told to stop; the range is done; the log ends before the next offset.
    pub fn slice(&mut self, stop: &Stop) -> Result<Slice, WorkerEnd> {
        loop {
            if stop.is_told() {
                return Err(WorkerEnd::Stopped);
            }
            if self.is_at_end() {
                return if self.filling.messages.is_empty() { Err(WorkerEnd::RangeDone) } else { Ok(self.cut()) };
            }
            let left = if self.filling.messages.is_empty() { POLL_WAIT } else { self.linger.saturating_sub(self.began.elapsed()) };
            if left.is_zero() {
                return Ok(self.cut());
            }
            match self.pull(left.min(POLL_WAIT), stop)? {
                Pull::Full => return Ok(self.cut()),
                Pull::Taken => {}
                Pull::Nothing => self.compare(stop)?,
            }
        }
    }

    /// The slice from the next offset to `last`, with the messages that the log still has.
    ///
    /// # Errors
    /// As [`Source::slice`].
    pub fn exactly(&mut self, last: i64, stop: &Stop) -> Result<Slice, WorkerEnd> {
        let mut slice = Slice::starting_at(self.next);
        while self.next <= last {
            if stop.is_told() {
                return Err(WorkerEnd::Stopped);
            }
            match self.message(POLL_WAIT, stop)? {
                Some(message) if message.offset > last => {
                    self.next = last + 1;
                    self.carried = Some(message);
                }
                Some(message) => slice.push(message),
                None => self.compare(stop)?,
            }
        }
        slice.last = last;
        self.filling = Slice::starting_at(self.next);
        Ok(slice)
    }

    fn pull(&mut self, wait: Duration, stop: &Stop) -> Result<Pull, WorkerEnd> {
        let Some(message) = self.message(wait, stop)? else { return Ok(Pull::Nothing) };
        if !self.filling.admits(&message, self.limits) {
            self.next = message.offset;
            self.carried = Some(message);
            return Ok(Pull::Full);
        }
        if self.filling.messages.is_empty() {
            self.began = Instant::now();
        }
        self.filling.push(message);
        Ok(if self.filling.is_full(self.limits) { Pull::Full } else { Pull::Taken })
    }

    fn cut(&mut self) -> Slice {
        let next = Slice::starting_at(self.filling.last + 1);
        std::mem::replace(&mut self.filling, next)
    }

    /// The next message in order. [`Source::next`] is the offset after it then.
    fn message(&mut self, wait: Duration, stop: &Stop) -> Result<Option<Message>, WorkerEnd> {
        let message = match self.carried.take() {
            Some(message) => message,
            None => match self.queue.poll(wait) {
                Ok(None) => return Ok(None),
                Ok(Some(message)) => message,
                Err(error) => {
                    tracing::warn!(topic = self.queue.topic(), partition = self.queue.partition(), %error, "reading");
                    return Ok(None);
                }
            },
        };
        if message.offset < self.next {
            // Left over from before a seek, or the topic was created again and is read from its beginning.
            self.compare_at(Duration::from_millis(500), stop)?;
            return Ok(None);
        }
        if message.offset > self.next && self.hole != Some(self.next) && !self.may_pass(message.offset, stop)? {
            return Ok(None);
        }
        if self.range.as_ref().is_some_and(|range| message.offset >= range.end) {
            self.next = message.offset;
            return Ok(None);
        }
        self.next = message.offset + 1;
        if self.range.as_ref().is_some_and(|range| !range.wants(message.appended_at)) {
            if self.filling.messages.is_empty() {
                self.filling = Slice::starting_at(self.next);
            }
            return Ok(None);
        }
        Ok(Some(message))
    }

    fn is_at_end(&self) -> bool {
        self.range.as_ref().is_some_and(|range| self.next >= range.end)
    }

    /// Whether the log has no message between [`Source::next`] and `offset`. Reads again where it may have one.
    fn may_pass(&mut self, offset: i64, stop: &Stop) -> Result<bool, WorkerEnd> {
        let (low, _) = self.watermarks(stop)?;
        if low > self.next {
            self.skip_to(low.min(offset))?;
        }
        if self.next == offset {
            return Ok(true);
        }
        // Read once more: what is not there then is not there at all.
        self.hole = Some(self.next);
        self.seek(self.next, stop)?;
        Ok(false)
    }

    fn skip_to(&mut self, offset: i64) -> Result<(), WorkerEnd> {
        if self.range.is_some() {
            let (topic, partition) = (self.queue.topic().to_owned(), self.queue.partition());
            return Err(WorkerEnd::Failed(Error::RangeGone { topic, partition }));
        }
        let missing = u64::try_from(offset - self.next).unwrap_or_default();
        let (topic, partition) = (self.queue.topic(), self.queue.partition());
        tracing::error!(topic, partition, from = self.next, to = offset, missing, "the log's retention was faster, records are lost");
        self.gap += missing;
        self.next = offset;
        if self.filling.messages.is_empty() {
            self.filling = Slice::starting_at(offset);
        }
        Ok(())
    }

    fn compare(&mut self, stop: &Stop) -> Result<(), WorkerEnd> {
        self.compare_at(BOUNDS_INTERVAL, stop)
    }

    /// Checks that the next offset is still within the log, at most once in `interval`.
    fn compare_at(&mut self, interval: Duration, stop: &Stop) -> Result<(), WorkerEnd> {
        if self.checked.elapsed() < interval {
            return Ok(());
        }
        let (low, high) = self.watermarks(stop)?;
        if high < self.next {
            return Err(WorkerEnd::Failed(self.log_anew(high, self.next - 1)));
        }
        if low > self.next {
            self.skip_to(low)?;
        }
        Ok(())
    }

    /// The error of a log that ends at `end` although the offset `known` was read from it.
    #[must_use]
    pub fn log_anew(&self, end: i64, known: i64) -> Error {
        let (topic, partition) = (self.queue.topic().to_owned(), self.queue.partition());
        Error::LogAnew { topic, partition, end, known, generation: self.generation }
    }

    fn watermarks(&mut self, stop: &Stop) -> Result<(i64, i64), WorkerEnd> {
        loop {
            match self.queue.watermarks() {
                Ok(found) => {
                    self.checked = Instant::now();
                    return Ok(found);
                }
                Err(error) => tracing::warn!(topic = self.queue.topic(), partition = self.queue.partition(), %error, "watermarks"),
            }
            if stop.waits(Duration::from_millis(500)) {
                return Err(WorkerEnd::Stopped);
            }
        }
    }

    fn seek(&self, offset: i64, stop: &Stop) -> Result<(), WorkerEnd> {
        let began = Instant::now();
        loop {
            let error: LogError = match self.queue.seek(offset) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if began.elapsed() > SEEK_TIMEOUT {
                return Err(WorkerEnd::Failed(error.into()));
            }
            if stop.waits(Duration::from_millis(100)) {
                return Err(WorkerEnd::Stopped);
            }
        }
    }
}

enum Pull {
    /// The slice is complete.
    Full,
    /// One message was added.
    Taken,
    /// No message came.
    Nothing,
}
