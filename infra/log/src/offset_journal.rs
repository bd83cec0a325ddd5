//! The file behind committed offsets: appended to, synced before any reply, rewritten when most of it is outdated.
//!
//! A record is `length, checksum, payload`; a torn tail is found by the checksum and cut at start.

use crate::disk;
use bytes::{Buf, BufMut};
use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file of fewer bytes is never rewritten.
const MIN_REWRITE_BYTES: u64 = 4 * 1024 * 1024;
/// A longer record is not one of ours.
const MAX_RECORD: usize = 64 * 1024 * 1024;

/// A partition of a topic by name.
pub type TopicPartition = (String, i32);

/// What a group committed for a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// Id of the topic it was committed for; a topic of the same name that was made later has another.
    pub topic_id: u128,
    /// The next offset to read.
    pub offset: i64,
    /// Leader epoch as the client gave it.
    pub epoch: i32,
    /// The client's own words.
    pub metadata: String,
}

/// All offsets of a group.
pub type Offsets = BTreeMap<TopicPartition, Committed>;

/// A change, written as one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Offsets that a group commits together.
    Commit(String, Vec<(TopicPartition, Committed)>),
    /// Offsets that a group forgets.
    Forget(String, Vec<TopicPartition>),
    /// A group that is deleted.
    Delete(String),
}

impl Change {
    fn encode(&self, out: &mut Vec<u8>) {
        let begin = out.len();
        out.put_u64(0);
        match self {
            Change::Commit(group, offsets) => {
                out.put_u8(1);
                put_text(out, group);
                out.put_u32(u32::try_from(offsets.len()).unwrap_or(u32::MAX));
                for ((topic, partition), committed) in offsets {
                    put_text(out, topic);
                    out.put_i32(*partition);
                    out.put_u128(committed.topic_id);
                    out.put_i64(committed.offset);
                    out.put_i32(committed.epoch);
                    put_text(out, &committed.metadata);
                }
            }
            Change::Forget(group, places) => {
                out.put_u8(2);
                put_text(out, group);
                out.put_u32(u32::try_from(places.len()).unwrap_or(u32::MAX));
                for (topic, partition) in places {
                    put_text(out, topic);
                    out.put_i32(*partition);
                }
            }
            Change::Delete(group) => {
                out.put_u8(3);
                put_text(out, group);
            }
        }
        let length = u32::try_from(out.len() - begin - 8).unwrap_or(u32::MAX);
        let crc = crc32c::crc32c(&out[begin + 8..]);
        out[begin..begin + 4].copy_from_slice(&length.to_be_bytes());
        out[begin + 4..begin + 8].copy_from_slice(&crc.to_be_bytes());
    }

    fn decode(mut payload: &[u8]) -> Option<Change> {
        let rest = &mut payload;
        let kind = rest.try_get_u8().ok()?;
        let group = take_text(rest)?;
        match kind {
            1 => {
                let mut offsets = Vec::new();
                for _ in 0..rest.try_get_u32().ok()? {
                    let place = (take_text(rest)?, rest.try_get_i32().ok()?);
                    let topic_id = rest.try_get_u128().ok()?;
                    let offset = rest.try_get_i64().ok()?;
                    let epoch = rest.try_get_i32().ok()?;
                    offsets.push((place, Committed { topic_id, offset, epoch, metadata: take_text(rest)? }));
                }
                Some(Change::Commit(group, offsets))
            }
            2 => {
                let mut places = Vec::new();
                for _ in 0..rest.try_get_u32().ok()? {
                    places.push((take_text(rest)?, rest.try_get_i32().ok()?));
                }
                Some(Change::Forget(group, places))
            }
            3 => Some(Change::Delete(group)),
            _ => None,
        }
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
    out.put_slice(text.as_bytes());
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let length = rest.try_get_u32().ok()? as usize;
    let (text, left) = rest.split_at_checked(length)?;
    *rest = left;
    String::from_utf8(text.to_vec()).ok()
}

/// The file and what it says.
#[derive(Debug)]
pub struct OffsetJournal {
    path: PathBuf,
    file: File,
    size: u64,
    groups: HashMap<String, Offsets>,
}

impl OffsetJournal {
    /// Reads the file, cutting a torn tail, or begins it. Blocks.
    pub fn open(path: &Path) -> io::Result<OffsetJournal> {
        let bytes = disk::read_if_there(path)?;
        let fresh = bytes.is_none();
        let bytes = bytes.unwrap_or_default();
        let mut groups = HashMap::new();
        let mut rest = bytes.as_slice();
        while let Some((change, left)) = next(rest) {
            apply(&mut groups, change);
            rest = left;
        }
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        if fresh {
            disk::sync_parent(path)?;
        }
        if !rest.is_empty() {
            tracing::warn!(bytes.cut = rest.len(), "cut a torn tail of the offsets journal");
            file.set_len((bytes.len() - rest.len()) as u64)?;
        }
        file.sync_all()?;
        Ok(OffsetJournal { path: path.to_owned(), file, size: (bytes.len() - rest.len()) as u64, groups })
    }

