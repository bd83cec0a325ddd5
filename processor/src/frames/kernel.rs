//! Kernel consoles: the first oops, panic, warning or lock report of a log, and its call trace.
//!
//! The exception is the phrase of the report without what changes (`KASAN: use-after-free Read`);
//! the frames are those of the faulting instruction and of the first call trace after the title.
//! Of a stall only the way in counts, of a wait for everybody else only that wait.

use super::classify::{self, Class};
use super::location::after_log_prefix;
use super::search::{before, before_byte, find, has, has_byte, lines, rsplit, rsplit_byte, split, split_byte, trim};
use super::{Frame, Language, Trace, gdb, symbol};

/// Phrases that begin a report, most telling first where one line holds several.
const TITLES: [&str; 31] = [
    "BUG: KASAN: ",
    "BUG: KMSAN: ",
    "BUG: KCSAN: ",
    "BUG: KFENCE: ",
    "UBSAN: ",
    "UBSan: ",
    "kernel BUG at ",
    "BUG: ",
    "WARNING: ",
    "INFO: task ",
    "INFO: rcu",
    "INFO: trying to register",
    "INFO: possible",
    "INFO: suspicious",
    "general protection fault",
    "Unable to handle kernel",
    "Unhandled fault",
    "Kernel panic - not syncing: ",
    "divide error",
    "invalid opcode",
    "stack segment",
    "unregister_netdevice: waiting",
    "Internal error: ",
    "Fatal trap ",
    "panic: ",
    "panic(",
    "uvm_fault(",
    "ASSERT FAILED",
    "fatal error: ",
    "SIGSEGV: ",
    "panicked at ",
];

/// Reads the first report of a console log.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::Kernel);
    let mut place = None;
    let mut is_in_calls = false;
    for raw in lines(text) {
        let line = console(raw);
        if trace.exception.is_empty() {
            place = title(line, &mut trace);
            continue;
        }
        let has_calls = is_in_calls && !trace.frames.is_empty();
        if has_calls && is_end(line) {
            if trace.exception != STALL || way_in(&trace.frames).is_some() {
                break;
            }
            // The watchdog's own thread was shown first.
            trace.frames.clear();
        }
        is_in_calls |= is_call_trace(line);
        if let Some(frame) = frame_of(line) {
            is_in_calls |= !line.starts_with("RIP") && !line.starts_with("pc :");
            trace.push(frame);
        }
    }
    if is_in_calls || !trace.exception.starts_with("WARNING") {
        trace.frames.splice(0..0, place);
    }
    if is_hang(trace.exception) {
        blame_hang(&mut trace);
    }
    trace.found()
}

fn console(raw: &str) -> &str {
    trim(after_log_prefix(raw))
}

fn is_call_trace(line: &str) -> bool {
    matches!(line, "Call Trace:" | "Call trace:" | "Backtrace:" | "stack backtrace:")
}

/// What follows is another processor's, another task's or the memory's history.
fn is_end(line: &str) -> bool {
    const ENDS: [&str; 7] = ["---[ end", "Allocated by", "Freed by", "============", "NMI backtrace", "Sending NMI", "Showing all locks"];
    ENDS.iter().any(|end| line.starts_with(end)) || is_call_trace(line)
}

/// A title that says that something went on for too long, rather than that it went wrong.
fn is_hang(phrase: &str) -> bool {
    matches!(phrase, "INFO: task" | STALL | LOCKUP)
}

/// Who waits for everybody else is not to blame, and what a stalled processor did when the timer
/// looked is chance: what counts is the wait itself, else the way in.
fn blame_hang(trace: &mut Trace<'_>) {
    const WAITS: [(&str, &str); 3] =
        [("smp_call_function", "smp_call_function"), ("synchronize_", "synchronize_rcu"), ("wait_rcu_gp", "synchronize_rcu")];
    let wait_of = |frame: &Frame<'_>| {
        let name = frame.function.trim_start_matches('_');
        WAITS.iter().find(|(start, _)| name.starts_with(start)).map(|(_, wait)| *wait)
    };
    if let Some(wait) = trace.frames.iter().find_map(wait_of) {
        trace.frames.insert(0, plain(wait));
    } else if trace.exception != "INFO: task" {
        trace.frames.drain(..way_in(&trace.frames).unwrap_or(0));
    }
}

