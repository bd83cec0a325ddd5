//! Damaged stacks and messages for every parser and for the scanner of messages: nothing may panic, give more than its
//! bounds, or give another answer the second time.
//!
//! `AFTERSHOCK_FUZZ` is the number of executions of each, `AFTERSHOCK_SEED` where the random numbers begin; the seed of a
//! failure is printed and brings it back: `AFTERSHOCK_FUZZ=1000000 cargo test --release -p processor --lib fuzz -- --nocapture`.

#![allow(clippy::print_stdout)]

use super::fixtures::FIXTURES;
use super::{crash, group};
use crate::frames::register::LANGUAGES;
use crate::frames::{self, MAX_FRAMES, Trace};
use crate::normalise;

/// Executions of each test where nothing else is asked for.
const EXECUTIONS: u64 = 2_000;

type Parser = for<'a> fn(&'a str) -> Option<Trace<'a>>;

/// The parsers of all languages, and what reads a text before them.
fn parsers() -> Vec<(&'static str, Parser)> {
    let mut parsers: Vec<(&str, Parser)> = LANGUAGES.iter().map(|entry| (entry.name, entry.parse)).collect();
    parsers.push(("any", |text| frames::parse(text, "")));
    parsers.push(("culprit", |text| frames::parse(frames::culprit::part(text), "")));
    parsers.push(("windows", |text| text.lines().find_map(|line| frames::windows::frame_of(line).map(|_| ())).and(None)));
    parsers
}

/// What the parsers look for; a piece of it in the wrong place is the likeliest way to go wrong.
const WORDS: [&str; 48] = [
    "\tat ",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    ":",
    "::",
    ".",
    "$",
    "$$",
    "/",
    "\\",
    "'",
    "\"",
    "`",
    "@",
    "#0 ",
    "#12 0x1 in ",
    " at ",
    " from ",
    "\n",
    "\n\n",
    " ",
    "\r\n",
    "0x",
    "+0x1",
    "Caused by: ",
    "... 3 more",
    "Suppressed: ",
    "Traceback (most recent call last):\n",
    "File \"a\", line 1, in b\n",
    "Exception: ",
    "goroutine 1 [running]:\n",
    "panic: ",
    "stack traceback:",
    "--- End of inner exception",
    "Thread 1 Crashed:\n",
    "backtrace:\n",
    "operator<<",
    "(anonymous namespace)",
    "购物车",
    "１２",
    "\u{0}",
    "\u{feff}",
    "BUG: KASAN: ",
    "[12:00:00] [main/ERROR]: ",
];

/// SplitMix64, by Sebastiano Vigna: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// A place between two characters.
    fn place(&mut self, text: &str) -> usize {
        let at = self.below(text.len() + 1);
        frames::location::head(text, at).len()
    }

    /// A stack, changed in a few places: characters, pieces doubled, dropped, swapped, or taken from elsewhere.
    fn stack(&mut self) -> String {
        let mut text = FIXTURES[self.below(FIXTURES.len())].1.to_owned();
        for _ in 0..=self.below(7) {
            let start = self.place(&text);
            let end = start + frames::location::head(&text[start..], self.below(60)).len();
            match self.below(6) {
                0 => text.replace_range(start..end, ""),
                1 => {
                    let piece = text[start..end].to_owned();
                    text.insert_str(start, &piece);
                }
                2 => text.truncate(end),
                3 => text.insert(start, char::from_u32(self.next() as u32 % 0x3000).unwrap_or('x')),
                4 => {
                    let other = FIXTURES[self.below(FIXTURES.len())].1;
                    let from = self.place(other);
                    text.insert_str(start, frames::location::head(&other[from..], self.below(200)));
                }
                _ => text.insert_str(start, WORDS[self.below(WORDS.len())]),
            }
        }
        text
    }
}

/// Says on the way out of a panic which seed brings it back.
struct SeedOnPanic(u64);

impl Drop for SeedOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("failed with AFTERSHOCK_FUZZ=1 AFTERSHOCK_SEED={}", self.0);
        }
    }
}

fn repeat(name: &str, mut test: impl FnMut(&mut Random) -> bool) {
    let number = |variable: &str| std::env::var(variable).ok().and_then(|value| value.parse::<u64>().ok());
    let executions = number("AFTERSHOCK_FUZZ").unwrap_or(EXECUTIONS);
    let first = number("AFTERSHOCK_SEED").unwrap_or(1);
    let mut found = 0;
    for seed in first..first + executions {
        let _named = SeedOnPanic(seed);
        found += u64::from(test(&mut Random(seed)));
    }
    println!("{name:<12} {executions:>9} executions, {found} with a trace");
}

#[test]
fn fuzz_every_parser() {
    for (name, parser) in parsers() {
        repeat(name, |random| {
            let text = random.stack();
            let found = parser(&text);
            if let Some(trace) = &found {
                assert!(trace.frames.len() <= MAX_FRAMES && trace.frames.len() <= text.lines().count() * 2);
            }
            found.is_some()
        });
    }
}

#[test]
fn fuzz_grouping_and_messages() {
    repeat("grouping", |random| {
        let text = random.stack();
        let grouping = group(&crash(&text));
        assert!(grouping.signature.len() <= 500 && grouping.exp_message.len() <= 4_096);
        assert_eq!(grouping.issue_id, group(&crash(&text)).issue_id);
        grouping.frames > 0
    });
    repeat("messages", |random| {
        let text = random.stack();
        let form = normalise::message(&text);
        // A form may grow where digits become placeholders, but never without bound.
        assert!(form.len() <= normalise::MAX_MESSAGE * 8);
        !form.is_empty()
    });
}
