//! A partition as its clients meet it: appends that are acknowledged once they are on disk, reads up to what is
//! synced, and readers that wait for more.
//!
//! **Group commit.** The first append after a pause starts a sync; what is appended while it runs is covered by the
//! next one. So a sync is shared by all requests that wait, and an idle partition does nothing.

use super::compaction::{Host, Pass, Rewritten};
use super::lookup::{self, Range};
use super::reading::{ReadRequest, Records};
use super::records::Moment;
use super::retention::Reach;
use super::{Appended, Log, LogSettings, StorageError};
use bytes::Bytes;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

/// Segments without a readable batch that one read skips.
const MAX_SKIPPED: usize = 1_000;
/// Syncs of one partition in a row.
const MAX_TURNS: usize = 32;

/// A partition that is open.
#[derive(Debug)]
pub struct Partition {
    state: Mutex<State>,
    syncs: Arc<Semaphore>,
}

#[derive(Debug)]
struct State {
    log: Log,
    settings: Arc<LogSettings>,
    /// Everything before it is on disk; readers see nothing else.
    synced: i64,
    syncing: bool,
    /// A sync failed: what is not synced must be cut before anything is appended.
    failed: bool,
    closed: bool,
    /// Times that compaction put other files in the place of segments; a read that overlaps one is done again.
    swaps: u64,
    waiting: Vec<(i64, oneshot::Sender<()>)>,
    readers: Vec<Weak<Notify>>,
}

/// An append whose sync may still be under way.
#[derive(Debug)]
pub struct Pending {
    /// Where the batch is.
    pub appended: Appended,
    /// First offset of the log.
    pub start: i64,
    synced: Option<oneshot::Receiver<()>>,
}

impl Pending {
    /// Returns when the batch is on disk, or says that it did not get there.
    pub async fn durable(self) -> Result<(Appended, i64), StorageError> {
        if let Some(synced) = self.synced {
            synced.await.map_err(|_| StorageError::Storage("the sync failed".to_owned()))?;
        }
        Ok((self.appended, self.start))
    }
}

/// The offsets of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// First offset that may be read.
    pub start: i64,
    /// The offset after the last that may be read: the high watermark.
    pub synced: i64,
}

/// The answer to a read.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The partition's offsets at that time.
    pub bounds: Bounds,
    /// Whole batches; empty where there is nothing new.
    pub batches: Records,
}

