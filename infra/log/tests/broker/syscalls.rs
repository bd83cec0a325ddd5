//! What a broker did to its files, as `strace` saw it: each write, cut, sync and change of names, in the order they ended.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// The calls that matter; the tracer stops the broker for no others.
pub const CALLS: &str =
    "trace=openat,write,pwrite64,writev,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir";

/// A file or directory, by number; the directory that was watched is 0.
pub type Node = usize;

/// Names of a directory and what they stand for from then on.
pub type Changes = Vec<(String, Option<Node>)>;

/// One call that ended well.
#[derive(Debug, Clone)]
pub enum Event {
    Write {
        file: Node,
        at: u64,
        data: Vec<u8>,
    },
    Cut {
        file: Node,
        length: u64,
    },
    /// Covers the events before `entered`; later ones were made while it was under way.
    Sync {
        node: Node,
        entered: usize,
    },
    /// Names of one directory that change together.
    Names {
        dir: Node,
        changes: Changes,
    },
}

/// A call as its line says, hexadecimal texts decoded.
struct Line {
    process: String,
    nanoseconds: u64,
    text: String,
}

/// Reads the tracer's output line by line.
pub struct Reader {
    root: PathBuf,
    live: BTreeMap<PathBuf, Node>,
    nodes: usize,
    positions: HashMap<String, u64>,
    begun: HashMap<String, (String, usize)>,
    /// What was done, with the time in nanoseconds since the epoch.
    pub events: Vec<(u64, Event)>,
    /// Which nodes are directories.
    pub dirs: Vec<Node>,
}

impl Reader {
    /// Watches a directory that was there, and empty, before.
    pub fn new(root: &Path) -> Reader {
        let live = BTreeMap::from([(root.to_owned(), 0)]);
        let (positions, begun) = (HashMap::new(), HashMap::new());
        Reader { root: root.to_owned(), live, nodes: 1, positions, begun, events: Vec::new(), dirs: vec![0] }
    }

    pub fn take(&mut self, line: &str) {
        let Some(line) = parse(line) else { return };
        if let Some(text) = line.text.strip_suffix(" <unfinished ...>") {
            self.begun.insert(line.process, (text.to_owned(), self.events.len()));
            return;
        }
        let (text, entered) = match line.text.strip_prefix("<... ") {
            None => (line.text, self.events.len()),
            Some(rest) => {
                let Some((begun, entered)) = self.begun.remove(&line.process) else { return };
                (format!("{begun}{}", rest.split_once(" resumed>").map_or("", |(_, rest)| rest)), entered)
            }
        };
        if let Some(event) = self.event(&text, entered) {
            self.events.push((line.nanoseconds, event));
        }
    }

    fn event(&mut self, text: &str, entered: usize) -> Option<Event> {
        let (call, rest) = text.split_once('(')?;
        let (arguments, result) = rest.rsplit_once(") = ")?;
        if result.starts_with('-') || result.starts_with('?') {
            return None;
        }
        let words: Vec<&str> = arguments.split(", ").collect();
        match call {
            "openat" => self.opened(words.get(1)?, words.get(2)?, result),
            "write" | "pwrite64" => {
                let (descriptor, file) = self.descriptor(words[0])?;
                let data = bytes(words[1]);
                let at = match words.get(3) {
                    Some(offset) => offset.parse().ok()?,
                    None => {
                        let position = self.positions.entry(descriptor).or_default();
                        *position += data.len() as u64;
                        *position - data.len() as u64
                    }
                };
                assert_eq!(result.parse::<usize>().unwrap(), data.len(), "a write that was cut short");
                Some(Event::Write { file, at, data })
            }
            "writev" => self.descriptor(words[0]).map(|_| panic!("writev to a file is not understood")),
            "ftruncate" => Some(Event::Cut { file: self.descriptor(words[0])?.1, length: words[1].parse().ok()? }),
            "fsync" | "fdatasync" => Some(Event::Sync { node: self.descriptor(words[0])?.1, entered }),
            "mkdir" => self.made(&path(words[0]), true),
            "unlink" | "rmdir" => {
                let path = path(words[0]);
                self.live.remove(&path)?;
                self.names(&path, vec![(name(&path), None)])
            }
            "rename" => {
                let (from, to) = (path(words[0]), path(words[1]));
                let node = self.live.remove(&from)?;
                assert_eq!(from.parent(), to.parent(), "a rename within one directory");
                self.live.insert(to.clone(), node);
                self.names(&to, vec![(name(&from), None), (name(&to), Some(node))])
            }
            other => panic!("{other} is not understood: {text}"),
        }
    }

    fn opened(&mut self, target: &str, flags: &str, result: &str) -> Option<Event> {
        let path = path(target);
        if !path.starts_with(&self.root) {
            return None;
        }
        self.positions.insert(result.split('<').next()?.to_owned(), 0);
        if let Some(file) = self.live.get(&path) {
            return flags.contains("O_TRUNC").then_some(Event::Cut { file: *file, length: 0 });
        }
        flags.contains("O_CREAT").then(|| self.made(&path, false))?
    }

    fn made(&mut self, path: &Path, is_dir: bool) -> Option<Event> {
        if !path.starts_with(&self.root) {
            return None;
        }
        let node = self.nodes;
        self.nodes += 1;
        if is_dir {
            self.dirs.push(node);
        }
        self.live.insert(path.to_owned(), node);
        self.names(path, vec![(name(path), Some(node))])
    }

    fn names(&self, path: &Path, changes: Changes) -> Option<Event> {
        Some(Event::Names { dir: *self.live.get(path.parent()?)?, changes })
    }

    /// A descriptor as the tracer shows it, `5<path>`; files that are gone or elsewhere do not matter.
    fn descriptor(&self, word: &str) -> Option<(String, Node)> {
        let (number, rest) = word.split_once('<')?;
        let path = PathBuf::from(String::from_utf8(decode(rest.strip_suffix('>')?)).ok()?);
        self.live.get(&path).map(|node| (number.to_owned(), *node))
    }
}

fn parse(line: &str) -> Option<Line> {
    let (process, rest) = line.split_once(' ')?;
    let (time, text) = rest.trim_start().split_once(' ')?;
    let (seconds, fraction) = time.split_once('.')?;
    let nanoseconds = seconds.parse::<u64>().ok()? * 1_000_000_000 + fraction.parse::<u64>().ok()?;
    Some(Line { process: process.to_owned(), nanoseconds, text: text.to_owned() })
}

fn path(word: &str) -> PathBuf {
    String::from_utf8(bytes(word)).unwrap().into()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// A text in quotes.
fn bytes(word: &str) -> Vec<u8> {
    decode(word.strip_prefix('"').and_then(|word| word.strip_suffix('"')).unwrap_or_else(|| panic!("no text: {word}")))
}

/// Every byte is `\xNN`.
fn decode(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|digits| u8::from_str_radix(&digits[..2], 16).unwrap()).collect()
}
