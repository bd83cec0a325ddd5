//! Rust: `thread 'x' panicked at src/a.rs:1:2:`, then `3: name` with `at file:line` below.

use super::location::file_line;
use super::search::{find, lines, rsplit, split, trim};
use super::{Frame, Language, Trace};

/// Reads the panic and its backtrace.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::Rust);
    let mut message_next = false;
    for raw in lines(text) {
        let line = trim(raw);
        if message_next {
            trace.message = line;
            message_next = false;
        } else if trace.exception.is_empty()
            && let Some(at) = find(line, " panicked at ")
        {
            trace.exception = "panic";
            message_next = panic_line(&line[at + " panicked at ".len()..], &mut trace);
        } else if let Some(name) = name_of(line) {
            trace.push(frame(name));
        } else if let Some(place) = line.strip_prefix("at ")
            && let Some(last) = trace.frames.last_mut()
        {
            (last.file, last.line) = file_line(place);
        }
    }
    trace.found()
}

/// New compilers print the place alone and the message below; old ones `'message', place`.
fn panic_line<'a>(rest: &'a str, trace: &mut Trace<'a>) -> bool {
    match rest.strip_prefix('\'').and_then(|rest| rsplit(rest, "', ")) {
        Some((message, _)) => {
            trace.message = message;
            false
        }
        None => true,
    }
}

fn name_of(line: &str) -> Option<&str> {
    let (number, name) = split(line, ": ")?;
    let is_number = !number.is_empty() && number.len() < 5 && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| split(trim(name), " - ").filter(|(hex, _)| hex.starts_with("0x")).map_or(trim(name), |(_, name)| name))
}

fn frame(name: &str) -> Frame<'_> {
    Frame { function: name, ..Frame::default() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_panic_with_its_backtrace() {
        let text = "thread 'main' panicked at src/cart.rs:12:5:\n购物车 is empty\nstack backtrace:\n   0: rust_begin_unwind\n             at /rustc/ab/library/std/src/panicking.rs:1:5\n   1: shop::cart::total::h0123456789abcdef\n             at ./src/cart.rs:12:5\n";
        let trace = parse(text).unwrap();
        assert_eq!((trace.exception, trace.message), ("panic", "购物车 is empty"));
        assert_eq!((trace.frames[1].file, trace.frames[1].line), ("./src/cart.rs", 12));
    }
}
