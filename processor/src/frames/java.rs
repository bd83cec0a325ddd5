//! Java, Kotlin, Scala and Android: `at pkg.Class.method(File.java:12)`.
//!
//! Of a chain the innermost `Caused by` counts: it is where the fault arose, the outer ones say how
//! it was passed on. Suppressed exceptions are side effects of clean-up and are left out.
//! `... N more` is filled with the frames the cause shares with what it caused.

use super::location::{after_log_prefix, exception_header, file_line, span};
use super::search::{find_byte, find_either, has_byte, lines, rfind_byte, split_byte, trim, trim_end, trim_start};
use super::{Frame, Language, MAX_FRAMES, Trace, culprit};

/// A header and whether it names an exception; its slice runs on to the end of its first line.
#[derive(Clone, Copy)]
struct Header<'a> {
    line: &'a str,
    is_exception: bool,
}

struct State<'a> {
    text: &'a str,
    exception: &'a str,
    message: &'a str,
    /// The message of the exception that the current one caused.
    effect: &'a str,
    frames: Vec<Frame<'a>>,
    /// Frames of the exception that the current one caused.
    enclosing: Vec<Frame<'a>>,
    /// The header being read; its message may go on over several lines.
    header: Option<Header<'a>>,
    suppressed_depth: Option<usize>,
    /// Words came after frames: a further frame belongs to something else.
    is_broken: bool,
}

/// Reads the first chain of a text, of a log that of the culprit.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let text = culprit::part(text);
    let mut state = State {
        text,
        exception: "",
        message: "",
        effect: "",
        frames: Vec::new(),
        enclosing: Vec::new(),
        header: None,
        suppressed_depth: None,
        is_broken: false,
    };
    for line in lines(text) {
        if !state.read(line) {
            break;
        }
    }
    if let Some(header) = state.header.take() {
        state.open(header.line, &header.line[header.line.len()..]);
    }
    if state.frames.is_empty() {
        // A cause printed without its frames happened within those of its effect.
        state.frames = state.enclosing;
    }
    let mut trace = Trace::of(Language::Java);
    trace.exception = state.exception;
    trace.message = state.message;
    trace.effect = state.effect;
    trace.frames = state.frames;
    trace.found()
}

impl<'a> State<'a> {
    /// Takes one line; false when the chain has ended.
    fn read(&mut self, raw: &'a str) -> bool {
        let line = after_log_prefix(raw);
        let trimmed = trim(line);
        if self.is_suppressed(trimmed, line) {
            return true;
        }
        if let Some(frame) = frame_of(trimmed) {
            return self.frame(frame, raw);
        }
        if let Some(header) = trimmed.strip_prefix("Caused by: ") {
            if let Some(header) = self.header.take() {
                self.open(header.line, &raw[..0]);
            }
            self.enclosing = std::mem::take(&mut self.frames);
            self.effect = self.message;
            (self.exception, self.message, self.is_broken) = ("", "", false);
            self.header = Some(Header { line: header, is_exception: true });
            return true;
        }
        match shared_count(trimmed) {
            Some(count) => self.share(count, raw),
            None => return self.words(trimmed),
        }
        true
    }

    fn is_suppressed(&mut self, line: &str, raw: &str) -> bool {
        let is_start = line.starts_with("Suppressed: ");
        if !is_start && self.suppressed_depth.is_none() {
            return false;
        }
        let depth = raw.len() - trim_start(raw).len();
        if is_start {
            self.suppressed_depth = Some(depth);
        } else if self.suppressed_depth.is_some_and(|suppressed| depth <= suppressed) {
            self.suppressed_depth = None;
        }
        self.suppressed_depth.is_some()
    }

    fn frame(&mut self, frame: Frame<'a>, raw: &'a str) -> bool {
        if self.is_broken {
            return false;
        }
        if let Some(header) = self.header.take() {
            self.open(header.line, &raw[..0]);
        }
        if self.frames.len() < MAX_FRAMES {
            self.frames.push(frame);
        }
        true
    }

    /// A header is complete when its first frame comes: what lies between is its message.
    fn open(&mut self, header: &'a str, end: &'a str) {
        let whole = span(self.text, header, end).trim_end();
        let first = whole.lines().next().unwrap_or("");
        let (exception, rest) = exception_header(first).unwrap_or_else(|| plain_header(first));
        self.exception = exception;
        self.message = if rest.is_empty() { "" } else { span(self.text, rest, &whole[whole.len()..]) };
    }

    fn share(&mut self, count: usize, raw: &'a str) {
        if let Some(header) = self.header.take() {
            self.open(header.line, &raw[..0]);
        }
        let from = self.enclosing.len().saturating_sub(count);
        let room = MAX_FRAMES.saturating_sub(self.frames.len());
        self.frames.extend(self.enclosing[from..].iter().take(room));
    }

