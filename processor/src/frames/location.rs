//! The small readings all parsers share: places in files, exception headers, log prefixes.

use super::search::{find_byte, rfind_any, rfind_either, trim, trim_start};

/// The first `limit` bytes of a text, cut at a character boundary.
#[must_use]
pub fn head(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Splits `path:12:5` or `path:12` into path and line; a path without a number has line 0.
#[must_use]
pub fn file_line(place: &str) -> (&str, u32) {
    let Some((rest, last)) = split_number(place) else {
        return (place, 0);
    };
    match split_number(rest) {
        Some((path, line)) => (path, line),
        None => (rest, last),
    }
}

/// Splits a trailing `:digits` off.
#[must_use]
pub fn split_number(place: &str) -> Option<(&str, u32)> {
    let bytes = place.as_bytes();
    let start = bytes.iter().rposition(|b| !b.is_ascii_digit())?;
    if bytes[start] != b':' || start + 1 == bytes.len() {
        return None;
    }
    Some((&place[..start], place[start + 1..].parse().unwrap_or(u32::MAX)))
}

/// Whether a place ends in `:line:column`, as every JavaScript engine of today prints.
#[must_use]
pub fn has_line_and_column(place: &str) -> bool {
    split_number(place).is_some_and(|(rest, _)| split_number(rest).is_some())
}

/// The last component of a path with either kind of separator.
#[must_use]
pub fn base_name(path: &str) -> &str {
    let path = path.trim_end_matches(['/', '\\']);
    rfind_either(path, b'/', b'\\').map_or(path, |at| &path[at + 1..])
}

/// Reads `Name: message` where the name is a dotted identifier that looks like an exception class.
///
/// Runtimes print the header bare; loggers put words before it, so the name may begin at any word.
#[must_use]
pub fn exception_header(line: &str) -> Option<(&str, &str)> {
    let line = trim(line);
    let mut start = 0;
    for _ in 0..24 {
        let rest = &line[start..];
        let end = rest.find(|c: char| !is_name_char(c)).unwrap_or(rest.len());
        let name = &rest[..end];
        let after = &rest[end..];
        let ends_here = after.is_empty() || after.starts_with(':') || trim_start(after).is_empty();
        if ends_here && is_exception_name(name) {
            return Some((name, after.trim_start_matches(':').trim()));
        }
        start += end + after.find([' ', '\t', '[', '"'])? + 1;
    }
    None
}

/// Whether a name reads like an exception class: `java.io.IOException`, `TypeError`, `SIGSEGV`.
#[must_use]
pub fn is_exception_name(name: &str) -> bool {
    let last = rfind_any(name, *b".$/").map_or(name, |at| &name[at + 1..]);
    if last.len() < 3 || !last.starts_with(|c: char| c.is_ascii_uppercase()) {
        return false;
    }
    const ENDINGS: [&str; 10] =
        ["Exception", "Error", "TableError", "Throwable", "Fault", "Warning", "Interrupt", "Exit", "ThreadDeath", "Abort"];
    ENDINGS.iter().any(|ending| last.ends_with(ending)) && !name.starts_with('.')
}

fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '$' | '/' | '-')
}

/// The text after a `[  12.345678][ T12]` or logcat prefix, where a line has one.
#[must_use]
pub fn after_log_prefix(line: &str) -> &str {
    if let Some(rest) = after_logcat(line) {
        return rest;
    }
    if let Some(rest) = after_clock(line) {
        return rest;
    }
    let mut rest = line;
    loop {
        let Some(inner) = trim_start(rest).strip_prefix('[') else { return rest };
        let Some(close) = find_byte(inner, b']') else { return rest };
        let is_stamp = inner[..close].bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'.' | b'T' | b'C'));
        if !is_stamp || close == 0 {
            return rest;
        }
        rest = &inner[close + 1..];
    }
}

