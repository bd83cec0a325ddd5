//! Exceptions and their frames as the runtime itself would have printed them: what people read, and what the stacks of all
//! dialects are grouped by.
//!
//! ```text
//! exceptions ─ order ─▶ outermost first ─▶ a chain as the language prints chains ─▶ text
//!                                          frames: printed by language, one file       + which lines are the application's
//! ```

use super::event::{Event, Exception};
use super::language::Language;
use super::packed_frames::{Frames, Stack};
use super::print::Print;
use super::print_frame;
use crate::dialect::bounds::{EXCEPTION_NAME, MESSAGE};
use crate::dialect::cut::{beginning, cut};
use std::fmt::Write as _;

/// The exceptions, outermost first: by their own numbers, else as a list of them is ordered, causes first.
pub(super) fn order<'e, 'a>(event: &'e Event<'a>) -> Vec<&'e Exception<'a>> {
    let says_something =
        |exception: &&Exception<'_>| !(exception.kind.is_empty() && exception.value.is_empty() && exception.stacktrace.frames.is_empty());
    let mut ordered: Vec<&Exception<'_>> = event.exceptions.0.iter().rev().filter(says_something).collect();
    if ordered.iter().all(|exception| exception.mechanism.exception_id.0.is_some()) {
        ordered.sort_by_key(|exception| exception.mechanism.exception_id.0);
    }
    ordered
}

/// The class of an exception as its language names it.
pub(super) fn class(language: Language, exception: &Exception<'_>) -> String {
    let (kind, module) = (&exception.kind.0, exception.module.0.trim());
    let qualified = match language {
        Language::Java => !module.is_empty() && !kind.contains('.'),
        Language::Python => !["", "builtins", "exceptions", "__builtin__", "__main__"].contains(&module),
        _ => false,
    };
    if qualified { format!("{module}.{kind}") } else { kind.clone().into_owned() }
}

/// Prints the chain. `own` is the stack of the outermost where that came elsewhere.
pub(super) fn print(print: &mut Print, language: Language, chain: &[&Exception<'_>], own: Option<&Stack>) {
    let stack = |place: usize| match (place, own) {
        (0, Some(own)) => own,
        _ => &chain[place].stacktrace,
    };
    match language {
        Language::Python => python(print, chain, stack),
        Language::CSharp => csharp(print, chain, stack),
        _ => {
            for (place, exception) in chain.iter().enumerate() {
                let before = match (place, language) {
                    (0, _) => "",
                    (_, Language::JavaScript) => "[cause]: ",
                    _ => "Caused by: ",
                };
                section(print, language, (before, exception), stack(place));
            }
        }
    }
}

/// One exception with its frames.
fn section(print: &mut Print, language: Language, (before, exception): (&str, &Exception<'_>), stack: &Stack) {
    let frames = &stack.frames;
    let header = header(language, exception);
    match language {
        // Ruby puts the header behind the place of the innermost frame.
        Language::Ruby if !frames.is_empty() => return ruby(print, &header, frames),
        Language::Go => print.words(&format!("{before}{header}\n{}", if frames.is_empty() { "" } else { "\ngoroutine 1 [running]:\n" })),
        Language::Rust => print.words(&format!("{before}{header}\n{}", if frames.is_empty() { "" } else { "stack backtrace:\n" })),
        Language::Php => print.words(&format!("{before}{header}\n{}", if frames.is_empty() { "" } else { "Stack trace:\n" })),
        _ => print.words(&format!("{before}{header}\n")),
    }
    print.stack(language, stack);
}

fn header(language: Language, exception: &Exception<'_>) -> String {
    let mut class = class(language, exception);
    cut(&mut class, EXCEPTION_NAME);
    let value = beginning(exception.value.0.trim_end(), MESSAGE);
    match (class.as_str(), value) {
        (_, "") => class,
        ("", _) => value.to_owned(),
        _ => format!("{class}: {value}"),
    }
}

/// Innermost first, each with its traceback before it, and how one led to the other between them.
fn python<'s>(print: &mut Print, chain: &[&Exception<'_>], stack: impl Fn(usize) -> &'s Stack) {
    for (place, exception) in chain.iter().enumerate().rev() {
        if !stack(place).frames.is_empty() {
            print.words("Traceback (most recent call last):\n");
            print.stack(Language::Python, stack(place));
        }
        print.words(&header(Language::Python, exception));
        print.words("\n");
        if place > 0 {
            print.words(match exception.mechanism.source.0.as_ref() {
                "__context__" => "\nDuring handling of the above exception, another exception occurred:\n\n",
                _ => "\nThe above exception was the direct cause of the following exception:\n\n",
            });
        }
    }
}

/// All headers first, then the frames from the innermost on.
fn csharp<'s>(print: &mut Print, chain: &[&Exception<'_>], stack: impl Fn(usize) -> &'s Stack) {
    for (place, exception) in chain.iter().enumerate() {
        print.words(if place > 0 { "\n ---> " } else { "" });
        print.words(&header(Language::CSharp, exception));
    }
    print.words("\n");
    for place in (0..chain.len()).rev() {
        print.stack(Language::CSharp, stack(place));
        if place > 0 {
            print.words("   --- End of inner exception stack trace ---\n");
        }
    }
}

/// Ruby's: the header stands behind the place of the innermost frame.
fn ruby(print: &mut Print, header: &str, frames: &Frames) {
    let (class, value) = header.split_once(": ").unwrap_or((header, header));
    let mut rest = frames.iter().rev();
    if let Some(first) = rest.next() {
        print.frame(&first, |text| {
            let _ = writeln!(text, "{}: {value} ({class})", print_frame::place_in(&first));
        });
    }
    for (number, frame) in rest.enumerate() {
        print.frame(&frame, |text| print_frame::write(Language::Ruby, number, &frame, text));
    }
}