impl Partition {
    /// Opens or begins a partition. `syncs` bounds how many partitions sync at once.
    pub fn open(dir: &Path, settings: Arc<LogSettings>, syncs: Arc<Semaphore>, now: i64) -> io::Result<Arc<Partition>> {
        let log = Log::open(dir, now)?;
        let state = State {
            synced: log.end(),
            log,
            settings,
            syncing: false,
            failed: false,
            closed: false,
            swaps: 0,
            waiting: Vec::new(),
            readers: Vec::new(),
        };
        Ok(Arc::new(Partition { state: Mutex::new(state), syncs }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a batch. Blocks for the write, not for the sync; call it on a thread of a runtime that may block.
    pub fn append(self: &Arc<Self>, batch: &Bytes, now: i64) -> Result<Pending, StorageError> {
        let mut state = self.state();
        if state.closed {
            return Err(StorageError::Gone);
        }
        if state.failed {
            let synced = state.synced;
            state.log.cut(synced, now)?;
            state.failed = false;
        }
        let settings = state.settings.clone();
        let appended = state.log.append(batch, &settings, now)?;
        let start = state.log.start();
        if appended.end <= state.synced {
            return Ok(Pending { appended, start, synced: None });
        }
        let (done, synced) = oneshot::channel();
        state.waiting.push((appended.end, done));
        if !state.syncing {
            state.syncing = true;
            self.clone().begin_sync();
        }
        Ok(Pending { appended, start, synced: Some(synced) })
    }

    /// Hands the sync to a thread that may block: at once where a permit is free, each hop costs a turn of the
    /// scheduler.
    fn begin_sync(self: Arc<Self>) {
        let runtime = Handle::current();
        match self.syncs.clone().try_acquire_owned() {
            Ok(permit) => drop(runtime.spawn_blocking(move || self.sync_while_dirty(permit))),
            Err(_) => drop(runtime.spawn(async move {
                if let Ok(permit) = self.syncs.clone().acquire_owned().await {
                    Handle::current().spawn_blocking(move || self.sync_while_dirty(permit));
                }
            })),
        }
    }

    /// Syncs for as long as there is more, but lets others have the permit from time to time.
    fn sync_while_dirty(self: Arc<Self>, permit: OwnedSemaphorePermit) {
        for _ in 0..MAX_TURNS {
            if !self.sync() {
                return;
            }
        }
        drop(permit);
        self.begin_sync();
    }

    /// Syncs once; whether there is more to sync by then.
    fn sync(&self) -> bool {
        let (file, end) = {
            let state = self.state();
            (state.log.active.file.clone(), state.log.end())
        };
        let result = file.sync_data();
        let mut state = self.state();
        match result {
            Ok(()) => state.advance(end),
            Err(error) => {
                tracing::error!(error = %error, "a sync of the log failed");
                state.failed = true;
                state.waiting.clear();
                state.syncing = false;
                return false;
            }
        }
        state.syncing = state.log.end() > state.synced;
        state.syncing
    }

    /// Syncs what is left, before the process ends.
    pub fn finish(&self) {
        let unsynced = {
            let state = self.state();
            state.log.end() > state.synced
        };
        if unsynced {
            self.sync();
        }
    }

    /// Whole batches from `want.offset` on, as far as they are synced. Blocks for the file.
    pub fn read(&self, offset: i64, max_bytes: usize, at_least_one: bool) -> Result<Fetched, StorageError> {
        let bounds = self.bounds();
        if self.state().closed {
            return Err(StorageError::Gone);
        }
        if offset < bounds.start || offset > bounds.synced {
            return Err(StorageError::OutOfRange);
        }
        let mut want = ReadRequest { offset, before: bounds.synced, max_bytes, at_least_one };
        for _ in 0..MAX_SKIPPED {
            if want.offset >= bounds.synced {
                break;
            }
            let (piece, swaps) = {
                let state = self.state();
                (state.log.piece_at(want.offset), state.swaps)
            };
            let Some(piece) = piece else { break };
            let read = piece.read(&want);
            if self.state().swaps != swaps {
                continue;
            }
            match read {
                Ok(Some(batches)) => return Ok(Fetched { bounds, batches }),
                Ok(None) => want.offset = piece.end.max(want.offset + 1),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(StorageError::OutOfRange),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Fetched { bounds, batches: Records::NONE })
    }

    /// The partition's offsets.
    pub fn bounds(&self) -> Bounds {
        let state = self.state();
        Bounds { start: state.log.start(), synced: state.synced }
    }

    /// Tells `reader` once when more can be read.
    pub fn notify(&self, reader: &Arc<Notify>) {
        let mut state = self.state();
        if state.readers.len() >= 16 && state.readers.len().is_power_of_two() {
            state.readers.retain(|reader| reader.strong_count() > 0);
        }
        state.readers.push(Arc::downgrade(reader));
    }

    /// The first readable record at or after a time. Blocks for the file.
    pub fn first_since(&self, timestamp: i64) -> Result<Option<Moment>, StorageError> {
        loop {
            let (pieces, range, swaps) = {
                let state = self.state();
                (state.log.pieces(timestamp), Range { start: state.log.start(), before: state.synced }, state.swaps)
            };
            let found = lookup::first_since(&pieces, timestamp, range);
            if self.state().swaps == swaps {
                return Ok(found?);
            }
        }
    }

    /// The first record with the greatest time. Blocks for the file.
    pub fn newest(&self) -> Result<Option<Moment>, StorageError> {
        let Some(greatest) = self.state().log.max_timestamp() else { return Ok(None) };
        self.first_since(greatest)
    }

    /// Deletes records before an offset (-1: all) and frees their segments. Returns the first offset left.
    pub fn delete_before(&self, offset: i64) -> Result<i64, StorageError> {
        let mut state = self.state();
        let synced = state.synced;
        state.log.delete_before(offset, synced)
    }

    /// Takes over a changed configuration.
    pub fn configure(&self, settings: Arc<LogSettings>) {
        self.state().settings = settings;
    }

    /// Retention, ageing and compaction, from time to time. `stopping` ends it early.
    pub fn tend(&self, care: &Upkeep, stopping: &dyn Fn() -> bool) {
        self.expire(care);
        if let Err(error) = self.compact(care.now, stopping) {
            tracing::warn!(error = %error, "a log could not be compacted");
        }
    }

    fn compact(&self, now: i64, stopping: &dyn Fn() -> bool) -> io::Result<()> {
        let pass = {
            let state = self.state();
            if state.closed || state.failed || !state.settings.compact {
                return Ok(());
            }
            Pass::due(&state.log, &state.settings, now)?
        };
        if let Some(pass) = pass {
            pass.run(&Compacting { partition: self, stopping })?;
        }
        Ok(())
    }

    fn expire(&self, care: &Upkeep) {
        let mut state = self.state();
        if state.closed || state.failed {
            return;
        }
        let (settings, synced) = (state.settings.clone(), state.synced);
        state.log.forget_producers(care.silent_since);
        let reach = Reach { synced, unread: care.unread.unwrap_or(synced) };
        if let Err(error) = state.log.expire(&settings, care.now, reach) {
            tracing::warn!(error = %error, "retention could not give disk back");
        }
    }

    /// Ends the partition; what waits for it is refused.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.waiting.clear();
        state.wake();
    }
}

/// What a partition is looked after with.
#[derive(Debug, Clone, Copy)]
pub struct Upkeep {
    /// Milliseconds.
    pub now: i64,
    /// Producers not heard of since then, milliseconds, are forgotten.
    pub silent_since: i64,
    /// The first offset that a consumer group has still to read, where there is one.
    pub unread: Option<i64>,
}

/// A partition while a pass of compaction works on its sealed segments.
struct Compacting<'a> {
    partition: &'a Partition,
    stopping: &'a dyn Fn() -> bool,
}

impl Host for Compacting<'_> {
    fn is_stopping(&self) -> bool {
        (self.stopping)() || self.partition.state().closed
    }

    fn swap(&self, rewritten: &Rewritten) -> io::Result<bool> {
        let mut state = self.partition.state();
        if state.closed {
            return Ok(false);
        }
        state.swaps += 1;
        state.log.swap(rewritten)
    }
}

impl State {
    fn advance(&mut self, synced: i64) {
        self.synced = self.synced.max(synced);
        let reached = self.synced;
        for (_, done) in self.waiting.extract_if(.., |(end, _)| *end <= reached) {
            let _ = done.send(());
        }
        self.wake();
    }

    fn wake(&mut self) {
        for reader in self.readers.drain(..) {
            if let Some(reader) = reader.upgrade() {
                reader.notify_one();
            }
        }
    }
}
