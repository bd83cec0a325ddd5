//! Reading batches from an offset on. The file is read without holding the log.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::batch::{HEADER, Header};
use super::segment::{self, Batches};
use super::{Log, recovery};

/// A segment as a reader needs it, valid without the log.
#[derive(Debug, Clone)]
pub struct Piece {
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
pub struct Want {
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
    pub fn piece_at(&self, offset: i64) -> Option<Piece> {
        let at = self.sealed.partition_point(|segment| segment.end <= offset);
        if let Some(segment) = self.sealed.get(at) {
            return Some(self.sealed_piece(segment));
        }
        let position = self.active.index.position_of(offset);
        (offset < self.active.end).then(|| self.active_piece(position))
    }

    /// All segments; the position in the active one is that of `timestamp`.
    pub fn pieces(&self, timestamp: i64) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = self.sealed.iter().map(|segment| self.sealed_piece(segment)).collect();
        pieces.push(self.active_piece(self.active.index.position_of_time(timestamp)));
        pieces
    }

    fn sealed_piece(&self, segment: &segment::Sealed) -> Piece {
        Piece {
            dir: self.dir.clone(),
            base: segment.base,
            end: segment.end,
            size: segment.size,
            max_timestamp: segment.max_timestamp,
            open: None,
        }
    }

    fn active_piece(&self, position: u64) -> Piece {
        Piece {
            dir: self.dir.clone(),
            base: self.active.base,
            end: self.active.end,
            size: self.active.size,
            max_timestamp: self.active.index.max_timestamp,
            open: Some((self.active.file.clone(), position)),
        }
    }
}

impl Piece {
    /// The file and a position at or before `offset`.
    fn open_at(&self, offset: i64) -> io::Result<(Arc<File>, u64)> {
        if let Some(open) = &self.open {
            return Ok(open.clone());
        }
        let index = recovery::load_index(&self.dir, self.base)?;
        Ok((self.file()?, index.map_or(0, |index| index.position_of(offset))))
    }

    /// The file and a position at or before the first batch of that time.
    pub fn open_at_time(&self, timestamp: i64) -> io::Result<(Arc<File>, u64)> {
        if let Some(open) = &self.open {
            return Ok(open.clone());
        }
        let index = recovery::load_index(&self.dir, self.base)?;
        Ok((self.file()?, index.map_or(0, |index| index.position_of_time(timestamp))))
    }

    fn file(&self) -> io::Result<Arc<File>> {
        File::open(segment::path(&self.dir, self.base, "log")).map(Arc::new)
    }

    /// Whole batches from the one that holds the offset on: none where this segment has no such batch, empty where
    /// the first is not synced yet or does not fit.
    pub fn read(&self, want: &Want) -> io::Result<Option<Bytes>> {
        let (file, position) = self.open_at(want.offset)?;
        let mut batches = Batches::new(&file, position, self.size);
        loop {
            match batches.next_header()? {
                Some((_, header)) if header.end() <= want.offset => {}
                Some((at, header)) if header.end() <= want.before => {
                    return self.take(&file, at, &header, want).map(Some);
                }
                Some(_) => return Ok(Some(Bytes::new())),
                None => return Ok(None),
            }
        }
    }

    fn take(&self, file: &File, at: u64, first: &Header, want: &Want) -> io::Result<Bytes> {
        let mut length = want.max_bytes.min(usize::try_from(self.size - at).unwrap_or(usize::MAX));
        if first.size > length {
            if !want.at_least_one {
                return Ok(Bytes::new());
            }
            length = first.size;
        }
        let mut buffer = BytesMut::zeroed(length);
        file.read_exact_at(&mut buffer, at)?;
        let whole = whole_batches(&buffer, want.before);
        buffer.truncate(whole);
        Ok(buffer.freeze())
    }
}

/// Bytes of the whole batches at the front that end at or before `before`.
fn whole_batches(buffer: &[u8], before: i64) -> usize {
    let mut at = 0;
    while buffer.len() - at >= HEADER {
        match Header::parse(&buffer[at..]) {
            Some(header) if header.size <= buffer.len() - at && header.end() <= before => at += header.size,
            _ => break,
        }
    }
    at
}
