//! Whose a frame is: the application's, a library's, the system's, or code that is skipped.
//!
//! The rules are in the files of `rules/`, one rule a line: class, pattern, reason. Several languages may share a file. The first rule
//! that matches decides; a frame that no rule matches is the application's. A pattern matches the normal
//! name of the frame: `java.*` a beginning, `*Test` an ending, `*mock*` a part, else the whole.
//! With `file:` before it, it matches the file or library as printed, with `method:` the function,
//! with `class:` the outermost class without its package.

use super::Frame;
use super::search::{find_byte, rfind_byte};
use std::sync::OnceLock;

/// What a frame counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    App,
    Library,
    /// Code that tests the application. It counts by its class, where no other frame counts.
    Test,
    System,
    /// Checks of a test: skipped, and a sign that the caller is a test.
    Assertion,
    /// Runs tests: the system's, and a sign that the code that it calls is a test.
    Harness,
    /// Throws, asserts, allocates or wraps: never the place of a fault.
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Name,
    File,
    Method,
    Class,
}

#[derive(Debug)]
struct Rule {
    class: Class,
    part: Part,
    text: &'static str,
    starts_open: bool,
    ends_open: bool,
}

/// The rules that look at one part of a frame, found by how their text begins or ends.
#[derive(Debug)]
struct Index {
    by_first: Vec<Vec<Entry>>,
    by_last: Vec<Vec<Entry>>,
    anywhere: Inner,
    is_empty: bool,
}

/// The rules whose text may stand anywhere, found by looking at every second sign with its next: whatever of three signs or more
/// occurs has its first two there or its second two.
#[derive(Debug)]
struct Inner {
    entries: Vec<Entry>,
    pairs: [bool; PAIRS],
}

const PAIRS: usize = 1_024;

/// A rule's place in the order and up to eight bytes at the closed end of its text, which rule out most
/// values without looking at the rule.
#[derive(Clone, Copy, Debug)]
struct Entry {
    index: u16,
    key: u64,
    mask: u64,
}

impl Entry {
    fn of(index: u16, text: &str, key: fn(&[u8]) -> u64) -> Self {
        let bits = 8 * text.len().min(8) as u32;
        Self { index, key: key(text.as_bytes()), mask: u64::MAX.checked_shr(64 - bits).unwrap_or(0) }
    }
}

/// The first eight bytes, the first of them lowest.
fn head_key(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => bytes.iter().rev().fold(0, |key, byte| key << 8 | u64::from(*byte)),
    }
}

/// The last eight bytes, the last of them lowest.
fn tail_key(bytes: &[u8]) -> u64 {
    match bytes.last_chunk() {
        Some(chunk) => u64::from_be_bytes(*chunk),
        None => bytes.iter().fold(0, |key, byte| key << 8 | u64::from(*byte)),
    }
}

impl Default for Index {
    fn default() -> Self {
        Self {
            by_first: vec![Vec::new(); 256],
            by_last: vec![Vec::new(); 256],
            anywhere: Inner { entries: Vec::new(), pairs: [false; PAIRS] },
            is_empty: true,
        }
    }
}

impl Index {
    fn add(&mut self, rule: &Rule, index: u16) {
        let bytes = rule.text.as_bytes();
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
            return;
        };
        self.is_empty = false;
        match (rule.starts_open, rule.ends_open) {
            (false, _) => self.by_first[usize::from(*first)].push(Entry::of(index, rule.text, head_key)),
            (true, false) => self.by_last[usize::from(*last)].push(Entry::of(index, rule.text, tail_key)),
            (true, true) => self.anywhere.add(rule, index),
        }
    }

    /// The first rule before `best` that fits the value, else `best`.
    fn first(&self, rules: &[Rule], value: &str, best: usize) -> usize {
        let bytes = value.as_bytes();
        let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
            return best;
        };
        let by_ends = [(&self.by_first[usize::from(*first)], head_key(bytes)), (&self.by_last[usize::from(*last)], tail_key(bytes))];
        let best = by_ends.into_iter().fold(best, |best, (entries, key)| {
            let fits = |entry: &&Entry| entry.key == key & entry.mask && rules[usize::from(entry.index)].fits(value);
            entries.iter().find(fits).map_or(best, |entry| best.min(usize::from(entry.index)))
        });
        self.anywhere.first(rules, bytes, best)
    }
}

impl Inner {
    fn add(&mut self, rule: &Rule, index: u16) {
        self.entries.push(Entry::of(index, rule.text, head_key));
        for two in rule.text.as_bytes().windows(2).take(2) {
            self.pairs[pair([two[0], two[1]])] = true;
        }
    }

    fn first(&self, rules: &[Rule], bytes: &[u8], best: usize) -> usize {
        if self.entries.first().is_none_or(|entry| usize::from(entry.index) >= best) {
            return best;
        }
        let mut best = best;
        let (pairs, _) = bytes.as_chunks();
        for (place, _) in pairs.iter().enumerate().filter(|(_, two)| self.pairs[pair(**two)]) {
            for at in (2 * place).saturating_sub(1)..=2 * place {
                let rest = &bytes[at..];
                let key = head_key(rest);
                let fits =
                    |entry: &&Entry| entry.key == key & entry.mask && rest.starts_with(rules[usize::from(entry.index)].text.as_bytes());
                best = self.entries.iter().find(fits).map_or(best, |entry| best.min(usize::from(entry.index)));
            }
        }
        best
    }
}

/// A number for two signs: the upper bits of a product, which every bit of both moves.
fn pair(two: [u8; 2]) -> usize {
    (usize::from(u16::from_le_bytes(two).wrapping_mul(0x9e37)) * PAIRS) >> u16::BITS
}

