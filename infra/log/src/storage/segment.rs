//! One file of batches: the active one, which is written, and sealed ones, which are only read.

use super::batch::{HEADER, Header};
use super::index::Index;
use super::settings::LogSettings;
use crate::disk;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes read ahead when batches are walked.
const CHUNK: usize = 128 * 1024;
/// The same where only the headers are looked at: most batches are large, and what is between is not wanted.
const HEADERS: usize = 8 * 1024;

/// The file of a segment: `extension` is `log`, `index` or `producers`.
pub fn path(dir: &Path, base: i64, extension: &str) -> PathBuf {
    dir.join(format!("{base:020}.{extension}"))
}

/// A segment that is whole and on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Offset in its name; its first batch is not before it.
    pub base: i64,
    /// The offset after its last batch.
    pub end: i64,
    /// Bytes of batches.
    pub size: u64,
    /// Greatest time, milliseconds; `i64::MIN` where it is empty.
    pub max_timestamp: i64,
}

impl Sealed {
    /// A segment of which only the index is at hand.
    pub fn new(base: i64, index: &Index) -> Sealed {
        Sealed { base, end: index.end, size: index.size, max_timestamp: index.max_timestamp }
    }
}

/// The segment that is written.
#[derive(Debug)]
pub struct Active {
    /// Offset in its name.
    pub base: i64,
    /// The offset that the next record gets.
    pub end: i64,
    /// Bytes written.
    pub size: u64,
    /// The open file; readers and the syncing task share it.
    pub file: Arc<File>,
    /// Where its batches are.
    pub index: Index,
    /// When its first batch came, milliseconds.
    pub since: Option<i64>,
}

impl Active {
    /// An empty segment, entered durably in its directory.
    pub fn create(dir: &Path, base: i64) -> io::Result<Active> {
        let file = open(&path(dir, base, "log"), true)?;
        disk::sync_dir(dir)?;
        Ok(Active { base, end: base, size: 0, file: Arc::new(file), index: Index::new(base), since: None })
    }

    /// Whether a batch of `more` bytes belongs in the next segment.
    pub fn is_full(&self, more: u64, settings: &LogSettings, now: i64) -> bool {
        let large = self.size + more > settings.segment_bytes;
        self.size > 0 && (large || self.is_old(settings, now))
    }

    /// Whether its first batch is older than a segment may become.
    pub fn is_old(&self, settings: &LogSettings, now: i64) -> bool {
        // What must be compacted soon must be sealed before.
        let oldest = if settings.compact { settings.segment_ms.min(settings.max_compaction_lag_ms) } else { settings.segment_ms };
        self.since.is_some_and(|since| now.saturating_sub(since) >= oldest)
    }

    /// Writes a batch at the end. A failed write leaves the segment as it was.
    pub fn write(&mut self, header: &Header, stamped: &[u8], records: &[u8], now: i64) -> io::Result<()> {
        let written = self.file.write_all_at(stamped, self.size).and_then(|()| self.file.write_all_at(records, self.size + HEADER as u64));
        if let Err(error) = written {
            if let Err(cut) = self.file.set_len(self.size) {
                tracing::warn!(error = %cut, "a half-written batch is left to be overwritten");
            }
            return Err(error);
        }
        self.index.add(header);
        self.size = self.index.size;
        self.end = self.index.end;
        self.since.get_or_insert(now);
        Ok(())
    }

    /// Syncs the segment and writes its index. The segment itself is unchanged.
    pub fn seal(&self, dir: &Path) -> io::Result<Sealed> {
        self.file.sync_data()?;
        std::fs::write(path(dir, self.base, "index"), self.index.encode())?;
        Ok(Sealed::new(self.base, &self.index))
    }
}

/// Opens the log file of a segment for reading and writing; `fresh` empties it.
pub fn open(path: &Path, fresh: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(fresh).truncate(fresh).open(path)
}

/// Walks the batches of a file from a position on, stopping at the end or at the first that is not whole.
pub struct Batches<'a> {
    file: &'a File,
    /// Where the next batch begins; after the walk, where it ended.
    pub position: u64,
    end: u64,
    ahead: usize,
    chunk: Vec<u8>,
    chunk_at: u64,
}

impl<'a> Batches<'a> {
    /// Batches between two positions.
    pub fn new(file: &'a File, position: u64, end: u64) -> Batches<'a> {
        Batches { file, position, end, ahead: CHUNK, chunk: Vec::new(), chunk_at: 0 }
    }

    /// The same, where only headers will be asked for.
    pub fn headers(file: &'a File, position: u64, end: u64) -> Batches<'a> {
        Batches { ahead: HEADERS, ..Batches::new(file, position, end) }
    }

    /// The next header and its position; the records are skipped.
    pub fn next_header(&mut self) -> io::Result<Option<(u64, Header)>> {
        let at = self.position;
        if self.end.saturating_sub(at) < HEADER as u64 {
            return Ok(None);
        }
        let Some(header) = Header::parse(self.view(at, HEADER)?) else { return Ok(None) };
        if header.size as u64 > self.end - at {
            return Ok(None);
        }
        self.position = at + header.size as u64;
        Ok(Some((at, header)))
    }

    /// The next batch, whole.
    pub fn next_batch(&mut self) -> io::Result<Option<(Header, &[u8])>> {
        match self.next_header()? {
            Some((at, header)) => Ok(Some((header, self.view(at, header.size)?))),
            None => Ok(None),
        }
    }

    fn view(&mut self, at: u64, length: usize) -> io::Result<&[u8]> {
        let held = self.chunk_at..self.chunk_at + self.chunk.len() as u64;
        if !(held.contains(&at) && at + length as u64 <= held.end) {
            let left = usize::try_from(self.end - at).unwrap_or(usize::MAX);
            self.chunk.resize(length.max(self.ahead).min(left), 0);
            self.chunk_at = at;
            self.file.read_exact_at(&mut self.chunk, at)?;
        }
        let from = usize::try_from(at - self.chunk_at).unwrap_or(usize::MAX);
        self.chunk.get(from..from + length).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

/// The index of a sealed segment, where it is there and whole.
pub fn load_index(dir: &Path, base: i64) -> io::Result<Option<Index>> {
    let content = disk::read_if_there(&path(dir, base, "index"))?;
    Ok(content.as_deref().and_then(Index::decode))
}

/// Removes the files of a segment.
pub fn remove(dir: &Path, base: i64) -> io::Result<()> {
    disk::remove(&path(dir, base, "index"))?;
    disk::remove(&path(dir, base, "log"))
}
