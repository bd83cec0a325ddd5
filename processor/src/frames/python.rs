//! Python: `File "shop/cart.py", line 12, in total`, outermost first.
//!
//! Of a chain the last traceback counts: it is the one that was not handled.

use super::location::exception_header;
use super::search::{find_byte, has_byte, lines, rfind, rfind_either, split, trim, trim_start};
use super::{Frame, Language, Trace};

/// Reads the last traceback of a text.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::Python);
    let mut is_open = false;
    let mut before: Option<&str> = None;
    for raw in lines(text) {
        let bare = trim_start(raw);
        let has_margin = bare.starts_with(['|', '+']);
        let line = if has_margin { without_margin(bare, raw) } else { raw };
        let trimmed = trim(line);
        if let Some(number) = has_margin.then(|| member_of_group(bare)).flatten() {
            // Of a group's members the first counts; what is printed before it is the group's own.
            if number != 1 {
                break;
            }
            is_open = true;
        } else if trimmed.ends_with("Traceback (most recent call last):") {
            trace.frames.clear();
            (trace.exception, trace.message) = before.and_then(exception_header).unwrap_or(("", ""));
            is_open = true;
        } else if let Some(frame) = frame_of(trimmed) {
            trace.push(frame);
            is_open = true;
        } else if is_open && !line.starts_with([' ', '\t']) && !trimmed.is_empty() {
            (trace.exception, trace.message) = verdict(trimmed);
            is_open = false;
        }
        before = (!trimmed.is_empty()).then_some(trimmed).or(before);
    }
    trace.frames.reverse();
    trace.found()
}

/// The line after the frames: `ValueError: text`, `shop.errors.Empty`, or a bare word.
fn verdict(line: &str) -> (&str, &str) {
    if let Some(found) = exception_header(line).filter(|(name, _)| line.starts_with(name)) {
        return found;
    }
    match split(line, ": ") {
        Some((name, message)) if !has_byte(name, b' ') => (name, trim(message)),
        _ if !has_byte(line, b' ') => (line, ""),
        _ => ("", line),
    }
}

/// Exception groups draw a margin of bars before each line.
fn without_margin<'a>(bare: &'a str, line: &'a str) -> &'a str {
    match bare.strip_prefix('|') {
        Some(inner) => inner.strip_prefix(' ').unwrap_or(inner),
        None if bare.starts_with("+ Exception Group Traceback") => &bare[2..],
        None => line,
    }
}

/// `+-+---------------- 2 ----------------` opens the second member of a group.
fn member_of_group(line: &str) -> Option<u32> {
    let bars = trim(line).strip_prefix('+')?.strip_suffix("----------------")?;
    let number = bars.trim_start_matches(['+', '-', ' ']).trim_end_matches(['-', ' ']);
    number.parse().ok()
}

fn frame_of(line: &str) -> Option<Frame<'_>> {
    let rest = line.strip_prefix("File \"")?;
    let quote = find_byte(rest, b'"')?;
    let (file, rest) = (&rest[..quote], rest[quote + 1..].strip_prefix(", line ")?);
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let function = rest[digits..].strip_prefix(", in ").unwrap_or("");
    Some(Frame { module: module_of(file), function, file, line: rest[..digits].parse().unwrap_or(0), in_app: None })
}

/// The part of a path that stays when the program is installed elsewhere: below `site-packages`,
/// below `lib/python3.x`, or the last two components.
fn module_of(file: &str) -> &str {
    if let Some(at) = rfind(file, "-packages") {
        let (folder, rest) = (&file[..at], &file[at + "-packages".len()..]);
        if (folder.ends_with("site") || folder.ends_with("dist")) && rest.starts_with(['/', '\\']) {
            return strip_source(&rest[1..]);
        }
    }
    if let Some(at) = rfind(file, "/lib/python") {
        let rest = &file[at + "/lib/python".len()..];
        return strip_source(find_byte(rest, b'/').map_or(rest, |slash| &rest[slash + 1..]));
    }
    let mut cut = file.len();
    for _ in 0..2 {
        cut = rfind_either(&file[..cut], b'/', b'\\').unwrap_or(0);
    }
    strip_source(file[cut..].trim_start_matches(['/', '\\', '.']))
}

fn strip_source(path: &str) -> &str {
    path.strip_suffix(".py").or_else(|| path.strip_suffix(".pyc")).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_last_traceback_counts_innermost_first() {
        let text = "Traceback (most recent call last):\n  File \"/srv/a/shop/db.py\", line 3, in read\n    x()\nKeyError: 'id'\n\n\
            During handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  \
            File \"/srv/a/shop/main.py\", line 9, in <module>\n    run()\n  File \"/usr/lib/python3.12/site-packages/pay/卡.py\", line 4, in 付款\nshop.errors.PayError: 卡 invalid\n";
        let trace = parse(text).unwrap();
        assert_eq!((trace.exception, trace.message), ("shop.errors.PayError", "卡 invalid"));
        assert_eq!((trace.frames[0].module, trace.frames[0].function), ("pay/卡", "付款"));
        assert_eq!((trace.frames[1].module, trace.frames[1].line), ("shop/main", 9));
    }

    #[test]
    fn of_a_group_the_first_member_counts() {
        let text = "  + Exception Group Traceback (most recent call last):\n  |   File \"/srv/shop/main.py\", line 9, in run\n  |     g()\n  \
            | ExceptionGroup: 订单 (2 sub-exceptions)\n  +-+---------------- 1 ----------------\n    | Traceback (most recent call last):\n    \
            |   File \"/srv/shop/cart.py\", line 3, in total\n    |     x()\n    | KeyError: 'id'\n    +---------------- 2 ----------------\n    \
            | Traceback (most recent call last):\n    |   File \"/srv/shop/pay.py\", line 3, in pay\n    | ValueError: x\n    +------------------------------------\n";
        let trace = parse(text).unwrap();
        assert_eq!((trace.exception, trace.frames[0].function, trace.frames.len()), ("KeyError", "total", 1));
    }

    #[test]
    fn an_exception_printed_before_its_traceback_is_kept() {
        let text = "KeyError: (1, 0)\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\n";
        let trace = parse(text).unwrap();
        assert_eq!(trace.exception, "KeyError");
        assert_eq!(trace.frames.len(), 1);
    }
}
