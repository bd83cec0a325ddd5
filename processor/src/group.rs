//! Grouping finds the issue of a report: frames → normal names → fingerprint → issue.
//!
//! Grouping is pure: the same report and the same rules give the same issue on every machine. It never panics, and reads at most
//! [`crate::frames::MAX_TEXT`] of a text, in linear time.

mod difference;
mod explanation;
mod kind;
mod line;
mod names;
mod signature;
mod texts;

pub use difference::difference;
pub use explanation::{Explanation, ShownFrame, explain};
pub use line::{explained_line, id_of_line, line, with_subject};
pub use schemas::grouping::Kind;

use crate::fingerprint::{self, Evidence, Hash64, NamedFrame, Part, Policy};
use crate::frames::classify::Class;
use crate::frames::{self, Language};
use crate::normalise;
use crate::project::{Decision, Rules};
use names::Names;
use texts::{Texts, fault_family, first_of, without_digits};

/// The grouping version, stamped in every row.
pub const VERSION: u16 = fingerprint::VERSION;

/// The parts of a report that grouping reads; absent parts are empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    pub app_id: &'a str,
    pub platform_id: u8,
    /// `crash`, `anr` or `error`.
    pub category: &'a str,
    /// One exception type of the category: `Crash`, `Native`, `Unity3D`, …
    pub exception_type: &'a str,
    /// The platform in the client's words; a hint for the parser.
    pub platform_text: &'a str,
    pub exp_name: &'a str,
    pub exp_message: &'a str,
    pub stack: &'a str,
    /// The client's own grouping; wins where it is not empty.
    pub client_fingerprint: &'a [String],
    pub app_version: &'a str,
}

/// The issue of a report, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    pub issue_id: [u8; 16],
    pub fingerprint: [u8; 16],
    /// A readable line: exception and top frames, at most 500 bytes.
    pub signature: String,
    /// The frame to look at first; empty where there is none.
    pub key_frame: String,
    /// The exception, read from the stack where the report did not name it.
    pub exp_name: String,
    /// The message of the exception, read from the stack where the report has none.
    pub exp_message: String,
    pub kind: Kind,
    /// Whether the stack has no frame of the application.
    pub is_system_stack: bool,
    pub stack_hash: u64,
    pub app_stack_hash: u64,
    pub message_hash: u64,
    /// What went into the fingerprint, in order.
    pub parts: Vec<Part>,
    /// What decided: a rule of the project, the client, or the kinds of the parts.
    pub basis: String,
    /// The parser that read the stack; `message` where none did.
    pub parser: &'static str,
    /// The number of frames that were read.
    pub frames: usize,
}

/// Groups a report.
#[must_use]
pub fn group(subject: &Subject<'_>) -> Grouping {
    group_by(subject, Policy::default())
}

/// Groups a report by the rules of its project.
#[must_use]
pub fn group_with(subject: &Subject<'_>, rules: &Rules) -> Grouping {
    group_observed(subject, Policy::default(), rules, |_, _| ()).0
}

/// Groups a report by the caller's policy.
#[must_use]
pub fn group_by(subject: &Subject<'_>, policy: Policy) -> Grouping {
    group_observed(subject, policy, &Rules::default(), |_, _| ()).0
}

/// Groups a report; `observe` is given the evidence and the frames that count.
pub(crate) fn group_observed<T>(
    subject: &Subject<'_>,
    policy: Policy,
    rules: &Rules,
    observe: impl FnOnce(&Evidence<'_>, &[NamedFrame<'_>]) -> T,
) -> (Grouping, T) {
    let trace = frames::parse(subject.stack, subject.platform_text);
    let texts = Texts::of(subject, trace.as_ref());
    let kind = kind::kind_of(subject, trace.as_ref(), &texts);
    let is_kernel = trace.as_ref().is_some_and(|trace| trace.language == Language::Kernel);
    // A kernel's title names one function, and above it calls come from everywhere.
    let policy = if is_kernel { Policy { thrown_frames: 1, poor_frames: 1, ..policy } } else { policy };
    let names = Names::of(trace.as_ref());
    let mut frames = names.distinct();
    let (stack_hash, app_stack_hash) = hashes(&frames);
    rules.sort(subject.app_id, &mut frames);
    let recurring = if kind == Kind::StackOverflow { names.recurring() } else { Vec::new() };
    let form = normalise::message(texts.message);
    let exception = without_digits(kind, fault_family(kind, &texts));
    let has_classes = trace.as_ref().is_some_and(|trace| trace.language.entry().has_classes);
    let missing = fingerprint::fault::missing(&exception, texts.message);
    let effect = trace.as_ref().map_or_else(String::new, |trace| fingerprint::fault::opening(&normalise::message(trace.effect)));
    let evidence = Evidence {
        kind,
        exception: &exception,
        message: &form,
        missing,
        effect: &effect,
        frames: &frames,
        recurring: &recurring,
        has_classes,
    };
    let Decision { parts, own, basis } = rules.decide(subject.app_id, texts.message, subject.client_fingerprint, &evidence, policy);
    let fingerprint = fingerprint::hash(&parts);
    let top = fingerprint::top(&evidence, policy);
    let observed = observe(&evidence, &top);
    let grouping = Grouping {
        issue_id: fingerprint::issue_id(subject.app_id, subject.platform_id, subject.category, &fingerprint),
        fingerprint,
        signature: signature::of(&own, &evidence, &top),
        key_frame: top.first().map_or_else(String::new, |frame| signature::cut(frame.name).to_owned()),
        exp_name: signature::cut(first_of(subject.exp_name, texts.fault)).to_owned(),
        exp_message: signature::cut_to(first_of(subject.exp_message, texts.message), 4_096).to_owned(),
        kind,
        is_system_stack: !frames.is_empty() && frames.iter().all(|frame| frame.class != Class::App),
        stack_hash,
        app_stack_hash,
        message_hash: hash_of(&form),
        parts,
        basis,
        parser: trace.as_ref().map_or("message", |trace| trace.language.name()),
        frames: trace.as_ref().map_or(0, |trace| trace.frames.len()),
    };
    (grouping, observed)
}

fn hashes(frames: &[NamedFrame<'_>]) -> (u64, u64) {
    let (mut all, mut app) = (Hash64::default(), Hash64::default());
    for frame in frames {
        all.add(frame.name);
        if frame.class == Class::App {
            app.add(frame.name);
        }
    }
    (all.value(), app.value())
}

fn hash_of(value: &str) -> u64 {
    let mut hash = Hash64::default();
    hash.add(value);
    hash.value()
}

#[cfg(test)]
mod tests;
