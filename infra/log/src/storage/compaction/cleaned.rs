//! How far a partition is compacted, and since when: the file `compacted`.
//!
//! A tombstone may go when it has been readable for `delete.retention.ms` after everything it deletes was gone. That
//! moment is not in the record, so it is kept here: "up to this offset, since then".

use crate::disk;
use std::io;
use std::path::Path;

const FILE: &str = "compacted";
/// More moments than this are not kept; leaving one out makes its tombstones wait for the next.
const MOMENTS: usize = 32;

/// The state of compaction.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// Before this offset no key is there twice.
    pub end: i64,
    /// Offsets with the time (milliseconds) since when that is so of what lies before them, where tombstones are left.
    tombstones: Vec<(i64, i64)>,
}

impl Cleaned {
    /// Reads the state; a log that was never compacted has the default.
    pub fn read(dir: &Path) -> io::Result<Cleaned> {
        let content = disk::read_if_there(&dir.join(FILE))?;
        let parsed = content.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok()).and_then(Cleaned::parse);
        Ok(parsed.unwrap_or_default())
    }

    /// Writes the state as a whole.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let mut text = format!("{}\n", self.end);
        for (offset, since) in &self.tombstones {
            text.push_str(&format!("{offset} {since}\n"));
        }
        disk::replace(&dir.join(FILE), text.as_bytes())
    }

    fn parse(text: &str) -> Option<Cleaned> {
        let mut lines = text.lines();
        let end = lines.next()?.parse().ok()?;
        let pair = |line: &str| {
            let (offset, since) = line.split_once(' ')?;
            Some((offset.parse().ok()?, since.parse().ok()?))
        };
        let tombstones = lines.map(pair).collect::<Option<Vec<_>>>()?;
        Some(Cleaned { end, tombstones })
    }

    /// Tombstones before this offset have been kept since `since` (milliseconds) or longer.
    pub fn kept_since(&self, since: i64) -> Option<i64> {
        self.tombstones.iter().filter(|(_, from)| *from <= since).map(|(offset, _)| *offset).max()
    }

    /// The state after a pass up to `end` that removed the tombstones before `gone`; `last` is the last one left.
    pub fn after(mut self, end: i64, gone: Option<i64>, last: Option<i64>, now: i64) -> Cleaned {
        self.tombstones.retain(|(offset, _)| Some(*offset) > gone);
        let covered = self.tombstones.last().map_or(0, |(offset, _)| *offset);
        if last.is_some_and(|last| last >= covered) {
            if self.tombstones.len() >= MOMENTS {
                self.tombstones.pop();
            }
            self.tombstones.push((end, now));
        }
        self.end = self.end.max(end);
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn tombstones_wait_from_the_pass_that_made_them_the_first_of_their_key() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Cleaned::read(dir.path()).unwrap(), Cleaned::default());
        let cleaned =
            Cleaned::default().after(100, None, Some(40), 1_000).after(200, None, Some(40), 2_000).after(300, None, Some(250), 3_000);
        cleaned.write(dir.path()).unwrap();
        let cleaned = Cleaned::read(dir.path()).unwrap();
        assert_eq!((cleaned.end, cleaned.tombstones.clone()), (300, vec![(100, 1_000), (300, 3_000)]));
        assert_eq!((cleaned.kept_since(999), cleaned.kept_since(1_000), cleaned.kept_since(3_000)), (None, Some(100), Some(300)));
        assert_eq!(cleaned.after(300, Some(100), Some(250), 4_000).tombstones, [(300, 3_000)]);
        std::fs::write(dir.path().join(FILE), b"30").unwrap();
        assert_eq!(Cleaned::read(dir.path()).unwrap().end, 30);
        std::fs::write(dir.path().join(FILE), b"30\nx").unwrap();
        assert_eq!(Cleaned::read(dir.path()).unwrap(), Cleaned::default(), "damaged: compaction begins anew");
    }

    #[test]
    fn the_moments_are_bounded() {
        let mut cleaned = Cleaned::default();
        for n in 1..100 {
            cleaned = cleaned.after(n * 10, None, Some(n * 10 - 1), n);
        }
        assert_eq!(cleaned.tombstones.len(), MOMENTS);
        assert_eq!(cleaned.kept_since(99), Some(990));
    }
}
