//! Log compaction: of each key the last record stays, at the offset it has; consumers see holes.
//!
//! A **pass** looks at sealed segments only. It notes the latest offset of each key in what is not compacted yet, in
//! bounded memory, then rewrites the segments without superseded records, several small ones into one. Each new
//! file is synced before it takes the place of the old one by a rename; a crash between two steps leaves either the
//! old segments or the new one with swallowed ones beside it, which the next start removes. How far the log is
//! compacted is written last: until then a pass is simply repeated, and no tombstone goes before its repetition.

mod cleaned;
mod due;
mod latest;
mod sift;

use super::batch::{self, Header};
use super::index::Index;
use super::segment::{self, Batches, Sealed};
use super::{Log, records};
use crate::disk;
use bytes::Bytes;
use cleaned::Cleaned;
use latest::Latest;
use sift::{Rules, Sifted};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Keys that a pass remembers, about 15 MB; where there are more, the rest is the next pass's.
const MAX_KEYS: usize = 400_000;

/// A pass over a log. It works on what the log was when it began; each swap finds out whether that still holds.
#[derive(Debug)]
pub struct Pass {
    dir: PathBuf,
    sealed: Vec<Sealed>,
    cleaned: Cleaned,
    segment_bytes: u64,
    tombstones_before: Option<i64>,
    most_keys: usize,
    now: i64,
}

/// Segments that were rewritten as one, still beside the old ones.
#[derive(Debug)]
pub struct Rewritten {
    replaced: Vec<Sealed>,
    fresh: PathBuf,
    index: Index,
}

/// What the owner of the log lends to a pass.
pub trait Host {
    /// Whether the pass should end early.
    fn is_stopping(&self) -> bool;
    /// Puts a rewritten segment in its place, unless the log is no longer what the pass began with.
    fn swap(&self, rewritten: &Rewritten) -> io::Result<bool>;
}

impl Pass {
    /// Does the pass. Returns whether it came to its end.
    pub fn run(self, host: &impl Host) -> io::Result<bool> {
        let Some(rules) = self.survey(host)? else { return Ok(false) };
        let mut last_tombstone = None;
        for group in self.groups(rules.before) {
            let written = self.rewrite(group, &rules, host, &mut last_tombstone);
            let swapped = written.and_then(|written| match written {
                Step::Changed(rewritten) => self.swap(&rewritten, host),
                Step::Same => Ok(true),
                Step::Stopped => Ok(false),
            });
            if !matches!(swapped, Ok(true)) {
                disk::remove(&self.fresh(group))?;
                return swapped;
            }
        }
        self.cleaned.after(rules.before, rules.tombstones_before, last_tombstone, self.now).write(&self.dir)?;
        Ok(true)
    }

    /// The latest offsets of what is not compacted yet, as far as memory allows.
    fn survey(&self, host: &impl Host) -> io::Result<Option<Rules>> {
        let mut latest = Latest::default();
        let mut before = self.sealed.last().map_or(0, |last| last.end);
        'full: for dirty in self.sealed.iter().filter(|segment| segment.end > self.cleaned.end) {
            let file = segment::open(&segment::path(&self.dir, dirty.base, "log"), false)?;
            let mut batches = Batches::new(&file, 0, dirty.size);
            while let Some((header, bytes)) = batches.next_batch()? {
                if header.end() <= self.cleaned.end {
                    continue;
                }
                if host.is_stopping() {
                    return Ok(None);
                }
                if latest.len() >= self.most_keys {
                    before = header.base_offset;
                    break 'full;
                }
                note(&mut latest, &header, bytes);
            }
        }
        Ok(Some(Rules { latest, before, tombstones_before: self.tombstones_before }))
    }

    /// Runs of segments that become one each, by the sizes they have now.
    fn groups(&self, before: i64) -> impl Iterator<Item = &[Sealed]> {
        let concerned = self.sealed.partition_point(|segment| segment.base < before);
        let mut left = &self.sealed[..concerned];
        std::iter::from_fn(move || {
            let mut size = left.first()?.size;
            let more = left[1..].iter().take_while(|segment| {
                size += segment.size;
                size <= self.segment_bytes
            });
            let (group, rest) = left.split_at(1 + more.count());
            left = rest;
            Some(group)
        })
    }

    fn rewrite(&self, group: &[Sealed], rules: &Rules, host: &impl Host, last_tombstone: &mut Option<i64>) -> io::Result<Step> {
        let fresh = self.fresh(group);
        let mut output = Output { file: BufWriter::new(File::create(&fresh)?), index: Index::new(group[0].base), removed: false };
        for old in group {
            let file = segment::open(&segment::path(&self.dir, old.base, "log"), false)?;
            let mut batches = Batches::new(&file, 0, old.size);
            while let Some((header, bytes)) = batches.next_batch()? {
                if host.is_stopping() {
                    return Ok(Step::Stopped);
                }
                output.take(&header, bytes, rules, last_tombstone)?;
            }
        }
        if !output.removed && group.len() == 1 {
            disk::remove(&fresh)?;
            return Ok(Step::Same);
        }
        output.file.into_inner()?.sync_all()?;
        Ok(Step::Changed(Rewritten { replaced: group.to_vec(), fresh, index: output.index }))
    }

    /// The index of the first segment goes durably before its log changes: an index never belongs to another log.
    fn swap(&self, rewritten: &Rewritten, host: &impl Host) -> io::Result<bool> {
        let index = segment::path(&self.dir, rewritten.index_base(), "index");
        disk::remove(&index)?;
        disk::sync_dir(&self.dir)?;
        if !host.swap(rewritten)? {
            return Ok(false);
        }
        std::fs::write(&index, rewritten.index.encode())?;
        disk::sync_dir(&self.dir)?;
        Ok(true)
    }

    fn fresh(&self, group: &[Sealed]) -> PathBuf {
        disk::sibling(&segment::path(&self.dir, group[0].base, "log"), "new")
    }
}