/// The rules of a file; the first that matches decides.
#[derive(Debug, Default)]
pub struct FrameRules {
    rules: Vec<Rule>,
    names: Index,
    files: Index,
    methods: Index,
    classes: Index,
}

impl FrameRules {
    /// Parses a rule file. A line that is not a rule is skipped; a test refuses such lines.
    #[must_use]
    pub fn parse(text: &'static str) -> Self {
        let mut this = Self::default();
        for line in text.lines() {
            if let Some(rule) = rule_of(line) {
                this.add(rule);
            }
        }
        this
    }

    fn add(&mut self, rule: Rule) {
        let Ok(index) = u16::try_from(self.rules.len()) else {
            return;
        };
        let part = match rule.part {
            Part::Name => &mut self.names,
            Part::File => &mut self.files,
            Part::Method => &mut self.methods,
            Part::Class => &mut self.classes,
        };
        part.add(&rule, index);
        self.rules.push(rule);
    }

    /// The class of a frame with this normal name.
    #[must_use]
    pub fn class(&self, frame: &Frame<'_>, name: &str) -> Class {
        if let Some(in_app) = frame.in_app {
            return if in_app { Class::App } else { Class::Library };
        }
        let first = |index: &Index, value, best| if index.is_empty { best } else { index.first(&self.rules, value, best) };
        let mut found = first(&self.names, name, self.rules.len());
        found = first(&self.methods, frame.function, found);
        if !self.classes.is_empty {
            found = first(&self.classes, outermost_class(frame.module), found);
        }
        found = first(&self.files, frame.file, found);
        // A module that a parser cut out of the file was looked at with it.
        if !is_part(frame.file, frame.module) {
            found = first(&self.files, frame.module, found);
        }
        self.rules.get(found).map_or(Class::App, |rule| rule.class)
    }
}

impl Rule {
    fn fits(&self, value: &str) -> bool {
        match (self.starts_open, self.ends_open) {
            (false, false) => value == self.text,
            (false, true) => value.starts_with(self.text),
            (true, false) => value.ends_with(self.text),
            (true, true) => value.contains(self.text),
        }
    }
}

/// Whether one slice lies within another.
fn is_part(whole: &str, part: &str) -> bool {
    whole.as_bytes().as_ptr_range().contains(&part.as_ptr())
}

fn outermost_class(module: &str) -> &str {
    let class = find_byte(module, b'$').map_or(module, |dollar| &module[..dollar]);
    rfind_byte(class, b'.').map_or(class, |dot| &class[dot + 1..])
}

fn rule_of(line: &'static str) -> Option<Rule> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (class, rest) = line.split_once(char::is_whitespace)?;
    let (pattern, _reason) = rest.trim_start().split_once(char::is_whitespace)?;
    let class = match class {
        "app" => Class::App,
        "library" => Class::Library,
        "test" => Class::Test,
        "system" => Class::System,
        "assertion" => Class::Assertion,
        "harness" => Class::Harness,
        "skip" => Class::Skip,
        _ => return None,
    };
    let (part, pattern) = match pattern.split_once(':') {
        Some(("file", rest)) => (Part::File, rest),
        Some(("class", rest)) => (Part::Class, rest),
        Some(("method", rest)) => (Part::Method, rest),
        _ => (Part::Name, pattern),
    };
    let (starts_open, text) = pattern.strip_prefix('*').map_or((false, pattern), |rest| (true, rest));
    let (ends_open, text) = text.strip_suffix('*').map_or((false, text), |rest| (true, rest));
    // Shorter parts are in too many names to say anything, and would not be found.
    if text.is_empty() || (starts_open && ends_open && text.len() < 3) {
        return None;
    }
    Some(Rule { class, part, text, starts_open, ends_open })
}

/// A file of rules, parsed when it is first used.
pub struct RuleFile {
    text: &'static str,
    rules: OnceLock<FrameRules>,
}

impl RuleFile {
    /// The file with this text.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        Self { text, rules: OnceLock::new() }
    }

    /// The rules of the file.
    #[must_use]
    pub fn rules(&self) -> &FrameRules {
        self.rules.get_or_init(|| FrameRules::parse(self.text))
    }
}

/// Java and its relatives.
pub static JAVA: RuleFile = RuleFile::new(include_str!("../rules/java.rules"));
/// Languages whose frames are files and functions.
pub static SCRIPT: RuleFile = RuleFile::new(include_str!("../rules/script.rules"));
/// JavaScript.
pub static JAVASCRIPT: RuleFile = RuleFile::new(include_str!("../rules/javascript.rules"));
/// The languages of .NET.
pub static CSHARP: RuleFile = RuleFile::new(include_str!("../rules/csharp.rules"));
/// Languages that are compiled to machine code.
pub static NATIVE: RuleFile = RuleFile::new(include_str!("../rules/native.rules"));
/// The Linux kernel.
pub static KERNEL: RuleFile = RuleFile::new(include_str!("../rules/kernel.rules"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::register::LANGUAGES;

    #[test]
    fn every_line_of_the_rule_files_is_a_rule_with_a_reason() {
        for line in LANGUAGES.iter().flat_map(|entry| entry.rules.text.lines()) {
            let is_note = line.trim().is_empty() || line.starts_with('#');
            assert!(is_note || rule_of(line).is_some(), "no rule: {line}");
        }
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let rules = FrameRules::parse("app java.shop.* ours\nsystem java.* the runtime\nskip *Thrower a thrower\n");
        let class = |name: &str| rules.class(&Frame::default(), name);
        assert_eq!(class("java.shop.Cart.pay"), Class::App);
        assert_eq!(class("java.util.List.get"), Class::System);
        assert_eq!(class("com.x.Thrower"), Class::Skip);
        assert_eq!(class("com.shop.Cart"), Class::App);
    }
}
