//! What a report says in words: its fault and its message, from the stack or from the report itself.

use super::{Kind, Subject, signature};
use crate::frames::{self, Trace, location, native};
use crate::normalise;

/// The fault and its message: of a chain the innermost, else what the report says.
pub struct Texts<'a> {
    pub fault: &'a str,
    pub message: &'a str,
}

impl<'a> Texts<'a> {
    /// The texts of a report whose stack was read as `trace`.
    #[must_use]
    pub fn of(subject: &Subject<'a>, trace: Option<&Trace<'a>>) -> Self {
        let Some(trace) = trace else {
            if is_aggregate(subject.exp_name)
                && let Some((fault, message)) = member_of(subject.stack)
            {
                return Self { fault, message };
            }
            let message = first_of(subject.exp_message, telling_lines(subject.stack));
            return Self { fault: subject.exp_name, message };
        };
        if trace.exception.is_empty() {
            return Self { fault: subject.exp_name, message: first_of(subject.exp_message, trace.message) };
        }
        // Where the stack names the fault, its message belongs to it, and the report's may be the outer one's.
        Self { fault: trace.exception, message: trace.message }
    }
}

/// A wild access is met as an overflow or as a signal by chance: what lay behind the buffer decides.
/// Whether it read or wrote is no chance.
#[must_use]
pub fn fault_family<'a>(kind: Kind, texts: &Texts<'a>) -> &'a str {
    const ACCESS: [&str; 11] = [
        "SEGV",
        "SIGSEGV",
        "SIGBUS",
        "BUS",
        "access-violation",
        "heap-buffer-overflow",
        "EXC_BAD_ACCESS",
        "unknown-crash",
        "SourceAv",
        "EXCEPTION_ACCESS_VIOLATION",
        "Segmentation fault",
    ];
    if kind != Kind::Native || !ACCESS.contains(&texts.fault) {
        return texts.fault;
    }
    let (mut says, mut is_null) = ("", false);
    for line in texts.message.lines().skip(1) {
        is_null |= line.ends_with(native::ZERO_PAGE);
        says = if line.contains(native::WRITE) || line.contains(native::READ) { line } else { says };
    }
    // A null pointer is another fault than one that points anywhere.
    match (says.contains(native::WRITE), says.contains(native::READ), is_null) {
        (true, _, false) => "memory write",
        (false, true, false) => "memory read",
        (false, false, false) => "memory access",
        (true, _, true) => "null write",
        (false, true, true) => "null read",
        (false, false, true) => "null access",
    }
}

/// An exception's name without counters: proxies and anonymous classes throw too, and a kernel's
/// fault is a sentence with addresses.
#[must_use]
pub fn without_digits(kind: Kind, name: &str) -> String {
    let name = signature::cut(name);
    if kind.is_native() && name.contains(|c: char| c.is_ascii_digit()) {
        return normalise::message(name);
    }
    let mut out = String::with_capacity(name.len());
    match name.contains('$') {
        true => normalise::word::push_without_digits(name, &mut out),
        false => out.push_str(name),
    }
    out
}

/// The first of two texts that says anything.
#[must_use]
pub fn first_of<'a>(a: &'a str, b: &'a str) -> &'a str {
    if a.trim().is_empty() { b } else { a }
}

/// Whether an exception only holds others.
fn is_aggregate(name: &str) -> bool {
    name.ends_with("AggregateException") || name.ends_with("ExceptionGroup")
}

/// The first exception of a list without frames that is no aggregate itself.
fn member_of(stack: &str) -> Option<(&str, &str)> {
    let headers = stack.lines().take(64).filter_map(|line| location::exception_header(line).filter(|(name, _)| line.starts_with(name)));
    headers.into_iter().find(|(name, _)| !is_aggregate(name))
}

/// What a text that is no stack says: of a log the first line that complains, else its beginning.
fn telling_lines(text: &str) -> &str {
    const COMPLAINTS: [&str; 8] = ["FATAL", "Fatal", "fatal", "ERROR", "SEVERE", "Exception", "Error", "panic"];
    let text = signature::cut_to(text, frames::MAX_TEXT).trim();
    let found = text.lines().find(|line| COMPLAINTS.iter().any(|word| line.contains(word)));
    if let Some(line) = found {
        return signature::cut_to(banner(text, line), 1_024);
    }
    let end = text.match_indices('\n').nth(2).map_or(text.len(), |(at, _)| at);
    signature::cut_to(&text[..end], 1_024)
}

/// A line with the next where both stand in a banner: `# Fatal error in a.cc, line 3`, `# Check failed: …`.
fn banner<'a>(text: &'a str, line: &'a str) -> &'a str {
    let rest = location::span(text, line, &text[text.len()..]);
    let second = rest.lines().nth(1).filter(|next| line.starts_with("# ") && next.starts_with("# "));
    second.map_or(line, |next| location::span(text, line, next)).trim()
}