enum Step {
    Changed(Rewritten),
    Same,
    Stopped,
}

struct Output {
    file: BufWriter<File>,
    index: Index,
    removed: bool,
}

impl Output {
    /// Writes what stays of a batch. One that cannot be read stays as it is: it is not ours to destroy.
    fn take(&mut self, header: &Header, bytes: &[u8], rules: &Rules, last_tombstone: &mut Option<i64>) -> io::Result<()> {
        if header.base_offset < self.index.end {
            self.removed = true;
            return Ok(());
        }
        let stored = Bytes::copy_from_slice(bytes);
        let tombstone = |offset: i64| *last_tombstone = Some(offset).max(*last_tombstone);
        let sifted = if batch::is_intact(header, bytes) { sift::sift(header, &stored, rules, tombstone) } else { Ok(Sifted::Whole) };
        let sifted = sifted.unwrap_or_else(|error| {
            tracing::error!(error = %error, log.offset = header.base_offset, "a batch cannot be compacted");
            Sifted::Whole
        });
        match sifted {
            Sifted::Whole => self.write(header, bytes),
            Sifted::Part(header, bytes) => {
                self.removed = true;
                self.write(&header, &bytes)
            }
            Sifted::Empty => {
                self.removed = true;
                Ok(())
            }
        }
    }

    fn write(&mut self, header: &Header, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.index.add(header);
        Ok(())
    }
}

impl Rewritten {
    fn index_base(&self) -> i64 {
        self.replaced.first().map_or(0, |first| first.base)
    }
}

impl Log {
    /// Puts a rewritten segment in the place of those it was made of; `false` where they are no longer there.
    pub fn swap(&mut self, rewritten: &Rewritten) -> io::Result<bool> {
        let replaced = &rewritten.replaced;
        let at = self.sealed.iter().position(|segment| Some(segment) == replaced.first());
        let Some(at) = at.filter(|at| self.sealed[*at..].starts_with(replaced)) else { return Ok(false) };
        let base = rewritten.index_base();
        std::fs::rename(&rewritten.fresh, segment::path(&self.dir, base, "log"))?;
        let end = replaced.last().map_or(base, |last| last.end);
        self.sealed[at] = Sealed { end, ..Sealed::new(base, &rewritten.index) };
        for swallowed in &replaced[1..] {
            segment::remove(&self.dir, swallowed.base)?;
            self.sealed.remove(at + 1);
        }
        Ok(true)
    }
}

fn note(latest: &mut Latest, header: &Header, bytes: &[u8]) {
    if !batch::is_intact(header, bytes) {
        return;
    }
    let Ok(records) = records::decode(header, &Bytes::copy_from_slice(bytes)) else { return };
    for record in records {
        if let Some(key) = &record.key {
            latest.note(key, record.offset);
        }
    }
}

#[cfg(test)]
mod tests;
