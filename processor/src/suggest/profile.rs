//! The parts of a report that are compared: its exception, its frames, the words of its message.

use crate::fingerprint::{Evidence, Hash64, NamedFrame, Policy};
use crate::frames::classify::Class;
use crate::group::{Grouping, Subject, group_observed};
use crate::project::Rules;

/// The most frames and words that are compared.
const FRAMES: usize = 64;
const WORDS: usize = 48;

/// A report as it is compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Profile {
    /// Hash of the exception; 0 where there is none.
    pub(super) exception: u64,
    pub(super) frames: Vec<Token>,
    pub(super) words: Vec<Token>,
}

/// A frame or a word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Token {
    pub name: u64,
    /// Weight by place and class, to be multiplied by rarity.
    pub weight: f64,
}

impl Profile {
    /// Groups a report and keeps the parts that are compared.
    #[must_use]
    pub fn of(subject: &Subject<'_>, rules: &Rules) -> (Grouping, Self) {
        group_observed(subject, Policy::default(), rules, |evidence, _| Self::new(evidence))
    }

    fn new(evidence: &Evidence<'_>) -> Self {
        let exception = if evidence.exception.is_empty() { 0 } else { hash("type", evidence.exception).max(1) };
        let frames = evidence.frames.iter().filter(|frame| frame.class != Class::Skip).take(FRAMES);
        let frames =
            frames.enumerate().map(|(place, frame)| Token { name: hash("frame", frame.name), weight: class(frame) / place_of(place) });
        let words = evidence.message.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty());
        let words = words.take(WORDS).map(|word| Token { name: hash("word", word), weight: 1.0 });
        Self { exception, frames: frames.collect(), words: words.collect() }
    }

    pub(super) fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.frames.iter().chain(&self.words)
    }
}

fn place_of(place: usize) -> f64 {
    (1.0 + place as f64).sqrt()
}

fn class(frame: &NamedFrame<'_>) -> f64 {
    match frame.class {
        Class::App | Class::Test => 1.0,
        Class::Library => 0.5,
        Class::System | Class::Harness => 0.2,
        Class::Skip | Class::Assertion => 0.0,
    }
}

fn hash(kind: &str, value: &str) -> u64 {
    let mut hash = Hash64::default();
    hash.add(kind);
    hash.add(value);
    hash.value()
}