/// The outermost frame that is more than an entry: the work that the processor was asked to do.
fn way_in(frames: &[Frame<'_>]) -> Option<usize> {
    let rules = classify::KERNEL.rules();
    let mut name = String::new();
    frames.iter().rposition(|frame| {
        name.clear();
        symbol::kernel(frame, &mut name);
        rules.class(frame, &name) == Class::App
    })
}

/// Takes a title and returns the function it names.
fn title<'a>(line: &'a str, trace: &mut Trace<'a>) -> Option<Frame<'a>> {
    let (at, mark) = TITLES.iter().find_map(|mark| find(line, mark).map(|at| (at, *mark)))?;
    if trim(&line[at + mark.len()..]).is_empty() && mark.ends_with(' ') || at > 80 {
        return None;
    }
    let line = &line[at..];
    trace.message = line;
    trace.exception = phrase(line);
    if mark == "panic(" {
        // `panic(cpu 0 caller 0x…): "words"`: the words are what it is about.
        let words = split(line, "): ").map_or(line, |(_, words)| words);
        trace.message = words.trim_matches('"');
    }
    named_in(line)
}

const STALL: &str = "rcu stall";
const LOCKUP: &str = "BUG: soft lockup";

/// The words of a title up to the place, process or address that varies.
fn phrase(line: &str) -> &str {
    const STOPS: [&str; 11] =
        [" in ", " at ", " on ", ": 0000", " for address", "blocked for", "[#", ", CPU", " by ", ", probably", "panic(cpu"];
    const SAME: [(&str, &str); 7] = [
        ("WARNING: CPU", "WARNING"),
        ("BUG: soft lockup", LOCKUP),
        ("BUG: unable to handle page fault", "unable to handle kernel paging request"),
        ("BUG: unable to handle kernel paging request", "unable to handle kernel paging request"),
        ("Unable to handle kernel paging request", "unable to handle kernel paging request"),
        ("BUG: unable to handle kernel NULL pointer", "unable to handle kernel NULL pointer dereference"),
        ("Unable to handle kernel NULL pointer", "unable to handle kernel NULL pointer dereference"),
    ];
    if let Some((_, phrase)) = SAME.iter().find(|(start, _)| line.starts_with(start)) {
        return phrase;
    }
    if line.starts_with("INFO: rcu") && has(line, "stall") {
        return STALL;
    }
    let line = line.strip_prefix("BUG: ").filter(|rest| rest.starts_with('K')).unwrap_or(line);
    let end = STOPS.iter().filter_map(|stop| find(line, stop)).min().unwrap_or(line.len());
    if let Some(rest) = line.strip_prefix("INFO: task ") {
        // `INFO: task name:pid blocked for …`: the name is whoever waited.
        return if has(rest, "blocked") { "INFO: task" } else { &line[..end] };
    }
    if end == 0 {
        return "panic";
    }
    line[..end].trim_end_matches([' ', ']', '!', '.'])
}

/// `… in memcpy+0xac/0xc3 [mod]` and `… at fs/a.c:12 shop_read+0x1/0x2` name the function themselves.
fn named_in(line: &str) -> Option<Frame<'_>> {
    let after_in = find(line, " in ").map(|at| line[at + 4..].split([' ', ',']).next().unwrap_or(""));
    let word = match after_in {
        Some(word) => word,
        None if line.starts_with("WARNING: ") => line.split(' ').find(|word| has(word, "+0x"))?,
        None => return None,
    };
    let function = split(word, "+0x")?.0;
    Some(Frame { function, ..Frame::default() })
}

