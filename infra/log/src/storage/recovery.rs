//! Opening a log after any end: what is whole stays, a torn tail is cut, the producers are remembered.

use super::Log;
use super::batch;
use super::index::Index;
use super::producer_state::Producers;
use super::segment::{self, Active, Batches, Sealed};
use crate::disk;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

impl Log {
    /// Opens or begins the log in `dir`. `now` (milliseconds) is when its producers count as heard of.
    pub fn open(dir: &Path, now: i64) -> io::Result<Log> {
        let kept_start = read_start(dir)?;
        let mut bases = bases(dir)?;
        drop_unused(dir, &mut bases)?;
        let Some((last, earlier)) = bases.split_last() else {
            let active = Active::create(dir, kept_start)?;
            return Ok(Log::assemble(dir, Vec::new(), active, Producers::default()));
        };
        let sealed = open_all_sealed(dir, earlier)?;
        let mut producers = producers_before(dir, *last, &sealed, now)?;
        let active = open_active(dir, *last, &mut producers, now)?;
        remove_strays(dir, &bases)?;
        let mut log = Log::assemble(dir, sealed, active, producers);
        log.start = log.start.max(kept_start).min(log.end());
        Ok(log)
    }

    fn assemble(dir: &Path, sealed: Vec<Sealed>, active: Active, producers: Producers) -> Log {
        let start = sealed.first().map_or(active.base, |first| first.base);
        let last_append = active.index.max_timestamp;
        Log { dir: dir.to_owned(), sealed, active, start, producers, last_append }
    }

    /// Drops what the disk may not have kept after a failed sync: everything from `offset` on in the active segment.
    pub fn cut(&mut self, offset: i64, now: i64) -> io::Result<()> {
        let from = self.active.index.position_of(offset);
        let mut batches = Batches::new(&self.active.file, from, self.active.size);
        let mut keep = from;
        while let Some((at, header)) = batches.next_header()? {
            if header.end() > offset {
                break;
            }
            keep = at + header.size as u64;
        }
        self.active.file.set_len(keep)?;
        self.active.file.sync_all()?;
        *self = Log::open(&self.dir, now)?;
        Ok(())
    }
}

/// Keeps the first readable offset over restarts.
pub fn write_start(dir: &Path, start: i64) -> io::Result<()> {
    disk::replace(&dir.join("start"), start.to_string().as_bytes())
}

fn read_start(dir: &Path) -> io::Result<i64> {
    let content = disk::read_if_there(&dir.join("start"))?;
    let text = content.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
    Ok(text.and_then(|text| text.trim().parse().ok()).unwrap_or(0))
}

fn bases(dir: &Path) -> io::Result<Vec<i64>> {
    let mut bases = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let base: Option<i64> = name.to_str().and_then(|name| name.strip_suffix(".log")).and_then(|base| base.parse().ok());
        bases.extend(base);
    }
    bases.sort_unstable();
    Ok(bases)
}

/// Removes a last segment that was made on a disk too full to go on with it, where the one before it was written on.
fn drop_unused(dir: &Path, bases: &mut Vec<i64>) -> io::Result<()> {
    let [.., before, last] = bases[..] else { return Ok(()) };
    let is_empty = fs::metadata(segment::path(dir, last, "log"))?.len() == 0;
    if is_empty && intact_end(dir, &open_sealed(dir, before)?)? > last {
        segment::remove(dir, last)?;
        bases.pop();
    }
    Ok(())
}

/// The sealed segments. One that begins inside the one before it was swallowed by a compaction that did not come to
/// removing it.
fn open_all_sealed(dir: &Path, bases: &[i64]) -> io::Result<Vec<Sealed>> {
    let mut opened: Vec<Sealed> = Vec::with_capacity(bases.len());
    for base in bases {
        if let Some(before) = opened.last().filter(|before| before.end > *base)
            && intact_end(dir, before)? > *base
        {
            segment::remove(dir, *base)?;
            continue;
        }
        opened.push(open_sealed(dir, *base)?);
    }
    Ok(opened)
}