    fn words(&mut self, line: &'a str) -> bool {
        if line.is_empty() {
            return true;
        }
        let header = exception_header(line);
        if !self.frames.is_empty() && self.header.is_none() {
            self.is_broken = !(line.starts_with(['-', '|']) || line.starts_with("[CIRCULAR") || line.starts_with("native: "));
            return header.is_none();
        }
        let is_bare = header.is_some_and(|(name, _)| line.starts_with(name) && has_byte(name, b'.'));
        let is_better = self.header.is_none_or(|old| is_bare || (header.is_some() && !old.is_exception));
        if is_better {
            self.header = Some(Header { line, is_exception: header.is_some() });
        }
        true
    }
}

/// `java.lang.Foo$Bar: words`, with a class whose name does not say that it is an exception.
fn plain_header(line: &str) -> (&str, &str) {
    match split_byte(line, b':') {
        Some((name, rest)) if !has_byte(name, b' ') && has_byte(name, b'.') => (name, trim(rest)),
        _ if !has_byte(line, b' ') && has_byte(line, b'.') => (line, ""),
        _ => ("", line),
    }
}

/// Reads one frame; `None` where the line is not a frame.
fn frame_of(line: &str) -> Option<Frame<'_>> {
    let rest = trim_start(line.strip_prefix("at ")?);
    let end = find_either(rest, b'(', b' ')?;
    let open = end + find_byte(&rest[end..], b'(')?;
    let name = trim_end(&rest[..open]);
    // A name has no space in it, but one may stand behind it.
    if name.is_empty() || name.len() > end {
        return None;
    }
    let place = &rest[open + 1..];
    let place = &place[..find_byte(place, b')').unwrap_or(place.len())];
    let name = after_module(name);
    let dot = rfind_byte(name, b'.')?;
    let (module, function) = (&name[..dot], &name[dot + 1..]);
    let (file, line) = match place {
        "Native Method" | "Native method" | "Unknown Source" | "<generated>" => ("", 0),
        _ => file_line(place),
    };
    Some(Frame { module, function, file, line, in_app: None })
}

/// Takes `java.base@17/` or `app//` off; the slash in the name of a hidden class stays.
fn after_module(name: &str) -> &str {
    let is_hidden = |slash: usize| name[slash + 1..].starts_with(|c: char| c.is_ascii_digit());
    let Some(last) = rfind_byte(name, b'/') else {
        return name;
    };
    let end = if is_hidden(last) { last } else { name.len() };
    rfind_byte(&name[..end], b'/').map_or(name, |slash| &name[slash + 1..])
}

/// The number of frames a cause shares with its effect: `... 12 more`.
fn shared_count(line: &str) -> Option<usize> {
    let rest = line.strip_prefix("... ")?;
    let (count, words) = split_byte(rest, b' ')?;
    (words.starts_with("more") || words.starts_with("common")).then(|| count.parse().ok())?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const CHAIN: &str = "2026-01-02 ERROR [worker-3] 处理失败\n\
        com.shop.PayException: 付款失败\n第二行\n\
        \tat com.shop.Checkout.pay(Checkout.java:40)\n\
        \tat com.shop.Main.main(Main.java:9)\n\
        \tSuppressed: java.io.IOException: close\n\
        \t\tat com.shop.Socket.close(Socket.java:3)\n\
        Caused by: java.lang.NullPointerException: cart is null\n\
        \tat java.base/java.util.Objects.requireNonNull(Objects.java:246)\n\
        \tat com.shop.Cart.total(Cart.kt:12)\n\
        \t... 1 more\n";

    #[test]
    fn the_innermost_cause_counts_and_gets_the_shared_frames() {
        let trace = parse(CHAIN).unwrap();
        assert_eq!(trace.exception, "java.lang.NullPointerException");
        assert_eq!((trace.message, trace.effect), ("cart is null", "付款失败\n第二行"));
        let names: Vec<_> = trace.frames.iter().map(|frame| frame.function).collect();
        assert_eq!(names, ["requireNonNull", "total", "main"]);
        assert_eq!(trace.frames[0].module, "java.util.Objects");
        assert_eq!((trace.frames[1].file, trace.frames[1].line), ("Cart.kt", 12));
    }

    #[test]
    fn a_message_may_have_several_lines() {
        let head = &CHAIN[..CHAIN.find("Caused by").unwrap()];
        let trace = parse(head).unwrap();
        assert_eq!(trace.message, "付款失败\n第二行");
        assert_eq!(trace.frames.len(), 2);
    }

    #[test]
    fn the_second_trace_of_a_log_is_another_story() {
        let log = "a.BError: x\n\tat a.B.c(B.java:1)\nINFO going on\na.CError\n\tat a.D.e(D.java:1)\n";
        assert_eq!(parse(log).unwrap().frames.len(), 1);
    }
}
