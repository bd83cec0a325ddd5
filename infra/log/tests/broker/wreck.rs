//! What a disk may hold after the power went away: everything synced, and of the rest nothing, all, or any part of it.

use crate::syscalls::{Changes, Event, Node};
use rand::Rng;
use rand::rngs::StdRng;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Disks write sectors whole.
const SECTOR: u64 = 512;

/// What is kept of what was not synced.
pub enum Kept {
    Nothing,
    All,
    /// Any writes, in part too, and of each directory's changes the first ones: file systems keep those in order.
    Some(Box<StdRng>),
}

impl Kept {
    /// How much of a write is kept: bytes from its beginning.
    fn of_write(&mut self, at: u64, length: u64) -> Option<u64> {
        match self {
            Kept::Nothing => None,
            Kept::All => Some(length),
            Kept::Some(random) => match random.random_range(0..4) {
                0 | 1 => None,
                2 => Some(length),
                _ => Some((random.random_range(at..=at + length) / SECTOR * SECTOR).saturating_sub(at)),
            },
        }
    }

    fn of_names(&mut self, changes: usize) -> usize {
        match self {
            Kept::Nothing => 0,
            Kept::All => changes,
            Kept::Some(random) => random.random_range(0..=changes),
        }
    }
}

#[derive(Default)]
struct File {
    synced: Vec<u8>,
    pending: Vec<(usize, Event)>,
}

#[derive(Default)]
struct Dir {
    synced: BTreeMap<String, Node>,
    pending: Vec<(usize, Changes)>,
}

/// The disk as it is after some events.
#[derive(Default)]
pub struct Wreck {
    files: HashMap<Node, File>,
    dirs: HashMap<Node, Dir>,
}

impl Wreck {
    /// Follows the events; `dirs` are the nodes that are directories.
    pub fn after(events: &[(u64, Event)], dirs: &[Node]) -> Wreck {
        let mut wreck = Wreck { dirs: dirs.iter().map(|node| (*node, Dir::default())).collect(), ..Wreck::default() };
        for (at, (_, event)) in events.iter().enumerate() {
            match event {
                Event::Write { file, .. } | Event::Cut { file, .. } => {
                    wreck.files.entry(*file).or_default().pending.push((at, event.clone()));
                }
                Event::Names { dir, changes } => wreck.dirs.entry(*dir).or_default().pending.push((at, changes.clone())),
                Event::Sync { node, entered } => wreck.sync(*node, *entered),
            }
        }
        wreck
    }

    fn sync(&mut self, node: Node, entered: usize) {
        if let Some(dir) = self.dirs.get_mut(&node) {
            let covered = dir.pending.partition_point(|(at, _)| *at < entered);
            dir.pending.drain(..covered).for_each(|(_, changes)| rename(&mut dir.synced, changes));
        } else {
            let file = self.files.entry(node).or_default();
            let covered = file.pending.partition_point(|(at, _)| *at < entered);
            file.pending.drain(..covered).for_each(|(_, event)| apply(&mut file.synced, &event, u64::MAX));
        }
    }

    /// Writes what is left into an empty directory.
    pub fn write(mut self, into: &Path, kept: &mut Kept) {
        let mut open = vec![(0, into.to_owned())];
        while let Some((node, path)) = open.pop() {
            let dir = self.dirs.remove(&node).unwrap();
            let mut names = dir.synced;
            let some = kept.of_names(dir.pending.len());
            dir.pending.into_iter().take(some).for_each(|(_, changes)| rename(&mut names, changes));
            for (name, node) in names {
                let path = path.join(name);
                if self.dirs.contains_key(&node) {
                    std::fs::create_dir(&path).unwrap();
                    open.push((node, path));
                } else {
                    std::fs::write(path, self.content(node, kept)).unwrap();
                }
            }
        }
    }

    fn content(&mut self, node: Node, kept: &mut Kept) -> Vec<u8> {
        let file = self.files.remove(&node).unwrap_or_default();
        let mut content = file.synced;
        for (_, event) in file.pending {
            let (at, length) = match &event {
                Event::Write { at, data, .. } => (*at, data.len() as u64),
                _ => (0, 0),
            };
            if let Some(some) = kept.of_write(at, length) {
                apply(&mut content, &event, some);
            }
        }
        content
    }
}

fn rename(names: &mut BTreeMap<String, Node>, changes: Changes) {
    for (name, node) in changes {
        match node {
            Some(node) => names.insert(name, node),
            None => names.remove(&name),
        };
    }
}

/// Applies a write, of it the first `some` bytes, or a cut.
fn apply(content: &mut Vec<u8>, event: &Event, some: u64) {
    match event {
        Event::Write { at, data, .. } => {
            let data = &data[..data.len().min(some as usize)];
            let (from, to) = (*at as usize, *at as usize + data.len());
            if !data.is_empty() && content.len() < to {
                content.resize(to, 0);
            }
            if !data.is_empty() {
                content[from..to].copy_from_slice(data);
            }
        }
        Event::Cut { length, .. } => content.resize(*length as usize, 0),
        Event::Sync { .. } | Event::Names { .. } => {}
    }
}
