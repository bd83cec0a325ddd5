//! C, C++ and whatever else dies natively: sanitizers, gdb, lldb, tombstones, Apple and Windows.
//!
//! The first block of frames counts (a sanitizer prints the fault before where memory came from);
//! a report that marks its crashed thread is read from that mark.

use super::location::{after_log_prefix, exception_header, span};
use super::search::{before_byte, find, has, has_byte, lines, rfind, split, split_byte, trim, trim_end};
use super::{Frame, Language, Trace, apple, gdb, windows};

/// Reads the crashed thread of a text.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::Native);
    title(text, &mut trace);
    let mut is_ended = false;
    let (crashed, lists_threads) = crashed_part(text);
    // gdb shows the current frame by itself before it lists the threads.
    let mut current: Option<Frame<'_>> = None;
    let mut last = None;
    for raw in lines(crashed) {
        let line = trim(after_log_prefix(raw));
        let Some((number, frame)) = numbered(line) else {
            // A gap between frames that are numbered anew is another thread or the memory's history.
            is_ended |= line.is_empty() && !trace.frames.is_empty();
            last = None;
            continue;
        };
        // Functions inlined into the first frame share its number.
        let is_inlined = number == Some(0) && last == number && !is_ended && !lists_threads;
        last = number;
        let is_other = (number == Some(0) && !is_inlined) || (is_ended && number.is_none());
        if is_other && !trace.frames.is_empty() {
            if !lists_threads || !is_elsewhere(&trace.frames, &mut current) {
                break;
            }
            trace.frames.clear();
        }
        is_ended = false;
        if !is_void(&frame) {
            trace.push(frame);
        }
    }
    if lists_threads && is_elsewhere(&trace.frames, &mut current) {
        trace.frames = current.into_iter().collect();
    }
    trace.found()
}

/// Whether a block is the current frame shown alone, or a thread that is not in it.
fn is_elsewhere<'a>(block: &[Frame<'a>], current: &mut Option<Frame<'a>>) -> bool {
    match current {
        None if block.len() == 1 => {
            *current = block.first().copied();
            true
        }
        None => false,
        Some(frame) => block.first().is_none_or(|first| first.function != frame.function),
    }
}

fn numbered(line: &str) -> Option<(Option<u32>, Frame<'_>)> {
    if let Some((number, rest)) = gdb::number(line.strip_prefix("native: ").unwrap_or(line)) {
        return gdb::frame_of(rest).map(|frame| (Some(number), frame));
    }
    if let Some((number, frame)) = apple::frame_of(line) {
        return Some((Some(number), frame));
    }
    gdb::bare(line).map(|frame| (None, frame)).or_else(|| windows::frame_of(line))
}

fn is_void(frame: &Frame<'_>) -> bool {
    frame.function.is_empty() && frame.module.is_empty() && frame.file.is_empty()
}

/// The text from the mark of the crashed thread on, where there is one, and whether threads are listed.
fn crashed_part(text: &str) -> (&str, bool) {
    let mut marks = [None; 3];
    let mut lists_threads = false;
    for line in lines(text) {
        let mark = match line.as_bytes().first() {
            Some(b'L') if line.starts_with("Last Exception Backtrace:") => 0,
            Some(b'T') if line.starts_with("Thread ") => {
                lists_threads |= line.len() < span(text, text, line).len();
                if !(line.ends_with(" Crashed:") || has(line, " Crashed::") || has(line, "(crashed)")) {
                    continue;
                }
                1
            }
            Some(b'b') if line == "backtrace:" => 2,
            _ => continue,
        };
        marks[mark] = marks[mark].or(Some(line));
    }
    let crashed = marks.into_iter().flatten().next();
    (crashed.map_or(text, |line| span(text, line, &text[text.len()..])), lists_threads)
}

