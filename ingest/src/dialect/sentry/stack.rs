//! Exceptions and their frames as the runtime itself would have printed them: what people read, and what the stacks of all
//! dialects are grouped by.
//!
//! ```text
//! exceptions ─ order ─▶ outermost first ─▶ a chain as the language prints chains ─▶ text
//!                                          frames: printed by language, one file       + which lines are the application's
//! ```

use super::event::{Event, Exception, Frame, Stack};
use super::frames;
use super::language::Language;
use crate::dialect::value::count;

/// A text of frames on its way, and what the client said of them.
#[derive(Debug, Default)]
pub(super) struct Print {
    pub(super) text: String,
    /// For each line of the text `+` (a frame of the application), `-` (none) or a space (not said).
    marks: String,
    lines: usize,
}

impl Print {
    /// Adds what is no frame.
    pub(super) fn words(&mut self, words: &str) {
        self.lines += ends_of_lines(words);
        self.text.push_str(words);
    }

    /// Adds the lines of a frame; `write` leaves out no line's end.
    pub(super) fn frame(&mut self, frame: &Frame<'_>, write: impl FnOnce(&mut String)) {
        let start = self.text.len();
        write(&mut self.text);
        if let Some(in_app) = frame.in_app.0 {
            while self.marks.len() < self.lines {
                self.marks.push(' ');
            }
            self.marks.push(if in_app { '+' } else { '-' });
        }
        self.lines += ends_of_lines(&self.text[start..]);
    }

    /// Adds all frames of a stack.
    pub(super) fn stack(&mut self, language: Language, stack: &Stack<'_>) {
        let frames = &stack.frames.0;
        let mut one = |number: usize, frame: &Frame<'_>| self.frame(frame, |text| frames::write(language, number, frame, text));
        if language == Language::Python {
            frames.iter().enumerate().for_each(|(number, frame)| one(number, frame));
        } else {
            frames.iter().rev().enumerate().for_each(|(number, frame)| one(number, frame));
        }
    }

    /// Text and marks; no marks where the client said nothing of any frame.
    pub(super) fn finish(mut self) -> (String, String) {
        let end = self.text.trim_end_matches('\n').len();
        self.text.truncate(end);
        (self.text, self.marks)
    }
}

fn ends_of_lines(text: &str) -> usize {
    count(text, |byte| byte == b'\n')
}

/// The exceptions, outermost first: by their own numbers, else as a list of them is ordered, causes first.
pub(super) fn order<'e, 'a>(event: &'e Event<'a>) -> Vec<&'e Exception<'a>> {
    let says_something =
        |exception: &&Exception<'_>| !(exception.kind.is_empty() && exception.value.is_empty() && exception.stacktrace.frames.0.is_empty());
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
pub(super) fn print(language: Language, chain: &[&Exception<'_>], own: Option<&Stack<'_>>) -> Print {
    let mut print = Print::default();
    let stack = |place: usize| match (place, own) {
        (0, Some(own)) => own,
        _ => &chain[place].stacktrace,
    };
    match language {
        Language::Python => python(&mut print, chain, stack),
        Language::CSharp => csharp(&mut print, chain, stack),
        _ => {
            for (place, exception) in chain.iter().enumerate() {
                let before = match (place, language) {
                    (0, _) => "",
                    (_, Language::JavaScript) => "[cause]: ",
                    _ => "Caused by: ",
                };
                section(&mut print, language, (before, exception), stack(place));
            }
        }
    }
    print
}

/// One exception with its frames.
fn section(print: &mut Print, language: Language, (before, exception): (&str, &Exception<'_>), stack: &Stack<'_>) {
    let frames = &stack.frames.0;
    let header = header(language, exception);
    match language {
        // Ruby puts the header behind the place of the innermost frame.
        Language::Ruby if !frames.is_empty() => return frames::ruby(print, &header, frames),
        Language::Go => print.words(&format!("{before}{header}\n{}", if frames.is_empty() { "" } else { "\ngoroutine 1 [running]:\n" })),
        Language::Rust => print.words(&format!("{before}{header}\n{}", if frames.is_empty() { "" } else { "stack backtrace:\n" })),
        Language::Php => print.words(&format!("{before}{header}\n{}", if frames.is_empty() { "" } else { "Stack trace:\n" })),
        _ => print.words(&format!("{before}{header}\n")),
    }
    print.stack(language, stack);
}

fn header(language: Language, exception: &Exception<'_>) -> String {
    let (class, value) = (class(language, exception), exception.value.0.trim_end());
    match (class.as_str(), value) {
        (_, "") => class,
        ("", _) => value.to_owned(),
        _ => format!("{class}: {value}"),
    }
}

/// Innermost first, each with its traceback before it, and how one led to the other between them.
fn python<'s, 'a: 's>(print: &mut Print, chain: &[&Exception<'_>], stack: impl Fn(usize) -> &'s Stack<'a>) {
    for (place, exception) in chain.iter().enumerate().rev() {
        if !stack(place).frames.0.is_empty() {
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
fn csharp<'s, 'a: 's>(print: &mut Print, chain: &[&Exception<'_>], stack: impl Fn(usize) -> &'s Stack<'a>) {
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
