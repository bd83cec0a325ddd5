//! Frames numbered with `#`, as gdb, lldb, the sanitizers and Android's tombstones print them, and
//! the bare ones of `backtrace()`.

use super::Frame;
use super::location::file_line;
use super::search::{after, before, find, has, has_byte, rfind_byte, rsplit, split, split_byte, trim, trim_end, trim_start, without};

/// Splits `#3  rest` (also `* frame #3: rest`) into number and rest.
#[must_use]
pub fn number(line: &str) -> Option<(u32, &str)> {
    let line = without(line, "* ");
    let rest = line.strip_prefix("frame ").unwrap_or(line).strip_prefix('#')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    if digits == 0 || digits > 5 {
        return None;
    }
    let number = rest[..digits].parse().ok()?;
    Some((number, rest[digits..].trim_start_matches(':').trim_start()))
}

/// Reads what follows the number.
#[must_use]
pub fn frame_of(rest: &str) -> Option<Frame<'_>> {
    if let Some(pc) = rest.strip_prefix("pc ") {
        return Some(tombstone(pc));
    }
    let after = without_address(rest);
    if let Some((library, place)) = split_byte(after, b'`')
        && !library.is_empty()
        && !has_byte(library, b' ')
    {
        return Some(lldb(library, place));
    }
    let is_symbol = after.len() < rest.len();
    let body = after.strip_prefix("in ").or_else(|| after.strip_prefix("at ")).unwrap_or(after);
    let is_place = after.starts_with('(') || !has_byte(after, b' ');
    Some(if is_symbol && is_place && body.len() == after.len() { unnamed(after) } else { named(body) })
}

/// Takes `0x7fff… ` off.
fn without_address(rest: &str) -> &str {
    match rest.strip_prefix("0x") {
        Some(hex) => after(hex, u8::is_ascii_hexdigit).trim_start(),
        None => rest,
    }
}

/// A frame of which only the place is known: `(/lib/libc.so.6+0x2f)` or `/src/a.S:345`.
fn unnamed(rest: &str) -> Frame<'_> {
    let place = rest.trim_start_matches('(');
    match find(place, "+0x") {
        Some(plus) => Frame { module: trim(&place[..plus]), ..Frame::default() },
        None => {
            let (file, line) = file_line(place.trim_end_matches(')').trim());
            Frame { file, line, ..Frame::default() }
        }
    }
}

/// `func(args) /src/a.cc:12:3`, `func (a=1) at a.c:12`, `func () from /lib/x.so`, `/lib/x.dll func`.
fn named(body: &str) -> Frame<'_> {
    let body = strip_build_id(body);
    match place_word(body) {
        Some((function, " from ", library)) => return Frame { function: trim(function), module: trim(library), ..Frame::default() },
        Some((function, _, place)) => {
            let (file, line) = file_line(trim(place));
            return Frame { function: trim(function), file, line, ..Frame::default() };
        }
        None => {}
    }
    let Some(space) = place_start(body) else {
        return library_first(body);
    };
    let (function, place) = (trim(&body[..space]), trim(&body[space..]));
    if let Some(inner) = place.strip_prefix('(') {
        let inner = inner.trim_end_matches(')');
        if let Some((library, _)) = split(inner, "+0x") {
            return Frame { function, module: library, ..Frame::default() };
        }
        let (file, line) = file_line(inner);
        return Frame { function, file, line, ..Frame::default() };
    }
    let (file, line) = file_line(place);
    Frame { function, file, line, ..Frame::default() }
}

/// Splits at the last ` from ` or ` at `, by looking at the spaces from the end: mostly it is the last.
fn place_word(body: &str) -> Option<(&str, &'static str, &str)> {
    let bytes = body.as_bytes();
    let mut end = bytes.len();
    while let Some(space) = bytes[..end].iter().rposition(|b| *b == b' ') {
        for word in [" from ", " at "] {
            if bytes[..=space].ends_with(word.as_bytes()) {
                return Some((&body[..=space - (word.len() - 1)], word, &body[space + 1..]));
            }
        }
        // A path in full needs no word before it.
        if bytes.get(space + 1) == Some(&b'/') {
            return None;
        }
        end = space;
    }
    None
}

