//! Go: `panic: text`, then `pkg.(*Type).Method(0xc0…)` with the file on the line after.

use super::location::file_line;
use super::search::{find_byte, lines, rfind_byte, split, trim};
use super::{Frame, Language, Trace};

/// Reads the first goroutine of a text.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::Go);
    let mut pending: Option<&str> = None;
    let mut goroutines = 0;
    for raw in lines(text) {
        let line = trim(raw);
        if line.starts_with("goroutine ") && line.ends_with(':') {
            goroutines += 1;
            if goroutines > 1 && !trace.frames.is_empty() {
                break;
            }
        } else if let Some(function) = pending.take() {
            trace.push(frame(function, line));
        } else if goroutines == 0 {
            header(&mut trace, line);
        } else if line.ends_with(')') || line.starts_with("created by ") {
            pending = (!line.starts_with("created by ")).then_some(line);
        }
    }
    drop_throwers(&mut trace);
    trace.found()
}

fn header<'a>(trace: &mut Trace<'a>, line: &'a str) {
    if !trace.exception.is_empty() {
        return;
    }
    for name in ["panic", "fatal error"] {
        if let Some(message) = line.strip_prefix(name).and_then(|rest| rest.strip_prefix(": ")) {
            (trace.exception, trace.message) = (name, message);
            return;
        }
    }
    if line.starts_with("SIG") {
        (trace.exception, trace.message) = split(line, ": ").unwrap_or((line, ""));
    }
}

/// What the runtime did after the panic stands above the culprit.
fn drop_throwers(trace: &mut Trace<'_>) {
    let thrown = trace.frames.iter().take(32).rposition(|frame| {
        matches!(frame.function, "panic" | "gopanic" | "sigpanic" | "goPanicIndex" | "panicmem" | "throw")
            && matches!(frame.module, "" | "runtime")
    });
    if let Some(at) = thrown.filter(|at| at + 1 < trace.frames.len()) {
        trace.frames.drain(..=at);
    }
}

fn frame<'a>(function: &'a str, place: &'a str) -> Frame<'a> {
    let open = rfind_byte(function, b'(').unwrap_or(function.len());
    let name = &function[..open];
    let dot = rfind_byte(name, b'/').unwrap_or(0);
    let (module, function) = find_byte(&name[dot..], b'.').map_or(("", name), |at| (&name[..dot + at], &name[dot + at + 1..]));
    let (file, line) = file_line(split(place, " +0x").map_or(place, |(place, _)| place));
    Frame { module, function, file, line, in_app: None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_frames_below_the_panic_count() {
        let text = "panic: runtime error: index out of range [5]\n\ngoroutine 7 [running]:\npanic(0x1, 0x2)\n\t/go/panic.go:3 +0x1\nexample.com/shop/cart.(*Cart).Total(0xc0, 0x1)\n\t/src/cart.go:40 +0x12\nmain.main()\n\t/src/main.go:9 +0x1\n";
        let trace = parse(text).unwrap();
        assert_eq!((trace.exception, trace.message), ("panic", "runtime error: index out of range [5]"));
        assert_eq!(trace.frames.len(), 2);
        assert_eq!((trace.frames[0].module, trace.frames[0].function), ("example.com/shop/cart", "(*Cart).Total"));
        assert_eq!(trace.frames[0].line, 40);
    }
}
