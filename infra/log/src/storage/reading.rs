//! Reading batches from an offset on. The file is read without holding the log.

use super::Log;
use super::batch::Header;
use super::segment::{self, Batches};
use bytes::Bytes;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// So many bytes of records are read at once with their place; more stay in the file until they are sent.
const INLINE_BYTES: usize = 64 * 1024;

/// Whole batches: few bytes are at hand, many are still where they are stored.
#[derive(Debug, Clone)]
pub enum Records {
    Read(Bytes),
    Stored(Stored),
}

impl Records {
    /// None.
    pub const NONE: Records = Records::Read(Bytes::new());

    /// How many bytes.
    pub fn len(&self) -> usize {
        match self {
            Records::Read(bytes) => bytes.len(),
            Records::Stored(stored) => stored.length,
        }
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A stretch of a segment's file. The file stays readable when the segment is deleted or compacted meanwhile.
#[derive(Debug, Clone)]
pub struct Stored {
    file: Arc<File>,
    at: u64,
    length: usize,
}

impl Stored {
    /// Bytes of a file.
    pub fn new(file: Arc<File>, at: u64, length: usize) -> Stored {
        Stored { file, at, length }
    }

    /// How many bytes are left.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Replaces what is in `buffer` by the next bytes, at most so many; false where none are left. Blocks for the file.
    pub fn read(&mut self, buffer: &mut Vec<u8>, most: usize) -> io::Result<bool> {
        let length = self.length.min(most);
        buffer.resize(length, 0);
        self.file.read_exact_at(buffer, self.at)?;
        self.at += length as u64;
        self.length -= length;
        Ok(length > 0)
    }
}

/// A segment as a reader needs it, valid without the log.
#[derive(Debug, Clone)]
pub struct SegmentView {
    dir: PathBuf,
    /// Offset in the segment's name.
    pub base: i64,
    /// The offset after it.
    pub end: i64,
    /// Bytes of batches.
    pub size: u64,
    /// Greatest time in it.
    pub max_timestamp: i64,
    open: Option<(Arc<File>, u64)>,
}

/// What a reader wants of one partition.
#[derive(Debug, Clone, Copy)]
pub struct ReadRequest {
    /// First offset wanted.
    pub offset: i64,
    /// Only batches before this offset: what is synced.
    pub before: i64,
    /// About how many bytes.
    pub max_bytes: usize,
    /// Whether a first batch larger than `max_bytes` is wanted too.
    pub at_least_one: bool,
}

impl Log {
    /// The segment that holds `offset`, or the first after it.
    pub fn piece_at(&self, offset: i64) -> Option<SegmentView> {
        let at = self.sealed.partition_point(|segment| segment.end <= offset);
        if let Some(segment) = self.sealed.get(at) {
            return Some(self.sealed_piece(segment));
        }
        let position = self.active.index.position_of(offset);
        (offset < self.active.end).then(|| self.active_piece(position))
    }

    /// All segments; the position in the active one is that of `timestamp`.
    pub fn pieces(&self, timestamp: i64) -> Vec<SegmentView> {
        let mut pieces: Vec<SegmentView> = self.sealed.iter().map(|segment| self.sealed_piece(segment)).collect();
        pieces.push(self.active_piece(self.active.index.position_of_time(timestamp)));
        pieces
    }

    fn sealed_piece(&self, segment: &segment::Sealed) -> SegmentView {
        SegmentView {
            dir: self.dir.clone(),
            base: segment.base,
            end: segment.end,
            size: segment.size,
            max_timestamp: segment.max_timestamp,
            open: None,
        }
    }

    fn active_piece(&self, position: u64) -> SegmentView {
        SegmentView {
            dir: self.dir.clone(),
            base: self.active.base,
            end: self.active.end,
            size: self.active.size,
            max_timestamp: self.active.index.max_timestamp,
            open: Some((self.active.file.clone(), position)),
        }
    }
}

impl SegmentView {
    /// The file and a position at or before `offset`.
    fn open_at(&self, offset: i64) -> io::Result<(Arc<File>, u64)> {
        if let Some(open) = &self.open {
            return Ok(open.clone());
        }
        let index = segment::load_index(&self.dir, self.base)?;
        Ok((self.file()?, index.map_or(0, |index| index.position_of(offset))))
    }

    /// The file and a position at or before the first batch of that time.
    pub fn open_at_time(&self, timestamp: i64) -> io::Result<(Arc<File>, u64)> {
        if let Some(open) = &self.open {
            return Ok(open.clone());
        }
        let index = segment::load_index(&self.dir, self.base)?;
        Ok((self.file()?, index.map_or(0, |index| index.position_of_time(timestamp))))
    }

    fn file(&self) -> io::Result<Arc<File>> {
        File::open(segment::path(&self.dir, self.base, "log")).map(Arc::new)
    }

    /// Whole batches from the one that holds the offset on: none where this segment has no such batch, empty where
    /// the first is not synced yet or does not fit.
    pub fn read(&self, want: &ReadRequest) -> io::Result<Option<Records>> {
        let (file, position) = self.open_at(want.offset)?;
        let mut batches = Batches::headers(&file, position, self.size);
        loop {
            match batches.next_header()? {
                Some((_, header)) if header.end() <= want.offset => {}
                Some((at, header)) if header.end() <= want.before => {
                    let length = whole_batches(&mut batches, &header, want)?;
                    let mut stored = Stored::new(file.clone(), at, length);
                    if length > INLINE_BYTES {
                        return Ok(Some(Records::Stored(stored)));
                    }
                    let mut bytes = Vec::new();
                    stored.read(&mut bytes, length)?;
                    return Ok(Some(Records::Read(bytes.into())));
                }
                Some(_) => return Ok(Some(Records::NONE)),
                None => return Ok(None),
            }
        }
    }
}

/// Bytes of the whole batches from `first` on that are wanted; the walk stands after it.
fn whole_batches(batches: &mut Batches<'_>, first: &Header, want: &ReadRequest) -> io::Result<usize> {
    if first.size > want.max_bytes && !want.at_least_one {
        return Ok(0);
    }
    let mut length = first.size;
    while length < want.max_bytes {
        match batches.next_header()? {
            Some((_, header)) if header.end() <= want.before && length + header.size <= want.max_bytes => length += header.size,
            _ => break,
        }
    }
    Ok(length)
}