/// Where a segment ends by its checksums: what damage looks like decides about no other segment.
fn intact_end(dir: &Path, sealed: &Sealed) -> io::Result<i64> {
    let file = segment::open(&segment::path(dir, sealed.base, "log"), false)?;
    let mut batches = Batches::new(&file, 0, sealed.size);
    let mut end = sealed.base;
    while let Some((header, bytes)) = batches.next_batch()? {
        if batch::is_intact(&header, bytes) {
            end = end.max(header.end());
        }
    }
    Ok(end)
}

/// A sealed segment by its index, or by a walk over its headers where the index is missing or another's.
fn open_sealed(dir: &Path, base: i64) -> io::Result<Sealed> {
    let size = fs::metadata(segment::path(dir, base, "log"))?.len();
    let index = segment::load_index(dir, base)?.filter(|index| index.size == size);
    let index = match index {
        Some(index) => index,
        None => rebuild_index(dir, base, size)?,
    };
    Ok(Sealed::new(base, &index))
}

fn rebuild_index(dir: &Path, base: i64, size: u64) -> io::Result<Index> {
    let file = segment::open(&segment::path(dir, base, "log"), false)?;
    let mut index = Index::new(base);
    let mut batches = Batches::new(&file, 0, size);
    while let Some((_, header)) = batches.next_header()? {
        index.add(&header);
    }
    if index.size < size {
        tracing::error!(segment.base = base, segment.whole = index.size, "a sealed segment is damaged; what follows the damage is skipped");
    }
    // On a full disk the log opens all the same; reads walk this segment then.
    if let Err(error) = fs::write(segment::path(dir, base, "index"), index.encode()) {
        tracing::warn!(segment.base = base, error = %error, "an index could not be written");
    }
    Ok(index)
}

/// The producers as they were when the last segment began.
fn producers_before(dir: &Path, last: i64, sealed: &[Sealed], now: i64) -> io::Result<Producers> {
    let snapshot = disk::read_if_there(&segment::path(dir, last, "producers"))?;
    if let Some(producers) = snapshot.as_deref().and_then(Producers::decode) {
        return Ok(producers);
    }
    let mut producers = Producers::default();
    for earlier in sealed {
        let file = segment::open(&segment::path(dir, earlier.base, "log"), false)?;
        let mut batches = Batches::new(&file, 0, earlier.size);
        while let Some((_, header)) = batches.next_header()? {
            producers.record(&header, now);
        }
    }
    Ok(producers)
}

/// The last segment, read through with checksums; from the first batch that is not whole on it is cut.
fn open_active(dir: &Path, base: i64, producers: &mut Producers, now: i64) -> io::Result<Active> {
    let file = segment::open(&segment::path(dir, base, "log"), false)?;
    let size = file.metadata()?.len();
    let mut index = Index::new(base);
    let mut since = None;
    let mut batches = Batches::new(&file, 0, size);
    while let Some((header, bytes)) = batches.next_batch()? {
        if header.base_offset < index.end || !batch::is_intact(&header, bytes) {
            break;
        }
        since.get_or_insert(header.max_timestamp);
        producers.record(&header, now);
        index.add(&header);
    }
    if index.size < size {
        tracing::warn!(segment.base = base, bytes.cut = size - index.size, "cut a torn tail");
        file.set_len(index.size)?;
    }
    file.sync_all()?;
    Ok(Active { base, end: index.end, size: index.size, file: Arc::new(file), index, since })
}

/// Removes files that belong to no segment: left by a crash between two steps.
fn remove_strays(dir: &Path, bases: &[i64]) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let Some((stem, extension)) = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.split_once('.')) else {
            continue;
        };
        let owned = stem.parse().is_ok_and(|base: i64| match extension {
            "log" => true,
            "index" => bases.contains(&base),
            "producers" => bases.last() == Some(&base),
            _ => false,
        });
        if !owned {
            disk::remove(&path)?;
        }
    }
    Ok(())
}
