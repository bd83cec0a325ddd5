//! The fingerprint: which parts of a report make two crashes the same bug, and the hash over these parts.
//!
//! The first that applies decides:
//! - the client's own fingerprint;
//! - of exhausted memory the kind, because which code asked last is chance;
//! - of a stack overflow the functions that recur;
//! - of a failed link the class or member that is missing;
//! - of a failed test its class and wording;
//! - of a fault of the runtime the frame in which it occurred;
//! - of an exception thrown on purpose the classes that it passed, because the contract between them was broken;
//! - the top frames;
//! - the form of the message.
//!
//! Every choice is kept as a [`Part`].

pub mod fault;

use crate::frames::classify::Class;
use crate::frames::native::ASSERTION;
use fault::{is_assertion, is_fault, wording};
use schemas::grouping::{Kind, PartKind};
use sha2::{Digest, Sha256};

/// Version of everything that decides a fingerprint: rules, parsers, normal forms. It is in every row and every hash, so that a change makes new
/// issues and does not mix old ones.
pub const VERSION: u16 = 3;

/// A part of a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Part {
    pub kind: PartKind,
    pub value: String,
}

impl Part {
    /// A part of this kind.
    #[must_use]
    pub fn new(kind: PartKind, value: impl Into<String>) -> Self {
        Self { kind, value: value.into() }
    }
}

/// How much of a report counts. The defaults had the best results on labelled reports.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Frames that count for a fault of the runtime: the code in which it occurred is at fault.
    pub fault_frames: usize,
    /// Frames that count for an exception thrown on purpose: the caller broke the contract.
    pub thrown_frames: usize,
    /// Frames that count where the fault has no name, or where no frame is the application's.
    pub poor_frames: usize,
    /// Whether the message's form counts beside frames, where it was written on purpose.
    pub with_message: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self { fault_frames: 1, thrown_frames: 3, poor_frames: 8, with_message: false }
    }
}

/// A frame by its normal name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedFrame<'a> {
    pub name: &'a str,
    pub class: Class,
}

/// The evidence from which the parts are chosen.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    pub kind: Kind,
    /// The exception or fault, normalised; may be empty.
    pub exception: &'a str,
    /// The message's form; may be empty.
    pub message: &'a str,
    /// What a failed link asked for, see [`fault::missing`]; may be empty.
    pub missing: &'a str,
    /// The first words of the exception that this one caused, see [`fault::opening`]; may be empty.
    pub effect: &'a str,
    /// Distinct names, innermost first, recursion collapsed.
    pub frames: &'a [NamedFrame<'a>],
    /// Names that recur, sorted; only looked for in a stack overflow.
    pub recurring: &'a [&'a str],
    /// Whether a name is `package.Class.method`, so that classes can be told from methods.
    pub has_classes: bool,
}

/// Chooses the parts where the client has no fingerprint of its own.
#[must_use]
pub fn decide(evidence: &Evidence<'_>, policy: Policy) -> Vec<Part> {
    let mut parts = vec![Part::new(PartKind::Kind, evidence.kind.name())];
    let frames = top(evidence, policy);
    let is_test = evidence.recurring.is_empty() && frames.first().is_some_and(|frame| frame.class == Class::Test);
    if is_test && is_assertion(evidence.exception) {
        parts.push(Part::new(PartKind::Type, ASSERTION));
    } else if !evidence.exception.is_empty() {
        parts.push(Part::new(PartKind::Type, evidence.exception));
    }
    if evidence.kind == Kind::OutOfMemory {
        parts.push(Part::new(PartKind::Message, evidence.message));
        return parts;
    }
    if !evidence.recurring.is_empty() {
        parts.extend(evidence.recurring.iter().take(3).map(|name| Part::new(PartKind::Frame, *name)));
        return parts;
    }
    if !evidence.missing.is_empty() {
        // Parts of different builds met: what one of them lacks is the bug, whoever asks for it first.
        parts.push(Part::new(PartKind::Missing, evidence.missing));
        return parts;
    }
    if evidence.exception.ends_with("UnsupportedClassVersionError") {
        // The runtime is too old for the program; which class it met first is chance.
        return parts;
    }
    push_frames(evidence, &frames, &mut parts);
    if !frames.is_empty() && !is_test && !evidence.effect.is_empty() {
        // What a library throws is the same for all who use it; who caught it knew what it was about.
        parts.push(Part::new(PartKind::Effect, evidence.effect));
    }
    if is_test {
        parts.push(Part::new(PartKind::Message, wording(evidence.message)));
    } else if !evidence.message.is_empty() && message_counts(evidence, frames.first(), policy) {
        parts.push(Part::new(PartKind::Message, evidence.message));
    }
    parts
}