    /// Makes changes durable together, then visible. On an error none of them is made. Blocks.
    pub fn write(&mut self, changes: Vec<Change>) -> io::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut buffer = Vec::new();
        for change in &changes {
            change.encode(&mut buffer);
        }
        let written = self.file.write_all_at(&buffer, self.size).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            let _ = self.file.set_len(self.size).and_then(|()| self.file.sync_all());
            return Err(error);
        }
        self.size += buffer.len() as u64;
        for change in changes {
            apply(&mut self.groups, change);
        }
        if self.size > MIN_REWRITE_BYTES
            && let Err(error) = self.shrink()
        {
            tracing::warn!(error = %error, "the offsets journal could not be rewritten");
        }
        Ok(())
    }

    /// Rewrites the file where at least three quarters of it are outdated.
    fn shrink(&mut self) -> io::Result<()> {
        let mut buffer = Vec::new();
        for (group, offsets) in &self.groups {
            let offsets = offsets.iter().map(|(place, committed)| (place.clone(), committed.clone())).collect();
            Change::Commit(group.clone(), offsets).encode(&mut buffer);
        }
        if buffer.len() as u64 > self.size / 4 {
            return Ok(());
        }
        let fresh = disk::sibling(&self.path, "new");
        let mut file = File::create(&fresh)?;
        file.write_all(&buffer)?;
        file.sync_all()?;
        std::fs::rename(&fresh, &self.path)?;
        self.file = file;
        self.size = buffer.len() as u64;
        disk::sync_parent(&self.path)
    }

    /// The offsets of a group; none where it never committed.
    pub fn group(&self, group: &str) -> Option<&Offsets> {
        self.groups.get(group)
    }

    /// Names of all groups that have committed.
    pub fn names(&self) -> Vec<String> {
        self.groups.keys().cloned().collect()
    }
}

fn next(bytes: &[u8]) -> Option<(Change, &[u8])> {
    let (mut head, rest) = bytes.split_at_checked(8)?;
    let length = head.get_u32() as usize;
    let crc = head.get_u32();
    if length > MAX_RECORD {
        return None;
    }
    let (payload, left) = rest.split_at_checked(length)?;
    if crc32c::crc32c(payload) != crc {
        return None;
    }
    Some((Change::decode(payload)?, left))
}

fn apply(groups: &mut HashMap<String, Offsets>, change: Change) {
    match change {
        Change::Commit(group, offsets) => groups.entry(group).or_default().extend(offsets),
        Change::Forget(group, places) => {
            if let Some(offsets) = groups.get_mut(&group) {
                offsets.retain(|place, _| !places.contains(place));
            }
        }
        Change::Delete(group) => {
            groups.remove(&group);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn commit(group: &str, partition: i32, offset: i64) -> Change {
        let committed = Committed { topic_id: 7, offset, epoch: -1, metadata: format!("到 {offset}") };
        Change::Commit(group.to_owned(), vec![(("topic".to_owned(), partition), committed)])
    }

    #[test]
    fn what_was_written_is_there_after_a_torn_tail() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("offsets");
        let mut journal = OffsetJournal::open(&path).unwrap();
        journal.write(vec![commit("a", 0, 5), commit("a", 1, 6), commit("b", 0, 1)]).unwrap();
        journal.write(vec![commit("a", 0, 9), Change::Delete("b".to_owned())]).unwrap();
        journal.write(vec![Change::Forget("a".to_owned(), vec![("topic".to_owned(), 1)])]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for torn in [&whole[..9], &[0; 30], &[0xff; 5]] {
            std::fs::write(&path, [&whole[..], torn].concat()).unwrap();
            let mut journal = OffsetJournal::open(&path).unwrap();
            let offsets = journal.group("a").unwrap();
            assert_eq!(offsets.len(), 1);
            assert_eq!(offsets[&("topic".to_owned(), 0)].metadata, "到 9");
            assert!(journal.group("b").is_none());
            assert_eq!(std::fs::metadata(&path).unwrap().len(), whole.len() as u64);
            journal.write(vec![commit("a", 0, 10)]).unwrap();
            assert_eq!(OffsetJournal::open(&path).unwrap().group("a").unwrap()[&("topic".to_owned(), 0)].offset, 10);
        }
    }

    #[test]
    fn an_old_file_is_written_anew_and_says_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("offsets");
        let mut journal = OffsetJournal::open(&path).unwrap();
        let many = MIN_REWRITE_BYTES / 50;
        journal.write((0..many as i64).map(|n| commit("a", (n % 4) as i32, n)).collect()).unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < 1024);
        journal.write(vec![commit("a", 9, 9)]).unwrap();
        let again = OffsetJournal::open(&path).unwrap();
        assert_eq!(again.groups, journal.groups);
        assert_eq!(again.group("a").unwrap().len(), 5);
    }
}
