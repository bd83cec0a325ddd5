//! Windows: the stacks of WinDbg and cdb, and minidumps written out as text.

use super::Frame;
use super::location::file_line;
use super::search::{before, before_byte, find, find_byte, has, has_byte, rsplit, split, trim, trim_end, trim_start};

/// What the codes of Windows are called; a debugger prints either.
const CODES: [(&str, &str); 9] = [
    ("c0000005", "EXCEPTION_ACCESS_VIOLATION"),
    ("c00000fd", "EXCEPTION_STACK_OVERFLOW"),
    ("c0000094", "EXCEPTION_INT_DIVIDE_BY_ZERO"),
    ("c000001d", "EXCEPTION_ILLEGAL_INSTRUCTION"),
    ("c0000409", "EXCEPTION_FAIL_FAST"),
    ("c0000374", "EXCEPTION_HEAP_CORRUPTION"),
    ("c0000006", "EXCEPTION_IN_PAGE_ERROR"),
    ("80000003", "EXCEPTION_BREAKPOINT"),
    ("e06d7363", "C++ exception"),
];

/// Reads `03 0019f7a8 77ab shop!Cart::total+0x12 [d:\src\cart.cpp @ 40]` and ` 0  shop.exe!pay(int) [cart.cpp : 40 + 0x5]`.
#[must_use]
pub fn frame_of(line: &str) -> Option<(Option<u32>, Frame<'_>)> {
    let (number, rest) = numbered(line);
    let Some(bang) = find_byte(rest, b'!') else {
        return number.and_then(|number| unnamed(rest).map(|frame| (Some(number), frame)));
    };
    let module = rest[..bang].rsplit([' ', '\t']).next().unwrap_or("");
    let symbol = &rest[bang + 1..];
    let function = before(symbol, " [");
    let is_certain = number.is_some() || has(symbol, "+0x") || has(symbol, " @ ") || (function.ends_with(')') && !has_byte(function, b' '));
    let is_frame = is_module(module) && is_certain && !function.is_empty() && !function.starts_with(' ');
    is_frame.then(|| (number, of_symbol(module, symbol)))
}

/// Reads what follows `module!`: function, offset and place.
#[must_use]
pub fn of_symbol<'a>(module: &'a str, symbol: &'a str) -> Frame<'a> {
    let (function, place) = find(symbol, " [").map_or((symbol, ""), |at| (&symbol[..at], &symbol[at + 1..]));
    let (file, line) = place_of(place);
    let function = before(function, "+0x");
    let function = if function == "UnknownFunction" { "" } else { function };
    Frame { module, function, file, line, in_app: None }
}

/// Reads the fault a line names, by its name or by its code, and what is said of it.
#[must_use]
pub fn fault(line: &str) -> Option<(&str, &str)> {
    const BY_NAME: [&str; 2] = ["Crash reason: ", "Unhandled Exception: EXCEPTION_"];
    const BY_CODE: [&str; 5] =
        ["EXCEPTION_CODE: ", "ExceptionCode: ", "Exception code: ", "Unhandled exception at ", "Unhandled Exception: 0x"];
    if BY_NAME.iter().any(|mark| line.starts_with(mark)) {
        let text = split(line, ": ").map_or("", |(_, text)| trim(text));
        let name = text.split([' ', '/', ',']).next().unwrap_or("");
        // A minidump says in the name whether memory was read or written.
        return Some((name.trim_end_matches("_READ").trim_end_matches("_WRITE").trim_end_matches("_EXEC"), text));
    }
    BY_CODE.iter().find(|mark| line.starts_with(**mark))?;
    CODES.iter().find(|(code, _)| contains_code(line, code)).map(|(_, name)| (*name, line))
}

fn contains_code(line: &str, code: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.len() >= code.len() && bytes.windows(code.len()).any(|window| window.eq_ignore_ascii_case(code.as_bytes()))
}

