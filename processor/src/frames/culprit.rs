//! The culprit of a whole log: the trace of which the program ended.
//!
//! Gravest first: a crash report of the program's own; a thread that died of what nobody caught; what
//! was logged as an error. Of equally grave ones the last counts, since what came before was survived.
//! In a text that says nothing of gravity the first trace counts: what follows is another story.

use super::location::{after_log_prefix, exception_header};
use super::search::{has_byte, lines, trim, trim_start};

/// How grave what a line announces is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gravity {
    Unsaid,
    Error,
    Uncaught,
    Report,
}

/// A place in the log from which a trace can be read.
#[derive(Clone, Copy)]
struct Mark<'a> {
    line: &'a str,
    gravity: Gravity,
}

/// The part of a text from its gravest trace on; the whole text where it is not a log.
#[must_use]
pub fn part(text: &str) -> &str {
    if text.len() < LARGE && !is_log(text) {
        return text;
    }
    let mut best: Option<Mark<'_>> = None;
    let mut announced = Mark { line: text, gravity: Gravity::Unsaid };
    let mut is_in_trace = false;
    for line in lines(text) {
        if is_frame(line) {
            let is_graver = best.is_none_or(|best| announced.gravity >= best.gravity && announced.gravity > Gravity::Unsaid);
            if !is_in_trace && is_graver {
                best = Some(announced);
            }
            is_in_trace = true;
        } else if let Some(gravity) = gravity_of(line) {
            // A report's preface may hold lines of any kind before its trace.
            let is_awaited = !is_in_trace && announced.gravity == Gravity::Report;
            if !is_awaited || gravity == Gravity::Report {
                announced = Mark { line, gravity };
            }
            is_in_trace = false;
        } else if is_in_trace && !is_chained(line) {
            announced = Mark { line, gravity: Gravity::Unsaid };
            is_in_trace = false;
        }
    }
    best.map_or(text, |mark| super::location::span(text, mark.line, &text[text.len()..]))
}

/// Bytes from which a text is looked through even if it begins with a trace.
const LARGE: usize = 16 << 10;

/// A trace alone begins with its exception or its first frame; a log begins with anything else.
fn is_log(text: &str) -> bool {
    let first = lines(text).find(|line| !trim(line).is_empty()).unwrap_or("");
    let is_header = exception_header(first).is_some_and(|(name, _)| trim_start(first).starts_with(name));
    !is_header && !is_frame(first)
}

fn is_frame(line: &str) -> bool {
    let bare = trim_start(line);
    let bare = if bare.starts_with("at ") { bare } else { after_log_prefix(line).trim_start() };
    bare.starts_with("at ") && has_byte(bare, b'(')
}

fn is_chained(line: &str) -> bool {
    let bare = after_log_prefix(line).trim_start();
    ["Caused by: ", "... ", "Suppressed: ", "- "].iter().any(|start| bare.starts_with(start))
}

/// The gravity a line announces; `None` where it belongs to what stands before it.
fn gravity_of(line: &str) -> Option<Gravity> {
    const REPORTS: [&str; 2] = ["Crash Report ----", "FATAL EXCEPTION: "];
    const UNCAUGHT: [&str; 3] = ["Exception in thread \"", "uncaughtException", "Uncaught exception"];
    const ERRORS: [&str; 4] = ["ERROR", "FATAL", "SEVERE", "CRITICAL"];
    if is_chained(line) {
        return None;
    }
    let head = super::location::head(line, 120);
    if REPORTS.iter().any(|mark| head.contains(mark)) {
        return Some(Gravity::Report);
    }
    if UNCAUGHT.iter().any(|mark| head.contains(mark)) {
        return Some(Gravity::Uncaught);
    }
    let is_entry = line.starts_with(|c: char| c == '[' || c.is_ascii_digit());
    if !is_entry {
        return None;
    }
    Some(if ERRORS.iter().any(|level| head.contains(level)) { Gravity::Error } else { Gravity::Unsaid })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SURVIVED: &str = "[10:00:00] [worker/WARN]: 网络\njava.net.UnknownHostException: shop.cn\n\tat com.shop.Net.get(Net.java:1)\n";

    fn first_line(text: &str) -> &str {
        part(text).lines().next().unwrap_or("")
    }

    #[test]
    fn a_trace_alone_is_read_from_its_beginning() {
        let trace = "a.BError: x\n\tat a.B.c(B.java:1)\n[10:00:00] [main/ERROR]: y\na.CError\n\tat a.D.e(D.java:1)\n";
        assert_eq!(first_line(trace), "a.BError: x");
    }

    #[test]
    fn what_was_logged_as_an_error_is_graver_than_a_warning_and_the_last_counts() {
        let error = |n: u8| {
            format!(
                "[10:00:0{n}] [main/ERROR]: fault {n}\na.B{n}Error: x\n\tat a.B.c(B.java:1)\nCaused by: a.CError\n\tat a.D.e(D.java:1)\n"
            )
        };
        let log = format!("{SURVIVED}{}{}{SURVIVED}", error(1), error(2));
        assert_eq!(first_line(&log), "[10:00:02] [main/ERROR]: fault 2");
    }

    #[test]
    fn a_crash_report_is_gravest_and_its_other_sections_are_not_read() {
        let report = "---- Game Crash Report ----\n// 抱歉\n\nTime: now\nDescription: Ticking\n\na.BError: x\n\tat a.B.c(B.java:1)\n\n-- Head --\nStacktrace:\n\tat x.Y.z(Y.java:1)\n";
        let log = format!("{SURVIVED}{report}[10:00:09] [main/ERROR]: late\na.LateError: x\n\tat a.L.m(L.java:1)\n");
        assert_eq!(first_line(&log), "---- Game Crash Report ----");
    }

    #[test]
    fn a_log_without_levels_is_read_at_its_first_trace() {
        let log = "starting\n处理失败\na.BError: x\n\tat a.B.c(B.java:1)\nmore\na.CError\n\tat a.D.e(D.java:1)\n";
        assert_eq!(first_line(log), "starting");
    }

    #[test]
    fn a_trace_printed_through_a_logger_is_known_by_its_uncaught_mark() {
        let log = format!(
            "{SURVIVED}[10:00:01] [main/INFO]: [java.lang.ThreadGroup:uncaughtException:-1]: a.BError: x\n\
             [10:00:01] [main/INFO]: [java.lang.ThreadGroup:uncaughtException:-1]: \tat a.B.c(B.java:1)\nException in thread \"main\"\n"
        );
        assert!(first_line(&log).ends_with("a.BError: x"));
    }
}