/// `[10:16:34] [main/INFO]: [java.lang.Throwable:printStackTrace:682]: text`.
fn after_clock(line: &str) -> Option<&str> {
    let is_clock = |inside: &str| inside.len() >= 8 && inside.as_bytes()[2] == b':' && inside.as_bytes()[5] == b':';
    let mut rest = line.strip_prefix('[')?;
    let mut close = find_byte(rest, b']')?;
    if !is_clock(&rest[..close]) {
        return None;
    }
    loop {
        let after = &rest[close + 1..];
        let next = after.trim_start_matches([':', ' ']);
        match next.strip_prefix('[').and_then(|inner| Some((inner, find_byte(inner, b']')?))) {
            Some(found) if next.len() < after.len() => (rest, close) = found,
            _ => return Some(next),
        }
    }
}

/// `07-04 10:16:34.898  5368  5368 E Tag   : text`, `E/Tag( 812): text`, `E Tag: text`.
fn after_logcat(line: &str) -> Option<&str> {
    let is_head = |b: &u8| b.is_ascii_digit() || matches!(b, b'V' | b'D' | b'I' | b'W' | b'E' | b'F');
    if !line.as_bytes().first().is_some_and(is_head) {
        return None;
    }
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | ' '));
    let tag = rest.strip_prefix(['V', 'D', 'I', 'W', 'E', 'F'])?.strip_prefix([' ', '/'])?;
    let end = tag.find([' ', ':', '('])?;
    let after = trim_start(&tag[end..]);
    let after = match after.strip_prefix('(') {
        Some(pid) => trim_start(pid).trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix(')')?,
        None => after,
    };
    let text = after.strip_prefix(':')?;
    (end > 0).then(|| text.strip_prefix(' ').unwrap_or(text))
}

/// The part of `text` from the start of one of its slices to the end of another.
#[must_use]
pub fn span<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let base = text.as_ptr() as usize;
    let start = (from.as_ptr() as usize).wrapping_sub(base);
    let end = (to.as_ptr() as usize).wrapping_sub(base).wrapping_add(to.len());
    text.get(start..end).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_gives_file_and_line_with_or_without_a_column() {
        assert_eq!(file_line("https://shop.cn/app.js:12:5"), ("https://shop.cn/app.js", 12));
        assert_eq!(file_line("Cart.java:77"), ("Cart.java", 77));
        assert_eq!(file_line("C:\\src\\购物车.cs"), ("C:\\src\\购物车.cs", 0));
    }

    #[test]
    fn a_header_is_found_after_the_words_a_logger_puts_before_it() {
        let found = exception_header("Exception in thread \"main\" java.io.IOException: 磁盘已满");
        assert_eq!(found, Some(("java.io.IOException", "磁盘已满")));
        assert_eq!(exception_header("TypeError"), Some(("TypeError", "")));
        assert_eq!(exception_header("an ordinary line, of words"), None);
    }

    #[test]
    fn kernel_and_logcat_prefixes_are_taken_off() {
        assert_eq!(after_log_prefix("[   35.04][ T5851] Call Trace:").trim(), "Call Trace:");
        assert_eq!(after_log_prefix("E/AndroidRuntime( 812): \tat a.b(C.java:1)").trim(), "at a.b(C.java:1)");
    }

    #[test]
    fn every_form_of_logcat_is_known() {
        assert_eq!(after_log_prefix("07-04 10:16:34.898  5368  5368 W System.err: java.io.IOException: x"), "java.io.IOException: x");
        assert_eq!(after_log_prefix("E ACRA    : \tat a.b(C.java:1)"), "\tat a.b(C.java:1)");
        assert_eq!(after_log_prefix("Error: 磁盘"), "Error: 磁盘");
        assert_eq!(after_log_prefix("[10:16:34] [main/INFO]: [a.B:c:12]: \tat a.b(C.java:1)"), "\tat a.b(C.java:1)");
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(head("崩溃", 4), "崩");
    }
}
