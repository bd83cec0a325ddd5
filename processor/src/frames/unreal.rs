//! Logs of the Unreal engine: `[2026.01.02-10.00.00:123][  0]LogWindows: Error: [Callstack] 0x7ff6 Shop.exe!UCart::Total() [Cart.cpp:40]`.
//!
//! A log is long and mostly ordinary; the fatal error, failed assertion or ensure that a call stack
//! follows is the culprit, and of several the last: what was survived stands before it.

use super::search::{after, before, has, has_byte, lines, rsplit, split_byte, trim};
use super::{Frame, Language, Trace, location, native, windows};

/// Reads the last fatal report of a log.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::Unreal);
    let mut is_open = false;
    for raw in lines(text) {
        let line = after_prefix(raw);
        if let Some((exception, message)) = fault(line) {
            if !trace.frames.is_empty() {
                trace.frames.clear();
                trace.exception = "";
            }
            // `Fatal error!` is followed by what it was.
            if trace.exception.is_empty() || trace.exception == FATAL {
                (trace.exception, trace.message) = (exception, message);
            }
            is_open = true;
        } else if is_open && let Some(frame) = frame_of(line) {
            trace.push(frame);
        }
    }
    trace.found()
}

/// Whether a line is of such a log's call stack.
#[must_use]
pub fn is_frame(line: &str) -> bool {
    has(line, "[Callstack] 0x")
}

const FATAL: &str = "fatal error";

fn fault(line: &str) -> Option<(&str, &str)> {
    if let Some(found) = windows::fault(line) {
        return Some(found);
    }
    for (mark, name) in [("Assertion failed: ", native::ASSERTION), ("Ensure condition failed: ", "ensure"), ("Fatal error: ", FATAL)] {
        if let Some(rest) = line.strip_prefix(mark) {
            return Some((name, before(rest, " [File:").trim()));
        }
    }
    (line == "Fatal error!" || line.starts_with("Fatal error: [")).then_some((FATAL, ""))
}

/// The text after the stamps, the log's category and its verbosity.
fn after_prefix(raw: &str) -> &str {
    let mut line = trim(raw);
    while let Some((stamp, rest)) = line.strip_prefix('[').and_then(|inner| split_byte(inner, b']')) {
        if !stamp.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b':' | b' ')) {
            break;
        }
        line = rest;
    }
    if line.starts_with("Log") {
        for level in [": Error: ", ": Fatal: ", ": Critical: ", ": Warning: "] {
            if let Some((category, rest)) = line.split_once(level)
                && !has_byte(category, b' ')
            {
                return trim(rest);
            }
        }
    }
    line
}

fn frame_of(line: &str) -> Option<Frame<'_>> {
    let rest = line.strip_prefix("[Callstack] ").unwrap_or(line).strip_prefix("0x")?;
    let body = after(rest, u8::is_ascii_hexdigit).trim_start();
    if let Some((module, symbol)) = split_byte(body, b'!')
        && !has_byte(module, b' ')
    {
        return Some(windows::of_symbol(module, symbol));
    }
    let (function, place) = rsplit(body, " [").unwrap_or((body, ""));
    let (file, line) = location::file_line(place.trim_end_matches(']'));
    (!function.is_empty() && function != "UnknownFunction").then_some(Frame { function, file, line, ..Frame::default() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_fatal_error_of_a_log_and_its_calls() {
        let text = "[2026.01.02-10.00.00:001][  0]LogInit: Display: 启动\n\
            [2026.01.02-10.00.01:002][ 12]LogOutputDevice: Error: Ensure condition failed: Cart [File:D:\\src\\Cart.cpp] [Line: 9]\n\
            [2026.01.02-10.00.01:002][ 12]LogOutputDevice: Error: [Callstack] 0x00007ff6 Shop.exe!UBasket::Open() [D:\\src\\Basket.cpp:9]\n\
            [2026.01.02-10.00.02:003][ 99]LogWindows: Error: === Critical error: ===\n\
            [2026.01.02-10.00.02:003][ 99]LogWindows: Error: Fatal error!\n\
            [2026.01.02-10.00.02:003][ 99]LogWindows: Error: Unhandled Exception: EXCEPTION_ACCESS_VIOLATION reading address 0x00000018\n\
            [2026.01.02-10.00.02:003][ 99]LogWindows: Error: [Callstack] 0x00007ff6a1b2 Shop-Win64-Shipping.exe!UCart::Total() [D:\\src\\购物车\\Cart.cpp:40]\n\
            [2026.01.02-10.00.02:003][ 99]LogWindows: Error: [Callstack] 0x00007ff6a1b3 KERNEL32.DLL!UnknownFunction []\n";
        let trace = parse(text).unwrap();
        assert_eq!(trace.exception, "EXCEPTION_ACCESS_VIOLATION");
        assert_eq!(trace.frames.len(), 2);
        assert_eq!((trace.frames[0].function, trace.frames[0].line), ("UCart::Total()", 40));
        assert_eq!(trace.frames[1].module, "KERNEL32.DLL");
    }

    #[test]
    fn a_failed_assertion_is_its_condition() {
        let text = "Assertion failed: Index >= 0 && Index < Num [File:D:\\Array.h] [Line: 12]\n[Callstack] 0x01 Shop!UCart::Pay() [/src/Cart.cpp:4]\n";
        let trace = parse(text).unwrap();
        assert_eq!((trace.exception, trace.message), (native::ASSERTION, "Index >= 0 && Index < Num"));
    }
}
