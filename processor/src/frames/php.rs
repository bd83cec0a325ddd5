//! PHP (`#0 /srv/cart.php(12): Cart->total()`) and Dart (`#0  Cart.total (package:shop/cart.dart:12:5)`).

use super::location::{exception_header, file_line};
use super::{Frame, Language, Trace, gdb};

/// Reads the first PHP stack of a text.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    read(text, Language::Php, php_frame)
}

/// Reads the first Dart stack of a text.
#[must_use]
pub fn parse_dart(text: &str) -> Option<Trace<'_>> {
    read(text, Language::Dart, dart_frame)
}

fn read<'a>(text: &'a str, language: Language, frame_of: fn(&'a str) -> Option<Frame<'a>>) -> Option<Trace<'a>> {
    let mut trace = Trace::of(language);
    for raw in text.lines() {
        let line = raw.trim();
        let Some((number, rest)) = gdb::number(line) else {
            if trace.frames.is_empty() && trace.exception.is_empty() {
                (trace.exception, trace.message) = exception_header(line).unwrap_or((trace.exception, trace.message));
            }
            continue;
        };
        if number == 0 && !trace.frames.is_empty() {
            break;
        }
        if let Some(frame) = frame_of(rest) {
            trace.push(frame);
        }
    }
    trace.found()
}

fn php_frame(rest: &str) -> Option<Frame<'_>> {
    if rest == "{main}" {
        return None;
    }
    if let Some(call) = rest.strip_prefix("[internal function]: ") {
        return Some(call_of(call, "", 0));
    }
    if let Some((place, call)) = rest.split_once("): ") {
        let (file, line) = place.rsplit_once('(').unwrap_or((place, ""));
        return Some(call_of(call, file, line.parse().unwrap_or(0)));
    }
    let (call, place) = rest.split_once(" (").unwrap_or((rest, ""));
    let (file, line) = file_line(place.trim_end_matches(')'));
    Some(call_of(call, file, line))
}

fn call_of<'a>(call: &'a str, file: &'a str, line: u32) -> Frame<'a> {
    let name = call.split('(').next().unwrap_or(call);
    let (module, function) = name.rsplit_once("->").or_else(|| name.rsplit_once("::")).unwrap_or(("", name));
    Frame { module, function, file, line, in_app: None }
}

fn dart_frame(rest: &str) -> Option<Frame<'_>> {
    let (name, place) = rest.rsplit_once(" (")?;
    let (file, line) = file_line(place.trim_end_matches(')'));
    Some(Frame { module: file, function: name.trim(), file, line, in_app: None })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn php_and_dart_frames() {
        let trace = parse(
            "PHP Fatal error:  Uncaught RuntimeException: 空 in /srv/a.php:3\n#0 /srv/cart.php(12): Shop\\Cart->total(5)\n#1 {main}\n",
        )
        .unwrap();
        assert_eq!(trace.exception, "RuntimeException");
        assert_eq!((trace.frames[0].module, trace.frames[0].function, trace.frames[0].line), ("Shop\\Cart", "total", 12));
        let trace = parse_dart("#0      Cart.total (package:shop/cart.dart:12:5)\n#1      main (package:shop/main.dart:3:1)\n").unwrap();
        assert_eq!((trace.frames[0].function, trace.frames[0].line), ("Cart.total", 12));
    }
}