/// Where the place begins after a function: the last space that no bracket holds.
fn place_start(body: &str) -> Option<usize> {
    let space = rfind_byte(body, b' ')?;
    let last = &body[space + 1..];
    let is_bracket = last.starts_with('(') && last.ends_with(')') && last.contains(['.', '/', '\\', '+']);
    let is_path = last.starts_with(['/', '.']) || has(last, ":\\") || (file_line(last).1 > 0 && !has(last, "::"));
    (is_bracket || is_path || last.starts_with("<null>")).then_some(space)
}

/// `/usr/lib/dyld dyld::link` has the library first; a plain function has none.
fn library_first(body: &str) -> Frame<'_> {
    if let Some((library, function)) = split_byte(body, b' ') {
        let ends = [".dll", ".exe", ".dylib", ".so", ".framework"];
        let is_library =
            library.starts_with('/') || has(library, ":\\") || ends.iter().any(|end| library.to_ascii_lowercase().ends_with(end));
        if is_library && !function.is_empty() {
            return Frame { function: trim(function), module: library, ..Frame::default() };
        }
    }
    Frame { function: trim(body), ..Frame::default() }
}

/// `000000000004793e  /system/lib/libc.so (pthread_mutex_lock+1) (BuildId: …)`.
fn tombstone(rest: &str) -> Frame<'_> {
    let rest = strip_build_id(trim_start(rest));
    let rest = after(rest, u8::is_ascii_hexdigit).trim_start();
    let Some(open) = find(rest, " (") else {
        return Frame { module: trim(rest), ..Frame::default() };
    };
    let symbol = trim_end(&rest[open + 2..]).trim_end_matches(')');
    if symbol.starts_with("offset ") {
        return Frame { module: trim(&rest[..open]), ..Frame::default() };
    }
    let symbol = &rest[open + 2..];
    let symbol = rfind_byte(symbol, b'+').map_or(symbol.trim_end_matches(')'), |plus| &symbol[..plus]);
    Frame { module: trim(&rest[..open]), function: symbol, ..Frame::default() }
}

fn lldb<'a>(library: &'a str, place: &'a str) -> Frame<'a> {
    let (function, place) = rsplit(place, " at ").unwrap_or((place, ""));
    let function = before(function, " + ");
    let (file, line) = file_line(place);
    Frame { module: library, function, file, line, in_app: None }
}

fn strip_build_id(body: &str) -> &str {
    if !body.ends_with(')') {
        return body;
    }
    find(body, " (BuildId: ").map_or(body, |at| &body[..at])
}

/// Whether a line is a frame without a number.
#[must_use]
pub fn is_bare(line: &str) -> bool {
    bare(line).is_some()
}

/// `libfoo.so(func+0x12)[0x7f…]`.
#[must_use]
pub fn bare(line: &str) -> Option<Frame<'_>> {
    // The address in brackets is broken onto the next line by some.
    let is_whole = line.ends_with(']') && has(line, "[0x");
    let is_broken = line.starts_with('/') && line.ends_with(')') && has(line, "+0x");
    if !is_whole && !is_broken {
        return None;
    }
    let (module, rest) = split_byte(line, b'(')?;
    let function = rest.split(['+', ')']).next().unwrap_or("");
    (!has_byte(module, b' ')).then_some(Frame { module, function, ..Frame::default() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(line: &str) -> Frame<'_> {
        frame_of(number(line).unwrap().1).unwrap()
    }

    #[test]
    fn gdb_frames() {
        let frame = read("#1  0x00005555 in shop::Cart<int>::total (this=0x1, id=2) at /src/cart.cc:40");
        assert_eq!((frame.file, frame.line), ("/src/cart.cc", 40));
        assert!(frame.function.starts_with("shop::Cart<int>::total"));
        let frame = read("#2  __GI_raise (sig=6) from /lib/libc.so.6");
        assert_eq!(frame.module, "/lib/libc.so.6");
        let frame = read("#1  C:\\WINDOWS\\System32\\ucrtbase.dll raise");
        assert_eq!((frame.module, frame.function), ("C:\\WINDOWS\\System32\\ucrtbase.dll", "raise"));
        assert_eq!(read("* frame #0: 0x01 Shop`-[Cart total] at Cart.m:12").function, "-[Cart total]");
    }

    #[test]
    fn libc_frames() {
        assert_eq!(bare("/lib/libc.so.6(abort+0x12)[0x7f01]").unwrap().function, "abort");
        assert_eq!(bare("/opt/shop/libcart.so(total(int)+0x12)").unwrap().module, "/opt/shop/libcart.so");
        assert!(bare("what a day! really").is_none());
    }
}
