//! Recognises what sort of event a report is.

use super::Subject;
use super::texts::Texts;
use crate::frames::Trace;
use crate::frames::native::ASSERTION;
use schemas::grouping::Kind;

/// The kind of a report with its trace and texts.
#[must_use]
pub fn kind_of(subject: &Subject<'_>, trace: Option<&Trace<'_>>, texts: &Texts<'_>) -> Kind {
    const MEMORY: [&str; 6] = ["OutOfMemoryError", "OutOfMemoryException", "MemoryError", "bad_alloc", "out-of-memory", "OOM"];
    const DEPTH: [&str; 5] = ["StackOverflowError", "StackOverflowException", "RecursionError", "stack-overflow", "STACK_OVERFLOW"];
    if subject.category.eq_ignore_ascii_case("anr") {
        return Kind::Anr;
    }
    if MEMORY.iter().any(|ending| texts.fault.ends_with(ending)) {
        return Kind::OutOfMemory;
    }
    if DEPTH.iter().any(|ending| texts.fault.ends_with(ending)) {
        return Kind::StackOverflow;
    }
    if is_hang(texts) {
        return Kind::Hang;
    }
    match trace {
        Some(trace) if trace.language.entry().is_native => match is_abort(texts.fault) {
            true => Kind::Abort,
            false => Kind::Native,
        },
        Some(_) => Kind::Exception,
        None if subject.exp_name.is_empty() => Kind::Message,
        None => Kind::Exception,
    }
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