/// The fault as the text names it: a sanitizer's summary, a signal, an Apple exception type.
fn title<'a>(text: &'a str, trace: &mut Trace<'a>) {
    for raw in lines(text).take(400) {
        let line = trim(after_log_prefix(raw));
        if gdb::number(line).is_some() {
            continue;
        }
        if let Some(condition) = assertion(line) {
            (trace.exception, trace.message) = (ASSERTION, condition);
            return;
        }
        if let Some(fault) = sanitizer(line) {
            (trace.exception, trace.message) = (fault, with_access(text, line));
            return;
        }
        if let Some(fault) = undefined(line).or_else(|| library(line)).or_else(|| windows::fault(line)) {
            (trace.exception, trace.message) = fault;
            return;
        }
        let found = line
            .strip_prefix("Exception Type:")
            .or_else(|| line.strip_prefix("Program terminated with signal "))
            .or_else(|| line.strip_prefix("Program received signal "))
            .or_else(|| split(line, "stop reason = ").map(|(_, reason)| reason));
        if let Some(rest) = found {
            let rest = trim(rest);
            // Old versions number the signal and name it after the comma.
            let named = split(rest, ", ").filter(|_| rest.starts_with(|c: char| c.is_ascii_digit()));
            let name = named.map_or_else(|| rest.split([' ', ',', '.']).next().unwrap_or(""), |(_, name)| name.trim_end_matches('.'));
            (trace.exception, trace.message) = (name, rest);
            return;
        }
        if let Some((name, reason)) =
            line.strip_prefix("*** Terminating app due to uncaught exception '").and_then(|rest| split_byte(rest, b'\''))
        {
            (trace.exception, trace.message) = (name, reason.trim_start_matches(", reason: "));
            return;
        }
        if let Some(rest) = line.strip_prefix("signal ")
            && let Some((_, name)) = split_byte(rest, b'(')
        {
            (trace.exception, trace.message) = (before_byte(name, b')'), line);
            return;
        }
        if trace.exception.is_empty()
            && let Some((name, message)) = exception_header(line)
        {
            (trace.exception, trace.message) = (name, message);
        }
    }
}

/// What a failed check is called; its condition says more than the abort that follows.
pub const ASSERTION: &str = "assertion";

fn assertion(line: &str) -> Option<&str> {
    const MARKS: [&str; 6] =
        ["heck failed: ", "Assertion `", "ssertion failed: ", "ASSERT failed: ", "SSERTION FAILED: ", "Assertion failure: "];
    let (at, mark) = MARKS.iter().find_map(|mark| find(line, mark).map(|at| (at, mark)))?;
    let condition = &line[at + mark.len()..];
    let end = ["' failed", " ("].iter().filter_map(|stop| rfind(condition, stop)).next().unwrap_or(condition.len());
    Some(trim(&condition[..end])).filter(|condition| !condition.is_empty())
}

/// How a sanitizer says that memory was read, was written, and that the pointer was null.
pub const READ: &str = "READ ";
pub const WRITE: &str = "WRITE ";
pub const ZERO_PAGE: &str = "address points to the zero page.";

/// The title and, where they follow, the lines that say what was done to memory.
fn with_access<'a>(text: &'a str, title: &'a str) -> &'a str {
    let rest = span(text, title, &text[text.len()..]);
    let says = |line: &&str| line.contains(READ) || line.contains(WRITE) || trim_end(line).ends_with(ZERO_PAGE);
    lines(rest).take(4).filter(says).last().map_or(title, |line| span(text, title, line).trim_end())
}

/// ``*** Error in `shop': double free or corruption: 0x01 ***``, `*** stack smashing detected ***: terminated`.
fn library(line: &str) -> Option<(&str, &str)> {
    let (said, _) = line.strip_prefix("*** ")?.split_once(" ***")?;
    let words = split(said, "': ").map_or(said, |(_, words)| words);
    let words = words.split([':', '(']).next().unwrap_or(words).trim();
    (words.len() > 3 && !words.starts_with('*')).then_some((words, said))
}

/// `cart.cc:12:3: runtime error: load of null pointer of type 'Cart'`: the phrase up to what varies.
fn undefined(line: &str) -> Option<(&str, &str)> {
    let (place, said) = split(line, ": runtime error: ")?;
    let is_place = place.ends_with(|c: char| c.is_ascii_digit()) && !has_byte(place, b' ');
    let ends = [" of type", " for type", " which ", ": ", " by ", ", "].iter().filter_map(|stop| find(said, stop));
    let phrase = &said[..ends.min().unwrap_or(said.len())];
    (is_place && !phrase.is_empty()).then_some((phrase, said))
}

