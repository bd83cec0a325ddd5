//! Apple crash reports: `3   Shop   0x0000000102 -[Cart total:] + 20 (Cart.m:12)`.

use super::Frame;
use super::location::file_line;
use super::search::{after, find, split, split_byte, trim, trim_start};

/// Whether a line is a frame of an Apple report.
#[must_use]
pub fn is_frame(line: &str) -> bool {
    frame_of(line).is_some()
}

/// Reads number and frame.
#[must_use]
pub fn frame_of(line: &str) -> Option<(u32, Frame<'_>)> {
    let digits = line.find(|c: char| !c.is_ascii_digit())?;
    if digits == 0 || digits > 4 || !line[digits..].starts_with([' ', '\t']) {
        return None;
    }
    let number = line[..digits].parse().ok()?;
    let rest = trim_start(&line[digits..]);
    let at = find(rest, "0x")?;
    let module = trim(&rest[..at]);
    if module.is_empty() || module.contains(['(', '=', ':', ',']) || !rest[..at].ends_with([' ', '\t']) {
        return None;
    }
    let symbol = after(&rest[at + 2..], u8::is_ascii_hexdigit).trim_start();
    if symbol.is_empty() {
        return Some((number, Frame { module, ..Frame::default() }));
    }
    let (function, after) = split(symbol, " + ").unwrap_or((symbol, ""));
    let place = split_byte(after, b'(').map_or("", |(_, place)| place.trim_end_matches(')'));
    let (file, line) = file_line(place);
    // A load address in place of a name says only the library.
    let function = if function.starts_with("0x") { "" } else { function };
    Some((number, Frame { module, function, file, line, in_app: None }))
}
