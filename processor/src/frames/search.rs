//! Searching in texts of one line: what parsers do most, so it is done with the processor's vector instructions.
//!
//! The searches of the standard library prepare themselves for long texts, which costs more than a line takes to read.

/// Where an ASCII sign first occurs.
#[must_use]
pub fn find_byte(text: &str, sign: u8) -> Option<usize> {
    debug_assert!(sign.is_ascii());
    memchr::memchr(sign, text.as_bytes())
}

/// Where an ASCII sign last occurs.
#[must_use]
pub fn rfind_byte(text: &str, sign: u8) -> Option<usize> {
    debug_assert!(sign.is_ascii());
    memchr::memrchr(sign, text.as_bytes())
}

/// Where the last of two ASCII signs occurs.
#[must_use]
pub fn rfind_either(text: &str, a: u8, b: u8) -> Option<usize> {
    debug_assert!(a.is_ascii() && b.is_ascii());
    memchr::memrchr2(a, b, text.as_bytes())
}

/// Where the first of two ASCII signs occurs.
#[must_use]
pub fn find_either(text: &str, a: u8, b: u8) -> Option<usize> {
    debug_assert!(a.is_ascii() && b.is_ascii());
    memchr::memchr2(a, b, text.as_bytes())
}

/// Where the first of three ASCII signs occurs.
#[must_use]
pub fn find_any(text: &str, [a, b, c]: [u8; 3]) -> Option<usize> {
    debug_assert!(a.is_ascii() && b.is_ascii() && c.is_ascii());
    memchr::memchr3(a, b, c, text.as_bytes())
}

/// Where the last of three ASCII signs occurs.
#[must_use]
pub fn rfind_any(text: &str, [a, b, c]: [u8; 3]) -> Option<usize> {
    debug_assert!(a.is_ascii() && b.is_ascii() && c.is_ascii());
    memchr::memrchr3(a, b, c, text.as_bytes())
}

/// Whether an ASCII sign occurs.
#[must_use]
pub fn has_byte(text: &str, sign: u8) -> bool {
    find_byte(text, sign).is_some()
}

/// Where a short ASCII mark first occurs, found by its first sign.
#[must_use]
pub fn find(text: &str, mark: &str) -> Option<usize> {
    let (bytes, mark) = (text.as_bytes(), mark.as_bytes());
    let first = *mark.first()?;
    let mut from = 0;
    while let Some(at) = memchr::memchr(first, &bytes[from..]) {
        from += at;
        if bytes[from..].starts_with(mark) {
            return Some(from);
        }
        from += 1;
    }
    None
}

/// Where a short ASCII mark last occurs, found by its first sign.
#[must_use]
pub fn rfind(text: &str, mark: &str) -> Option<usize> {
    let (bytes, mark) = (text.as_bytes(), mark.as_bytes());
    let first = *mark.first()?;
    let mut end = bytes.len();
    while let Some(at) = memchr::memrchr(first, &bytes[..end]) {
        if bytes[at..].starts_with(mark) {
            return Some(at);
        }
        end = at;
    }
    None
}

/// Whether a short ASCII mark occurs.
#[must_use]
pub fn has(text: &str, mark: &str) -> bool {
    find(text, mark).is_some()
}

/// The text before and after the first place of a mark.
#[must_use]
pub fn split<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    find(text, mark).map(|at| (&text[..at], &text[at + mark.len()..]))
}

/// The text before and after the last place of a mark.
#[must_use]
pub fn rsplit<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    rfind(text, mark).map(|at| (&text[..at], &text[at + mark.len()..]))
}

/// The text before and after the first place of an ASCII sign.
#[must_use]
pub fn split_byte(text: &str, sign: u8) -> Option<(&str, &str)> {
    find_byte(text, sign).map(|at| (&text[..at], &text[at + 1..]))
}

/// The text before and after the last place of an ASCII sign.
#[must_use]
pub fn rsplit_byte(text: &str, sign: u8) -> Option<(&str, &str)> {
    rfind_byte(text, sign).map(|at| (&text[..at], &text[at + 1..]))
}

/// The text before an ASCII sign, all of it where there is none.
#[must_use]
pub fn before_byte(text: &str, sign: u8) -> &str {
    find_byte(text, sign).map_or(text, |at| &text[..at])
}

/// The text before a mark, all of it where there is none.
#[must_use]
pub fn before<'a>(text: &'a str, mark: &str) -> &'a str {
    find(text, mark).map_or(text, |at| &text[..at])
}

/// The text without a mark, or several of it, in front.
#[must_use]
pub fn without<'a>(text: &'a str, mark: &str) -> &'a str {
    let mut rest = text;
    while let Some(after) = rest.strip_prefix(mark) {
        rest = after;
    }
    rest
}

/// The text after the ASCII signs of a kind that it begins with.
#[must_use]
pub fn after(text: &str, is: fn(&u8) -> bool) -> &str {
    let end = text.bytes().position(|b| !(b.is_ascii() && is(&b)));
    &text[end.unwrap_or(text.len())..]
}

/// The lines of a text, as [`str::lines`] cuts them.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(end) = find_byte(rest, b'\n') else {
            return Some(std::mem::take(&mut rest));
        };
        let line = &rest[..end];
        rest = &rest[end + 1..];
        Some(line.strip_suffix('\r').unwrap_or(line))
    })
}

/// The text without white space at its ends, as [`str::trim`] cuts it.
#[must_use]
pub fn trim(text: &str) -> &str {
    trim_start(trim_end(text))
}

/// The text without white space in front, as [`str::trim_start`] cuts it.
#[must_use]
pub fn trim_start(text: &str) -> &str {
    let inner = text.trim_ascii_start();
    // White space beyond ASCII is rare, and dear to look for.
    if inner.as_bytes().first().is_none_or(u8::is_ascii_graphic) { inner } else { inner.trim_start() }
}

/// The text without white space at its end, as [`str::trim_end`] cuts it.
#[must_use]
pub fn trim_end(text: &str) -> &str {
    let inner = text.trim_ascii_end();
    if inner.as_bytes().last().is_none_or(u8::is_ascii_graphic) { inner } else { inner.trim_end() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn marks_are_found_from_either_end() {
        assert_eq!((find("a at b at c", " at "), rfind("a at b at c", " at ")), (Some(1), Some(6)));
        assert_eq!((find("购物车 (x", " ("), find("a a", " at "), rfind("", "x")), (Some(9), None, None));
        assert_eq!((split("a in b", " in "), rsplit("a+0x1+0x2", "+0x")), (Some(("a", "b")), Some(("a+0x1", "2"))));
        assert_eq!(
            (find_byte("购物(车", b'('), rfind_byte("a.b.c", b'.'), rfind_either("a/b\\c", b'/', b'\\')),
            (Some(6), Some(3), Some(3))
        );
    }

    proptest! {
        #[test]
        fn they_cut_as_the_standard_library_does(text in "[ab \t\r\n\u{b}\u{3000}购]{0,24}") {
            prop_assert_eq!(lines(&text).collect::<Vec<_>>(), text.lines().collect::<Vec<_>>());
            prop_assert_eq!(trim(&text), text.trim());
            prop_assert_eq!((find(&text, "ab"), rfind(&text, "ab")), (text.find("ab"), text.rfind("ab")));
        }
    }
}
