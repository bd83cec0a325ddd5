//! Ruby (``app/cart.rb:12:in `total'``) and Lua (`cart.lua:12: in function 'total'`).

use super::location::{exception_header, file_line};
use super::{Frame, Language, Trace};

/// Reads a Ruby backtrace, innermost first as Ruby prints it.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::Ruby);
    for raw in text.lines() {
        let line = raw.trim().trim_start_matches("from ");
        let Some((place, rest)) = line.split_once(":in ") else {
            header(&mut trace, line);
            continue;
        };
        let rest = rest.trim_start_matches(['`', '\'']);
        let (function, after) = rest.split_once('\'').unwrap_or((rest, ""));
        let (file, line) = file_line(place);
        trace.push(Frame { module: file, function, file, line, in_app: None });
        if let Some(message) = after.strip_prefix(": ") {
            ruby_message(&mut trace, message);
        }
    }
    trace.found()
}

/// `message (ClassName)` follows the first frame.
fn ruby_message<'a>(trace: &mut Trace<'a>, message: &'a str) {
    let (message, name) = message.rsplit_once(" (").unwrap_or((message, ""));
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

/// Reads a Lua traceback.
#[must_use]
pub fn parse_lua(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::Lua);
    let (head, frames) = text.split_once("stack traceback:")?;
    let message = head.trim().rsplit('\n').next().unwrap_or("").trim();
    trace.exception = "lua error";
    // `cart.lua:12: attempt to …`: the place is the top frame's.
    trace.message = message.split_once(": ").filter(|(place, _)| file_line(place).1 > 0).map_or(message, |(_, rest)| rest);
    for line in frames.lines().map(str::trim) {
        let Some((place, what)) = line.split_once(": in ") else {
            continue;
        };
        let (file, line) = file_line(place);
        let function = what.rsplit(['\'', '`', ' ']).find(|word| !word.is_empty()).unwrap_or("");
        let function = function.trim_matches(['<', '>']);
        let function = if function.contains(':') { "" } else { function };
        trace.push(Frame { module: file, function, file, line, in_app: None });
    }
    trace.found()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ruby_and_lua_frames() {
        let trace = parse("app/cart.rb:12:in `total': 空的 (NoMethodError)\n\tfrom app/main.rb:3:in `<main>'\n").unwrap();
        assert_eq!((trace.exception, trace.message), ("NoMethodError", "空的"));
        assert_eq!(trace.frames[0].function, "total");
        let trace = parse_lua(
            "lua: cart.lua:12: attempt to index a nil value\nstack traceback:\n\tcart.lua:12: in function 'total'\n\t[C]: in ?\n",
        )
        .unwrap();
        assert_eq!(trace.frames[0].function, "total");
        assert_eq!(trace.frames[0].line, 12);
    }
}
