//! PHP: `#0 /srv/cart.php(12): Cart->total()`.
//!
//! Of a chain PHP prints the cause first and what it led to after `Next`: the first stack counts.

use super::location::{exception_header, file_line};
use super::search::{before_byte, lines, rsplit, rsplit_byte, split, trim};
use super::{Frame, Language, Trace, gdb};

/// Reads the first PHP stack of a text.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::Php);
    for raw in lines(text) {
        let line = trim(raw);
        let Some((number, rest)) = gdb::number(line) else {
            if trace.frames.is_empty() && trace.exception.is_empty() {
                (trace.exception, trace.message) = exception_header(line).unwrap_or((trace.exception, trace.message));
            }
            continue;
        };
        if number == 0 && !trace.frames.is_empty() {
            break;
        }
        if let Some(frame) = php_frame(rest) {
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
    if let Some((place, call)) = split(rest, "): ") {
        let (file, line) = rsplit_byte(place, b'(').unwrap_or((place, ""));
        return Some(call_of(call, file, line.parse().unwrap_or(0)));
    }
    let (call, place) = split(rest, " (").unwrap_or((rest, ""));
    let (file, line) = file_line(place.trim_end_matches(')'));
    Some(call_of(call, file, line))
}

fn call_of<'a>(call: &'a str, file: &'a str, line: u32) -> Frame<'a> {
    let name = before_byte(call, b'(');
    let (module, function) = rsplit(name, "->").or_else(|| rsplit(name, "::")).unwrap_or(("", name));
    Frame { module, function, file, line, in_app: None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn php_frames() {
        let trace = parse(
            "PHP Fatal error:  Uncaught RuntimeException: 空 in /srv/a.php:3\n#0 /srv/cart.php(12): Shop\\Cart->total(5)\n#1 {main}\n",
        )
        .unwrap();
        assert_eq!(trace.exception, "RuntimeException");
        assert_eq!((trace.frames[0].module, trace.frames[0].function, trace.frames[0].line), ("Shop\\Cart", "total", 12));
    }
}