/// The frames themselves, or their classes where an exception was thrown on purpose: which of its
/// methods a class was asked by differs from caller to caller of one bug.
fn push_frames(evidence: &Evidence<'_>, frames: &[NamedFrame<'_>], parts: &mut Vec<Part>) {
    let is_app = frames.first().is_some_and(|frame| frame.class == Class::App);
    let by_class = evidence.has_classes && is_app && !evidence.exception.is_empty() && !is_fault(evidence.exception);
    for frame in frames {
        if !by_class {
            parts.push(Part::new(PartKind::Frame, frame.name));
            continue;
        }
        let class = frame.name.rsplit_once('.').map_or(frame.name, |(class, _)| class);
        if parts.last().is_none_or(|last| last.kind != PartKind::Class || last.value != class) {
            parts.push(Part::new(PartKind::Class, class));
        }
    }
}

/// Whether the message says more than the frames do.
fn message_counts(evidence: &Evidence<'_>, top: Option<&NamedFrame<'_>>, policy: Policy) -> bool {
    match top.map(|frame| frame.class) {
        None => true,
        Some(Class::Test) => false,
        Some(Class::App) if evidence.exception == ASSERTION => true,
        Some(Class::App) => policy.with_message && !is_fault(evidence.exception),
        Some(_) => evidence.kind != Kind::Anr,
    }
}

