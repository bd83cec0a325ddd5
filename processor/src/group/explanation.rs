//! Why a report has its issue: the frames that grouping saw, the frames that counted, and the form of its message.

use super::{Grouping, Subject, group_observed};
use crate::fingerprint::{Evidence, NamedFrame, Policy};
use crate::frames::classify::Class;
use crate::project::Rules;
use schemas::grouping::PartKind;
use serde::Serialize;

/// The most frames that are shown.
const MAX_FRAMES: usize = 128;

/// A grouping with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub grouping: Grouping,
    /// The message's form; empty where there is no message.
    pub message: String,
    /// The frames, innermost first, recursion collapsed, without those that the project does not look at.
    pub frames: Vec<ShownFrame>,
}

/// A frame as grouping sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShownFrame {
    pub class: &'static str,
    /// Whether the frame, or its class, decided.
    pub counts: bool,
    pub name: String,
}

/// Groups a report and keeps the evidence.
#[must_use]
pub fn explain(subject: &Subject<'_>, rules: &Rules) -> Explanation {
    let observe = |evidence: &Evidence<'_>, top: &[NamedFrame<'_>]| (evidence.message.to_owned(), seen(evidence, top));
    let (grouping, (message, mut frames)) = group_observed(subject, Policy::default(), rules, observe);
    // Where a person or the client decided, or the message alone, no frame did.
    let decided = grouping.parts.iter().any(|part| matches!(part.kind, PartKind::Frame | PartKind::Class));
    frames.iter_mut().for_each(|frame| frame.counts &= decided);
    Explanation { grouping, message, frames }
}

fn seen(evidence: &Evidence<'_>, top: &[NamedFrame<'_>]) -> Vec<ShownFrame> {
    let counts = |frame: &NamedFrame<'_>| match evidence.recurring.is_empty() {
        true => top.contains(frame),
        false => evidence.recurring.iter().take(3).any(|name| *name == frame.name),
    };
    let shown = evidence.frames.iter().take(MAX_FRAMES);
    shown.map(|frame| ShownFrame { class: class(frame.class), counts: counts(frame), name: frame.name.to_owned() }).collect()
}

fn class(class: Class) -> &'static str {
    match class {
        Class::App => "app",
        Class::Library => "library",
        Class::Test => "test",
        Class::System | Class::Harness => "system",
        Class::Skip | Class::Assertion => "skipped",
    }
}