/// `==12==ERROR: AddressSanitizer: heap-use-after-free on …` names the fault by one word.
fn sanitizer(line: &str) -> Option<&str> {
    let at = find(line, "Sanitizer: ")?;
    if !has(&line[..at], "ERROR: ") && !has(&line[..at], "WARNING: ") {
        return None;
    }
    let rest = &line[at + "Sanitizer: ".len()..];
    let end = [" on ", " (", ": "].iter().filter_map(|stop| find(rest, stop)).min().unwrap_or(rest.len());
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_sanitizer_report_gives_the_fault_and_its_first_stack() {
        let text = "==9==ERROR: AddressSanitizer: heap-use-after-free on address 0x602 at pc 0x4\nREAD of size 4\n    #0 0x4db921 in shop::Cart::total(int) /src/cart.cc:12:3\n    #1 0x7f01  (/lib/libc.so.6+0x2f)\n\n0x602 is located 0 bytes inside of\nfreed by thread T0 here:\n    #0 0x49 in free /asan/malloc.cc:3\n";
        let trace = parse(text).unwrap();
        assert_eq!(trace.exception, "heap-use-after-free");
        assert_eq!(trace.frames.len(), 2);
        assert_eq!((trace.frames[0].function, trace.frames[0].file, trace.frames[0].line), ("shop::Cart::total(int)", "/src/cart.cc", 12));
        assert_eq!(trace.frames[1].module, "/lib/libc.so.6");
    }

    #[test]
    fn undefined_behaviour_is_its_phrase() {
        let text = "/src/购物车/cart.cc:12:3: runtime error: index 7 out of bounds for type 'int [4]'\n    #0 0x1 in shop::total(int) /src/cart.cc:12:3\n";
        assert_eq!(parse(text).unwrap().exception, "index 7 out of bounds");
        let text =
            "cart.cc:1:2: runtime error: signed integer overflow: 2147483647 + 1 cannot be represented\n    #0 0x1 in f /src/a.cc:1:3\n";
        assert_eq!(parse(text).unwrap().exception, "signed integer overflow");
    }

    #[test]
    fn the_c_librarys_complaint_is_the_fault() {
        let text = "*** Error in `./购物车': double free or corruption (out): 0x01a2 ***\n/opt/shop/libshop.so(release+0x12)[0x7f01]\n";
        assert_eq!(parse(text).unwrap().exception, "double free or corruption");
        assert!(library("*** *** *** *** ***").is_none());
    }

    #[test]
    fn gdb_shows_the_current_frame_before_the_threads() {
        let text = "Program terminated with signal 11, Segmentation fault.\n#0  pay () at pay.c:3\n\nThread 2 (LWP 9):\n#0  poll () at poll.c:1\n#1  idle () at i.c:2\n\n\
            Thread 1 (LWP 8):\n#0  pay () at pay.c:3\n#1  main () at main.c:9\n";
        let trace = parse(text).unwrap();
        assert_eq!(trace.exception, "Segmentation fault");
        assert_eq!(trace.frames.len(), 2);
        assert_eq!(trace.frames[1].file, "main.c");
    }

    #[test]
    fn a_tombstone() {
        let text = "signal 11 (SIGSEGV), code 1 (SEGV_MAPERR), fault addr 0x0\nbacktrace:\n      #00 pc 000000000004793e  /system/lib64/libc.so (pthread_mutex_lock+1)\n      #01 pc 0001  /data/app/com.shop-1/lib/arm64/libshop.so (shop::pay(int)+20) (BuildId: ab)\n";
        let trace = parse(text).unwrap();
        assert_eq!(trace.exception, "SIGSEGV");
        assert_eq!(trace.frames[0].function, "pthread_mutex_lock");
        assert_eq!(trace.frames[1].function, "shop::pay(int)");
        assert_eq!(trace.frames[1].module, "/data/app/com.shop-1/lib/arm64/libshop.so");
    }

    #[test]
    fn what_debuggers_and_apple_say_of_the_end() {
        let fault =
            |head: &str| parse(&format!("{head}\n  * frame #0: 0x01 Shop`-[Cart total] at Cart.m:12\n")).unwrap().exception.to_owned();
        assert_eq!(fault("* thread #1, queue = 'main', stop reason = EXC_BAD_ACCESS (code=1, address=0x0)"), "EXC_BAD_ACCESS");
        assert_eq!(fault("*** Terminating app due to uncaught exception 'NSRangeException', reason: '购物车'"), "NSRangeException");
    }

    #[test]
    fn an_apple_report_is_read_at_its_crashed_thread() {
        let text = "Exception Type:  EXC_BAD_ACCESS (SIGSEGV)\n\nThread 0:\n0   libsystem_kernel.dylib  0x00007fff6d 0x7fff6 + 10\n\nThread 3 Crashed:\n0   Shop   0x000000010 -[Cart total:] + 20 (Cart.m:12)\n1   UIKitCore  0x00000001 UIApplicationMain + 3\n\nThread 4:\n0   x  0x0000001 y + 1\n";
        let trace = parse(text).unwrap();
        assert_eq!(trace.exception, "EXC_BAD_ACCESS");
        let names: Vec<_> = trace.frames.iter().map(|frame| frame.function).collect();
        assert_eq!(names, ["-[Cart total:]", "UIApplicationMain"]);
    }
}