/// The number in front, decimal in minidumps and hexadecimal in WinDbg, where there is one.
fn numbered(line: &str) -> (Option<u32>, &str) {
    let line = trim_start(line);
    let end = line.bytes().position(|b| !b.is_ascii_hexdigit()).unwrap_or(line.len());
    if !(1..=3).contains(&end) || !line[end..].starts_with([' ', '\t']) {
        return (None, line);
    }
    match u32::from_str_radix(&line[..end], 16) {
        Ok(number) => (Some(number), trim_start(&line[end..])),
        Err(_) => (None, line),
    }
}

/// `ntdll.dll + 0x12ab` and `0019f7a8 77ab shop+0x1234`: only the library is known.
fn unnamed(rest: &str) -> Option<Frame<'_>> {
    let (head, offset) = rsplit(rest, "0x")?;
    let head = trim_end(head).strip_suffix('+')?.trim_end();
    let module = head.rsplit([' ', '\t']).next().unwrap_or("");
    let is_offset = !offset.is_empty() && offset.bytes().all(|b| b.is_ascii_hexdigit());
    (is_offset && is_module(module) && module.bytes().any(|b| b.is_ascii_alphabetic())).then_some(Frame { module, ..Frame::default() })
}

fn is_module(module: &str) -> bool {
    !module.is_empty() && module.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

/// `[d:\src\cart.cpp @ 40]`, `[cart.cpp : 40 + 0x5]`, `[cart.cpp:40]`.
fn place_of(place: &str) -> (&str, u32) {
    let inner = trim(place).trim_start_matches('[');
    let inner = before_byte(inner, b']').trim();
    for mark in [" @ ", " : "] {
        if let Some((file, line)) = inner.rsplit_once(mark) {
            let digits = line.find(|c: char| !c.is_ascii_digit()).unwrap_or(line.len());
            return (file, line[..digits].parse().unwrap_or(0));
        }
    }
    file_line(inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn frames_of_debuggers_and_of_minidumps() {
        let (number, frame) = frame_of("0a 00000012`fff0 00007ff6`1234 shop!Cart::total+0x12 [d:\\src\\购物车\\cart.cpp @ 40]").unwrap();
        assert_eq!((number, frame.module, frame.function, frame.line), (Some(10), "shop", "Cart::total", 40));
        let (number, frame) = frame_of(" 0  shop.exe!Cart::pay(int, std::vector<int>) [cart.cpp : 40 + 0x5]").unwrap();
        assert_eq!(
            (number, frame.module, frame.function, frame.file),
            (Some(0), "shop.exe", "Cart::pay(int, std::vector<int>)", "cart.cpp")
        );
        assert_eq!(frame_of(" 1  ntdll.dll + 0x12ab").unwrap().1.module, "ntdll.dll");
        assert_eq!(frame_of("03 0019f7a8 7712ab34 shop+0x1234").unwrap().1.module, "shop");
        assert!(frame_of("what a day! really").is_none());
        assert!(frame_of("rip = 0x00007ff6 + 0x12").is_none());
    }

    #[test]
    fn a_fault_has_one_name_whoever_prints_it() {
        assert_eq!(fault("Crash reason:  EXCEPTION_ACCESS_VIOLATION_READ").unwrap().0, "EXCEPTION_ACCESS_VIOLATION");
        assert_eq!(fault("ExceptionCode: c0000005 (Access violation)").unwrap().0, "EXCEPTION_ACCESS_VIOLATION");
        assert_eq!(
            fault("Unhandled exception at 0x00007FF6 in shop.exe: 0xC0000005: Access violation").unwrap().0,
            "EXCEPTION_ACCESS_VIOLATION"
        );
        assert_eq!(fault("Crash reason:  SIGSEGV / SEGV_MAPERR").unwrap().0, "SIGSEGV");
        assert_eq!(
            fault("Unhandled Exception: EXCEPTION_ACCESS_VIOLATION reading address 0x0").unwrap(),
            ("EXCEPTION_ACCESS_VIOLATION", "EXCEPTION_ACCESS_VIOLATION reading address 0x0")
        );
        assert!(fault("Exceptional weather").is_none());
    }
}
