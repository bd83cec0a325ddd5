//! Which language a text is of: the first line that only one runtime prints decides. The order of the checks matters, because some lines look
//! alike in two languages.

use super::location::{after_log_prefix, has_line_and_column, split_number};
use super::search::{after, find_byte, has, has_byte, lines, trim, trim_start};
use super::{Language, anr, apple, dart, gdb, hotspot, unreal, windows};

/// The family of a text, or `None` where no line looks like a frame.
#[must_use]
pub fn language(text: &str, platform: &str) -> Option<Language> {
    if has(platform, "kernel") {
        return Some(Language::Kernel);
    }
    lines(text).find_map(of_line)
}

fn of_line(line: &str) -> Option<Language> {
    if line.starts_with('[') && unreal::is_frame(line) {
        return Some(Language::Unreal);
    }
    if line.starts_with("# ") && hotspot::is_title(line) {
        return Some(Language::HotSpot);
    }
    let line = trim(after_log_prefix(line));
    match line.as_bytes().first()? {
        b'a' if line.starts_with("at ") => of_at(trim(&line[3..])),
        b'"' if anr::is_thread(line) => Some(Language::Threads),
        b'F' if is_python(line) => Some(Language::Python),
        // The margin of an exception group.
        b'|' if is_python(line[1..].trim_start_matches(['|', ' '])) => Some(Language::Python),
        b'#' => of_numbered(line),
        b'g' if line.starts_with("goroutine ") && line.ends_with(':') => Some(Language::Go),
        b't' if line.starts_with("thread '") && has(line, "panicked at") => Some(Language::Rust),
        b's' if line == "stack traceback:" => Some(Language::Lua),
        b's' if line == "stack backtrace:" => Some(Language::Rust),
        b'C' if matches!(line, "Call Trace:" | "Call trace:") => Some(Language::Kernel),
        b'B' if line.starts_with("BUG: K") => Some(Language::Kernel),
        b'*' if line.starts_with("* frame #") => Some(Language::Native),
        b'=' if has(line, "==ERROR: ") || has(line, "==WARNING: ") => Some(Language::Native),
        b'f' if line.starts_with("frame #") || line.starts_with("from ") => of_other(line),
        _ => of_other(line),
    }
}

fn is_python(line: &str) -> bool {
    line.starts_with("File \"") && has(line, "\", line ")
}

/// `at …` is printed by Java, .NET and the V8 family; the place in brackets tells them apart.
fn of_at(rest: &str) -> Option<Language> {
    let bare = rest.strip_suffix(')').unwrap_or(rest);
    if has_line_and_column(bare) || bare.ends_with("<anonymous>") || bare.ends_with("(native") {
        return Some(Language::JavaScript);
    }
    if is_java(rest) {
        return Some(Language::Java);
    }
    if has(rest, "(webpack") || has(rest, "(node:") || rest.starts_with("async ") || has(rest, ".js:") || has(rest, ".js)") {
        return Some(Language::JavaScript);
    }
    // `at` is a word of many messages; .NET goes on with a dotted name, then arguments or nothing.
    let end = rest.find([' ', '(']).unwrap_or(rest.len());
    let after = trim_start(&rest[end..]);
    let is_net = has_byte(&rest[..end], b'.') && (after.is_empty() || after.starts_with(['(', '[']) || after.starts_with("in "));
    (is_net && !rest.starts_with(['[', '{', '/', '"']) || rest.starts_with("(wrapper ")).then_some(Language::CSharp)
}

/// Java prints `pkg.Class.method(File.java:12)`: one word, then a place without a space before it.
fn is_java(rest: &str) -> bool {
    let Some(open) = find_byte(rest, b'(') else {
        return false;
    };
    let (name, place) = (&rest[..open], &rest[open + 1..]);
    let Some(close) = find_byte(place, b')') else {
        return false;
    };
    let (place, after) = (&place[..close], &place[close + 1..]);
    if has_byte(name, b' ') || !has_byte(name, b'.') || has(after, ":line ") {
        return false;
    }
    let is_place = place.starts_with("Native ")
        || place.starts_with("Unknown Source")
        || place.starts_with("SourceFile")
        || place.starts_with('<')
        || split_number(place).is_some();
    let is_file = [".java", ".kt", ".scala", ".groovy", ".clj"].iter().any(|ending| place.ends_with(ending));
    is_place || is_file
}

/// `#N` begins a frame of gdb, sanitizers and tombstones, but also of PHP and Dart.
fn of_numbered(line: &str) -> Option<Language> {
    let rest = after(&line[1..], u8::is_ascii_digit);
    if rest.len() == line.len() - 1 || !rest.starts_with(' ') {
        return None;
    }
    let rest = trim_start(rest);
    if has(rest, "(package:") || has(rest, "(dart:") || has(rest, " _kDart") {
        return Some(Language::Dart);
    }
    let is_php = rest == "{main}" || rest.starts_with("[internal function]") || has(rest, ".php");
    Some(if is_php { Language::Php } else { Language::Native })
}

fn of_other(line: &str) -> Option<Language> {
    if is_gecko(line) {
        return Some(Language::JavaScript);
    }
    if has(line, ".rb:") && (has(line, ":in `") || has(line, ":in '")) {
        return Some(Language::Ruby);
    }
    if super::csharp::is_unity(line) {
        return Some(Language::CSharp);
    }
    if dart::is_web_frame(line) {
        return Some(Language::Dart);
    }
    (apple::is_frame(line) || gdb::is_bare(line) || windows::frame_of(line).is_some()).then_some(Language::Native)
}

/// Firefox and Safari print `function@place:line[:column]`.
fn is_gecko(line: &str) -> bool {
    find_byte(line, b'@').is_some_and(|at| {
        let place = &line[at + 1..];
        let is_url = has(place, "://") || place.ends_with("[native code]") || has_line_and_column(place) || has(place, ".js:");
        is_url && !has_byte(&line[..at], b' ') && (split_number(place).is_some() || place.ends_with(']'))
    })
}