fn frame_of(line: &str) -> Option<Frame<'_>> {
    let line = line.strip_prefix("RIP: ").or_else(|| line.strip_prefix("pc : ")).unwrap_or(line);
    if let Some((_, rest)) = gdb::number(line) {
        // `#0: (rtnl_mutex){+.+.}, at: [<…>] rtnl_lock+0x1c/0x20` is a lock that is held.
        if has(rest, "at: ") {
            return None;
        }
        return gdb::frame_of(rest).map(|frame| Frame { function: symbol(frame.function), ..frame });
    }
    let line = line.strip_prefix("[<").and_then(|rest| split(rest, ">]")).map_or(line, |(_, rest)| trim(rest));
    // `?` marks what lay on the stack without being called.
    if line.starts_with("? ") {
        return None;
    }
    if let Some((_, place)) = rsplit(line, " at ").filter(|(call, _)| call.ends_with(')')) {
        let function = |place: &'_ str| rsplit_byte(place, b':').map_or(place.len(), |(_, name)| name.len());
        return split(place, "+0x").map(|(place, _)| plain(&place[place.len() - function(place)..]));
    }
    let word = before_byte(line, b' ');
    let word = rsplit_byte(word, b':').filter(|(segment, _)| segment.len() == 4).map_or(word, |(_, word)| word);
    let (function, offset) = split(word, "+0x")?;
    let is_name = function.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$'));
    let is_symbol = has_byte(offset, b'/') && is_name && !function.is_empty();
    is_symbol.then(|| plain(function)).or_else(|| inlined(line))
}

/// ` name file.c:12 [inline]` stands between the frames of a symbolised trace.
fn inlined(line: &str) -> Option<Frame<'_>> {
    let body = line.strip_suffix("[inline]")?.trim();
    let (function, _) = split_byte(body, b' ')?;
    Some(plain(function))
}

fn symbol(function: &str) -> &str {
    before(function, "+0x")
}

fn plain(function: &str) -> Frame<'_> {
    Frame { function, ..Frame::default() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_oops_gives_its_phrase_and_its_calls() {
        let text = "[    1.0] usb 1: new device\n[   35.0][ T58] BUG: KASAN: use-after-free in shop_read+0xac/0xc3 [shop]\n[   35.1][ T58] Read of size 1\n[   35.2][ T58] Call Trace:\n[   35.3][ T58]  dump_stack+0x1db/0x2d0\n[   35.4][ T58]  ? noise+0x1/0x2\n[   35.5][ T58]  shop_ioctl+0x11/0x20\n";
        let trace = parse(text).unwrap();
        assert_eq!(trace.exception, "KASAN: use-after-free");
        let names: Vec<_> = trace.frames.iter().map(|frame| frame.function).collect();
        assert_eq!(names, ["shop_read", "dump_stack", "shop_ioctl"]);
    }

    #[test]
    fn a_stall_is_the_way_in_and_a_common_wait_is_itself() {
        let stall = "rcu: INFO: rcu_sched detected stalls on CPUs\nCall Trace:\n shop_spin+0x1/0x2\n shop_ioctl+0x1/0x2\n __x64_sys_ioctl+0x1/0x2\n do_syscall_64+0x1/0x2\n";
        let trace = parse(stall).unwrap();
        assert_eq!((trace.exception, trace.frames[0].function), (STALL, "shop_ioctl"));
        let hung = "INFO: task shop:12 blocked for more than 140 seconds.\nCall Trace:\n schedule+0x1/0x2\n synchronize_rcu_expedited+0x1/0x2\n shop_close+0x1/0x2\n";
        assert_eq!(parse(hung).unwrap().frames[0].function, "synchronize_rcu");
    }

    #[test]
    fn the_watchdogs_own_thread_is_passed_over() {
        let text = "INFO: rcu_sched self-detected stall on CPU\nCall Trace:\n kthread+0x1/0x2\n ret_from_fork+0x1/0x2\nCall Trace:\n shop_write+0x1/0x2\n";
        let trace = parse(text).unwrap();
        assert_eq!(trace.frames.len(), 1);
        assert_eq!(trace.frames[0].function, "shop_write");
    }

    #[test]
    fn a_warning_names_its_function_and_a_held_lock_is_no_call() {
        let text = "WARNING: CPU: 2 PID: 9 at net/shop.c:12 shop_fini+0x1/0x2\n#0:  (shop_mutex){+.}, at: [<ffff>] shop_lock+0x1/0x2\nCall Trace:\n panic+0x1/0x2\n";
        let trace = parse(text).unwrap();
        let names: Vec<_> = trace.frames.iter().map(|frame| frame.function).collect();
        assert_eq!((trace.exception, names), ("WARNING", vec!["shop_fini", "panic"]));
    }
}
