//! Dart and Flutter: `#0      Cart.total (package:shop/cart.dart:12:5)`, and the frames of obfuscated builds.

use super::location::{after_log_prefix, exception_header, file_line};
use super::search::{before_byte, has, lines, rsplit, split, split_byte, trim, trim_start};
use super::{Frame, Language, Trace, gdb};

/// Reads the first stack of a text.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::Dart);
    for raw in lines(text) {
        let line = trim(after_log_prefix(raw));
        let Some((number, rest)) = gdb::number(line) else {
            match web(line) {
                Some(frame) => trace.push(frame),
                None if trace.frames.is_empty() => header(&mut trace, line),
                None => {}
            }
            continue;
        };
        if number == 0 && !trace.frames.is_empty() {
            break;
        }
        if let Some(frame) = named(rest).or_else(|| obfuscated(rest)) {
            trace.push(frame);
        }
    }
    trace.found()
}

/// `Unhandled Exception: type 'Null' is not …`, `The following _TypeError was thrown building Cart:`,
/// `NoSuchMethodError: …`.
fn header<'a>(trace: &mut Trace<'a>, line: &'a str) {
    if let Some((_, rest)) = split(line, "Unhandled Exception: ").or_else(|| split(line, "Unhandled exception:\n")) {
        (trace.exception, trace.message) = exception_header(rest).unwrap_or((kind_of(rest), rest));
    } else if let Some(rest) = line.strip_prefix("The following ") {
        trace.exception = before_byte(rest, b' ');
        trace.message = "";
    } else if trace.exception.is_empty() {
        (trace.exception, trace.message) = exception_header(line).unwrap_or((kind_of(line), line));
    } else if trace.message.is_empty() && !line.starts_with(['═', '*', '#']) {
        trace.message = line;
    }
}

/// The runtime names its own type error by a sentence.
fn kind_of(line: &str) -> &'static str {
    if line.starts_with("type '") && has(line, "is not a subtype of") { "_TypeError" } else { "" }
}

fn named(rest: &str) -> Option<Frame<'_>> {
    let (name, place) = rsplit(rest, " (")?;
    let (file, line) = file_line(place.trim_end_matches(')'));
    Some(Frame { module: file, function: trim(name), file, line, in_app: None })
}

/// `abs 0000007f1234 virt 00000000002a _kDartIsolateSnapshotInstructions+0x1b2c3`: without its symbols a
/// build knows a place by its offset alone.
fn obfuscated(rest: &str) -> Option<Frame<'_>> {
    let symbol = rest.strip_prefix("abs ")?.rsplit(' ').next()?;
    symbol.starts_with("_kDart").then_some(Frame { function: symbol, ..Frame::default() })
}

/// Whether a line is a frame of Dart compiled to JavaScript.
#[must_use]
pub fn is_web_frame(line: &str) -> bool {
    web(line).is_some()
}

/// `packages/shop/cart.dart 12:5   total`: compiled to JavaScript.
fn web(line: &str) -> Option<Frame<'_>> {
    let (file, rest) = split_byte(line, b' ')?;
    let (place, name) = trim_start(rest).split_once(' ')?;
    let (line, column) = split_byte(place, b':')?;
    let is_place = file.ends_with(".dart") && column.bytes().all(|b| b.is_ascii_digit());
    let line = line.parse().ok()?;
    is_place.then_some(Frame { module: file, function: trim(name), file, line, in_app: None })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_flutter_log_names_the_error_and_the_frames() {
        let text = "E/flutter ( 812): [ERROR:flutter/runtime/dart_vm_initializer.cc(41)] Unhandled Exception: Bad state: 购物车为空\n\
            E/flutter ( 812): #0      Cart.total (package:shop/cart.dart:12:5)\nE/flutter ( 812): <asynchronous suspension>\n\
            E/flutter ( 812): #1      main.<anonymous closure> (package:shop/main.dart:3:1)\n";
        let trace = parse(text).unwrap();
        assert_eq!(trace.message, "Bad state: 购物车为空");
        assert_eq!((trace.frames[0].function, trace.frames[0].module, trace.frames[0].line), ("Cart.total", "package:shop/cart.dart", 12));
        assert_eq!(trace.frames.len(), 2);
    }

    #[test]
    fn a_type_error_is_one_by_name_and_by_sentence() {
        let said = parse("Unhandled Exception: type 'Null' is not a subtype of type 'String'\n#0 f (package:a/b.dart:1:2)\n").unwrap();
        let named = parse("The following _TypeError was thrown building Cart(dirty):\ntype 'Null' is not a subtype of type 'String'\n#0 f (package:a/b.dart:1:2)\n").unwrap();
        assert_eq!((said.exception, said.message), (named.exception, named.message));
    }

    #[test]
    fn an_obfuscated_frame_is_its_offset() {
        let text = "build_id: 'ab'\n    #00 abs 0000007f00 virt 00000000002a _kDartIsolateSnapshotInstructions+0x1b2c3\n    #01 abs 0000007f10 virt 00000000003a _kDartIsolateSnapshotInstructions+0x1b000\n";
        let trace = parse(text).unwrap();
        assert_eq!(trace.frames[0].function, "_kDartIsolateSnapshotInstructions+0x1b2c3");
        assert_eq!(trace.frames.len(), 2);
    }

    #[test]
    fn frames_of_the_web() {
        let trace = parse("TypeError: x\ndart:sdk_internal 5:4   throw_\npackages/shop/cart.dart 12:5   total\n").unwrap();
        assert_eq!((trace.frames[0].function, trace.frames[0].line), ("total", 12));
    }
}
