//! Ruby: ``app/cart.rb:12:in `total'``, innermost first or, numbered, last.

use super::location::{exception_header, file_line};
use super::search::{lines, rsplit, split, split_byte, trim, without};
use super::{Frame, Language, Trace};

/// Reads a Ruby backtrace.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::Ruby);
    let mut is_outermost_first = false;
    for raw in lines(text) {
        let line = without_number(trim(raw));
        is_outermost_first |= trace.frames.is_empty() && line.len() < trim(raw).len();
        let line = without(line, "from ");
        let Some((place, rest)) = split(line, ":in ") else {
            header(&mut trace, line);
            continue;
        };
        let rest = rest.trim_start_matches(['`', '\'']);
        let (function, after) = split_byte(rest, b'\'').unwrap_or((rest, ""));
        let (file, line) = file_line(place);
        trace.push(Frame { module: file, function, file, line, in_app: None });
        if let Some(message) = after.strip_prefix(": ") {
            ruby_message(&mut trace, message);
        }
    }
    if is_outermost_first {
        trace.frames.reverse();
    }
    trace.found()
}

/// `3: from app/main.rb:3:in …`: versions that print the outermost first number the rest.
fn without_number(line: &str) -> &str {
    match split(line, ": from ") {
        Some((number, rest)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => line,
    }
}

/// `message (ClassName)` follows the first frame.
fn ruby_message<'a>(trace: &mut Trace<'a>, message: &'a str) {
    let (message, name) = rsplit(message, " (").unwrap_or((message, ""));
    (trace.exception, trace.message) = (name.trim_end_matches(')'), message);
}

fn header<'a>(trace: &mut Trace<'a>, line: &'a str) {
    if trace.frames.is_empty() && trace.exception.is_empty() {
        if let Some((exception, message)) = exception_header(line) {
            (trace.exception, trace.message) = (exception, message);
        } else if trace.message.is_empty() {
            trace.message = line;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn frames_in_either_order() {
        let trace = parse("app/cart.rb:12:in `total': 空的 (NoMethodError)\n\tfrom app/main.rb:3:in `<main>'\n").unwrap();
        assert_eq!((trace.exception, trace.message), ("NoMethodError", "空的"));
        assert_eq!(trace.frames[0].function, "total");
        let text =
            "Traceback (most recent call last):\n\t1: from app/main.rb:3:in `<main>'\napp/cart.rb:12:in `total': 空的 (NoMethodError)\n";
        let trace = parse(text).unwrap();
        assert_eq!((trace.exception, trace.frames[0].function, trace.frames[1].function), ("NoMethodError", "total", "<main>"));
    }
}