/// The frames that count: of the test where that failed by itself, else the first of the best class.
#[must_use]
pub fn top<'a>(evidence: &Evidence<'a>, policy: Policy) -> Vec<NamedFrame<'a>> {
    let frames = evidence.frames;
    let first = frames.iter().find(|frame| frame.class <= Class::Test);
    if first.is_some_and(|frame| frame.class == Class::Test) {
        // The test itself is the outermost before the harness that called it by reflection.
        let since = frames.iter().skip_while(|frame| frame.class != Class::Test);
        let block = since.take_while(|frame| frame.class != Class::System);
        return block.filter(|frame| frame.class == Class::Test).last().into_iter().copied().collect();
    }
    let limit = match (evidence.exception.is_empty(), is_fault(evidence.exception)) {
        (true, _) => policy.poor_frames,
        (false, true) => policy.fault_frames,
        (false, false) => policy.thrown_frames,
    };
    for class in [Class::App, Class::Library, Class::System, Class::Skip] {
        let limit = if class == Class::App { limit } else { policy.poor_frames };
        let found: Vec<_> = frames.iter().filter(|frame| frame.class == class).take(limit).copied().collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// The parts of the client's own fingerprint, in which `{{ default }}` stands for the parts of `default`.
#[must_use]
pub fn of_client(own: &[String], default: Vec<Part>) -> Vec<Part> {
    compose(PartKind::Client, own, default)
}

/// A fingerprint that a rule or the client set, as parts of this kind. `{{ default }}` stands for the parts of `default`.
#[must_use]
pub fn compose(kind: PartKind, own: &[String], default: Vec<Part>) -> Vec<Part> {
    if own.iter().all(|value| value.trim().is_empty()) {
        return default;
    }
    let mut default = Some(default);
    let mut parts = Vec::new();
    for value in own {
        match is_default(value).then(|| default.take()).flatten() {
            Some(ours) => parts.extend(ours),
            None => parts.push(Part::new(kind, value.as_str())),
        }
    }
    parts
}

/// Whether a value is `{{ default }}`.
#[must_use]
pub fn is_default(value: &str) -> bool {
    let value = value.trim();
    value.starts_with("{{") && value.trim_matches(['{', '}', ' ']).eq_ignore_ascii_case("default")
}

/// The hash over the parts, each with its kind and length, so that different lists have different bytes.
#[must_use]
pub fn hash(parts: &[Part]) -> [u8; 16] {
    let mut sha = Sha256::new();
    sha.update(VERSION.to_be_bytes());
    for part in parts {
        field(&mut sha, part.kind.name().as_bytes());
        field(&mut sha, part.value.as_bytes());
    }
    first_half(sha)
}

/// The issue of a fingerprint in an app, on a platform and in a category. Two categories never share an issue.
#[must_use]
pub fn issue_id(app_id: &str, platform_id: u8, category: &str, fingerprint: &[u8; 16]) -> [u8; 16] {
    let mut sha = Sha256::new();
    sha.update(VERSION.to_be_bytes());
    field(&mut sha, app_id.as_bytes());
    sha.update([platform_id]);
    field(&mut sha, category.as_bytes());
    sha.update(fingerprint);
    first_half(sha)
}

fn field(sha: &mut Sha256, bytes: &[u8]) {
    sha.update((bytes.len() as u64).to_be_bytes());
    sha.update(bytes);
}

fn first_half(sha: Sha256) -> [u8; 16] {
    let digest = sha.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

/// A 64-bit hash for comparisons, which takes eight bytes at a time. Its values are stored, so it does not change within a [`VERSION`].
#[derive(Clone, Copy, Debug)]
pub struct Hash64(u64);

impl Default for Hash64 {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Hash64 {
    /// Adds a value and its length, so that `ab`, `c` differs from `a`, `bc`.
    pub fn add(&mut self, value: &str) {
        self.mix(value.len() as u64);
        let (words, rest) = value.as_bytes().as_chunks();
        words.iter().for_each(|word| self.mix(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            self.mix(rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
    }

    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word).wrapping_mul(0xa076_1d64_78bd_642f_e703_7ed1_a0b4_28db);
        self.0 = (product as u64) ^ ((product >> 64) as u64) ^ self.0.rotate_left(29);
    }

    /// The hash of the values that were added.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(values: &[(PartKind, &str)]) -> Vec<Part> {
        values.iter().map(|(kind, value)| Part::new(*kind, *value)).collect()
    }

    #[test]
    fn the_clients_fingerprint_wins_and_default_composes() {
        let default = || parts(&[(PartKind::Type, "E"), (PartKind::Frame, "f")]);
        let own = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        assert_eq!(of_client(&own(&["付款"]), default()), parts(&[(PartKind::Client, "付款")]));
        assert_eq!(
            of_client(&own(&["{{ default }}", "vip"]), default()),
            parts(&[(PartKind::Type, "E"), (PartKind::Frame, "f"), (PartKind::Client, "vip")])
        );
        assert_eq!(of_client(&own(&["{{default}}"]), default()), default());
        assert_eq!(of_client(&[], default()), default());
    }

    #[test]
    fn parts_cannot_be_shifted_into_one_another() {
        assert_ne!(
            hash(&parts(&[(PartKind::Frame, "ab"), (PartKind::Frame, "c")])),
            hash(&parts(&[(PartKind::Frame, "a"), (PartKind::Frame, "bc")]))
        );
        assert_ne!(hash(&parts(&[(PartKind::Frame, "a")])), hash(&parts(&[(PartKind::Type, "a")])));
        assert_ne!(issue_id("a", 1, "crash", &[0; 16]), issue_id("a", 1, "anr", &[0; 16]));
    }

    #[test]
    fn the_short_hash_sees_every_byte() {
        let of = |value: &str| {
            let mut hash = Hash64::default();
            hash.add(value);
            hash.value()
        };
        assert_ne!(of("com.shop.Cart.total"), of("com.shop.Cart.totals"));
        assert_ne!(of("abcdefgh1"), of("abcdefgh2"));
        assert_eq!(of("购物车"), of("购物车"));
    }
}
