//! Lua: `cart.lua:12: attempt to …`, then `stack traceback:` and `cart.lua:12: in function 'total'`.

use super::location::file_line;
use super::search::{before_byte, has_byte, rsplit, split, trim_end};
use super::{Frame, Language, Trace};

/// Reads the last traceback of a text: of errors that one another's handlers raised it is the one that got out.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::Lua);
    let (head, frames) = rsplit(text, "stack traceback:")?;
    let said = trim_end(head).rsplit('\n').next().unwrap_or("").trim();
    trace.exception = "lua error";
    trace.message = message(said);
    for line in frames.lines().map(str::trim) {
        if let Some((place, what)) = split(line, ": in ") {
            trace.push(frame(place, what));
        }
    }
    trace.found()
}

/// `lua: cart.lua:12: attempt to …`: the place is the top frame's, the words before it the host's.
fn message(said: &str) -> &str {
    let mut rest = said;
    while let Some((place, after)) = split(rest, ": ") {
        let is_host = !has_byte(place, b' ') && !place.contains(['\'', '"']);
        if file_line(place).1 == 0 && !(is_host && has_place(after)) {
            break;
        }
        rest = after;
    }
    rest
}

fn has_place(text: &str) -> bool {
    split(text, ": ").is_some_and(|(place, _)| file_line(place).1 > 0)
}

/// `function 'total'`, `method 'Cart:total'`, `function <cart.lua:10>`, `main chunk`, `upvalue 'f'`.
fn frame<'a>(place: &'a str, what: &'a str) -> Frame<'a> {
    let (file, line) = file_line(place);
    let file = file.strip_prefix("[string \"").map_or(file, |chunk| chunk.trim_end_matches([']', '"']));
    let function = match what.find(['\'', '`']) {
        Some(open) => before_byte(&what[open + 1..], b'\''),
        // `<cart.lua:10>` says by the line where it begins; `?` and `main chunk` say nothing.
        None if what.contains(['<', '?', ' ']) => "",
        None => what,
    };
    Frame { module: file, function, file, line, in_app: None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_traceback_with_methods_chunks_and_c() {
        let text = "lua: scripts/cart.lua:12: 购物车 is nil\nstack traceback:\n\t[C]: in function 'error'\n\tscripts/cart.lua:12: in method 'total'\n\
            \t[string \"main.lua\"]:3: in function <[string \"main.lua\"]:1>\n\t(...tail calls...)\n\tmain.lua:9: in main chunk\n\t[C]: in ?\n";
        let trace = parse(text).unwrap();
        assert_eq!((trace.exception, trace.message), ("lua error", "购物车 is nil"));
        let names: Vec<_> = trace.frames.iter().map(|frame| (frame.module, frame.function)).collect();
        assert_eq!(names, [("[C]", "error"), ("scripts/cart.lua", "total"), ("main.lua", ""), ("main.lua", ""), ("[C]", "")]);
    }
}
