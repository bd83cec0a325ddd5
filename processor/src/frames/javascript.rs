//! JavaScript: V8 (`at f (app.js:1:2)`) and SpiderMonkey / JavaScriptCore (`f@app.js:1:2`).

use super::location::{exception_header, file_line, split_number};
use super::search::{find, find_byte, find_either, has, has_byte, lines, rfind, rsplit, split, trim};
use super::{Frame, Language, Trace};

/// Reads the first stack of a text.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::JavaScript);
    for raw in lines(text) {
        let line = trim(raw);
        if let Some(frame) = frame_of(line) {
            trace.push(frame);
        } else if trace.frames.is_empty() && trace.exception.is_empty() && !line.is_empty() {
            header(&mut trace, line);
        } else if line.starts_with("Caused by: ") || line.starts_with("[cause]: ") {
            // The cause is the fault; what it led to was read first.
            trace.frames.clear();
            header(&mut trace, split(line, ": ").map_or("", |(_, rest)| rest));
        }
    }
    trace.found()
}

fn header<'a>(trace: &mut Trace<'a>, line: &'a str) {
    let line = line.strip_prefix("Uncaught ").unwrap_or(line);
    if let Some((exception, message)) = exception_header(line) {
        (trace.exception, trace.message) = (exception, message);
    } else if trace.message.is_empty() {
        trace.message = line;
    }
}

fn frame_of(line: &str) -> Option<Frame<'_>> {
    match line.strip_prefix("at ") {
        Some(rest) => v8(trim(rest)),
        None => gecko(line),
    }
}

fn v8(rest: &str) -> Option<Frame<'_>> {
    let rest = rest.strip_prefix("async ").unwrap_or(rest);
    let (name, place) = match find(rest, " (") {
        Some(open) => (&rest[..open], rest[open + 2..].trim_matches(['(', ')'])),
        None if split_number(rest).is_some() || find(rest, "://").is_some() => ("", rest),
        None => (rest, ""),
    };
    let place = if place.starts_with("eval at ") { rsplit(place, ", ").map_or(place, |(_, last)| last) } else { place };
    let place = place.strip_prefix("address at ").unwrap_or(place);
    let name = name.strip_prefix("new ").unwrap_or(name);
    let name = split(name, " [as ").map_or(name, |(name, _)| name);
    Some(frame(name, place))
}

fn gecko(line: &str) -> Option<Frame<'_>> {
    let at = find_byte(line, b'@')?;
    let (name, place) = (&line[..at], &line[at + 1..]);
    let is_place = split_number(place).is_some() || has(place, "://") || place == "[native code]";
    // A mail address in a message has neither a line nor a scheme.
    (is_place && !has_byte(name, b' ')).then(|| frame(name, place))
}

fn frame<'a>(function: &'a str, place: &'a str) -> Frame<'a> {
    let (file, line) = match place {
        "<anonymous>" | "native" | "[native code]" => (place, 0),
        _ => file_line(place),
    };
    Frame { module: path_of(file), function, file, line, in_app: None }
}

/// The path of a URL without scheme, host, query; what follows `node_modules` where that occurs.
fn path_of(file: &str) -> &str {
    let file = find_either(file, b'?', b'#').map_or(file, |at| &file[..at]);
    if let Some(at) = rfind(file, "node_modules/") {
        return &file[at + "node_modules/".len()..];
    }
    match find(file, "://") {
        Some(at) => {
            let rest = &file[at + 3..];
            find_byte(rest, b'/').map_or(rest, |slash| rest[slash..].trim_start_matches(['/', '.']))
        }
        None => file,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn v8_frames_with_and_without_a_name() {
        let text = "TypeError: 无法读取 'x'\n    at new Cart (https://shop.cn/js/app.3f2a.js:1:200)\n    at async Object.pay [as run] (/srv/node_modules/pay/index.js:3:4)\n    at https://shop.cn/js/vendor.js?v=2:5:6";
        let trace = parse(text).unwrap();
        assert_eq!((trace.exception, trace.message), ("TypeError", "无法读取 'x'"));
        assert_eq!((trace.frames[0].function, trace.frames[0].module), ("Cart", "js/app.3f2a.js"));
        assert_eq!((trace.frames[1].function, trace.frames[1].module), ("Object.pay", "pay/index.js"));
        assert_eq!((trace.frames[2].module, trace.frames[2].line), ("js/vendor.js", 5));
    }

    #[test]
    fn firefox_and_safari_frames() {
        let trace = parse("pay@https://shop.cn/a.js:10:3\n@https://shop.cn/a.js:2:1\nforEach@[native code]").unwrap();
        assert_eq!(trace.frames.len(), 3);
        assert_eq!(trace.frames[0].function, "pay");
        assert_eq!(trace.frames[2].file, "[native code]");
    }
}
