//! What sort of event a report is: how the program ended decides what is evidence.

use crate::frames::native::ASSERTION;
use crate::frames::{Language, Trace};

use super::Subject;
use super::texts::Texts;

/// What sort of event a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Exception,
    Native,
    Anr,
    /// The program gave itself up: a failed check, `abort()`.
    Abort,
    /// It went on for too long without getting anywhere.
    Hang,
    OutOfMemory,
    StackOverflow,
    Message,
}

impl Kind {
    /// The kind as stored and hashed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exception => "exception",
            Self::Native => "native",
            Self::Anr => "anr",
            Self::Abort => "abort",
            Self::Hang => "hang",
            Self::OutOfMemory => "oom",
            Self::StackOverflow => "stack_overflow",
            Self::Message => "message",
        }
    }

    /// The kind of a report with its trace and texts.
    #[must_use]
    pub fn of(subject: &Subject<'_>, trace: Option<&Trace<'_>>, texts: &Texts<'_>) -> Self {
        const MEMORY: [&str; 6] = ["OutOfMemoryError", "OutOfMemoryException", "MemoryError", "bad_alloc", "out-of-memory", "OOM"];
        const DEPTH: [&str; 5] = ["StackOverflowError", "StackOverflowException", "RecursionError", "stack-overflow", "STACK_OVERFLOW"];
        if subject.category.eq_ignore_ascii_case("anr") {
            return Self::Anr;
        }
        if MEMORY.iter().any(|ending| texts.fault.ends_with(ending)) {
            return Self::OutOfMemory;
        }
        if DEPTH.iter().any(|ending| texts.fault.ends_with(ending)) {
            return Self::StackOverflow;
        }
        if is_hang(texts) {
            return Self::Hang;
        }
        match trace {
            Some(trace) if is_native(trace.language) => match is_abort(texts.fault) {
                true => Self::Abort,
                false => Self::Native,
            },
            Some(_) => Self::Exception,
            None if subject.exp_name.is_empty() => Self::Message,
            None => Self::Exception,
        }
    }

    /// Whether the fault is a phrase of a runtime below all languages rather than a class.
    #[must_use]
    pub const fn is_native(self) -> bool {
        matches!(self, Self::Native | Self::Abort | Self::Hang)
    }
}

const fn is_native(language: Language) -> bool {
    matches!(language, Language::Native | Language::Unreal | Language::HotSpot | Language::Kernel)
}

fn is_abort(fault: &str) -> bool {
    const ABORTS: [&str; 8] = ["SIGABRT", "ABRT", "Aborted", "abort", "EXC_CRASH", "EXC_GUARD", "EXCEPTION_FAIL_FAST", ASSERTION];
    ABORTS.contains(&fault)
}

/// What watchdogs of kernels, fuzzers and Go's scheduler say.
fn is_hang(texts: &Texts<'_>) -> bool {
    const WATCHDOGS: [&str; 5] = ["INFO: task", "rcu stall", "BUG: soft lockup", "ALARM", "timeout"];
    WATCHDOGS.contains(&texts.fault) || (texts.fault == "fatal error" && texts.message.starts_with("all goroutines are asleep"))
}
