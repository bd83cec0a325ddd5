//! What another build changes in a stack, in every fixture at once, and time that grows with the text and not faster.

use super::fixtures::FIXTURES;
use super::{crash, group};
use proptest::prelude::*;
use std::time::Instant;

/// What stands before a line number, by runtime.
const BEFORE_LINE: [&str; 15] = [
    ".java:",
    ".kt:",
    ".cc:",
    ".cpp:",
    ".cs:",
    ":line ",
    "\", line ",
    ".rb:",
    ".lua:",
    ".rs:",
    ".go:",
    ".dart:",
    ".php(",
    ".jsbundle:",
    " @ ",
];

/// A stack with other line numbers and addresses. An obfuscated frame has nothing but its offset in the build.
fn of_another_build(stack: &str, by: u32) -> String {
    let mut out = String::with_capacity(stack.len() + 64);
    let mut rest = stack;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let end = rest[start..].find(|c: char| !c.is_ascii_hexdigit()).map_or(rest.len(), |length| start + length);
        out.push_str(&rest[..start]);
        let digits = &rest[start..end];
        let is_line = BEFORE_LINE.iter().any(|mark| out.ends_with(mark)) && digits.bytes().all(|b| b.is_ascii_digit());
        match digits.strip_prefix('0').filter(|_| digits.len() == 1 && rest[end..].starts_with('x')) {
            Some(_) => {
                let hex = &rest[end + 1..];
                let length = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
                let is_address = length >= 6 && !out.ends_with(['+', '(']) && !out.ends_with("(NTSTATUS) ");
                out.push_str(&if is_address { format!("0x{:0length$x}", 0x10_0000 + by) } else { format!("0x{}", &hex[..length]) });
                rest = &hex[length..];
                continue;
            }
            None if is_line => out.push_str(&(digits.parse::<u32>().unwrap_or(0) + by).to_string()),
            None => out.push_str(digits),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lines_and_addresses_of_any_build_are_the_same_issue(by in 1..9_000_u32) {
        let mut changed = 0;
        for (name, stack) in FIXTURES {
            let other = of_another_build(stack, by);
            changed += usize::from(other != stack);
            prop_assert_eq!(group(&crash(stack)).issue_id, group(&crash(&other)).issue_id, "{}\n{}", name, other);
        }
        prop_assert!(changed > FIXTURES.len() / 2, "{} of the fixtures have lines or addresses", changed);
    }
}

/// Nanoseconds this thread has had a processor, which other work on the machine hardly changes. The system
/// counts in ticks of milliseconds, so what is measured has to last.
fn processor_time() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ').next()?.parse().ok()
}

/// Milliseconds that one of so many runs takes on the average.
fn time_of(runs: u32, text: &str) -> f64 {
    let (spent, clock) = (processor_time(), Instant::now());
    (0..runs).for_each(|_| {
        std::hint::black_box(group(&crash(text)));
    });
    let on_processor = processor_time().zip(spent).map(|(after, before)| (after - before) as f64 / 1e6);
    on_processor.unwrap_or_else(|| clock.elapsed().as_secs_f64() * 1e3) / f64::from(runs)
}

#[test]
fn eight_times_the_text_takes_about_eight_times_as_long() {
    // Time that grows with the square would be 64 times as long; below the least, ticks decide.
    const BOUND: f64 = 24.0;
    const LEAST: f64 = 0.2;
    for (name, stack) in FIXTURES {
        for shape in [stack.to_owned(), stack.replace('\n', " "), format!("{stack}words of a log, 12:00 (a) [b] 'c'\n")] {
            let of = |length: usize| shape.repeat(length / shape.len() + 1);
            let (short, long) = (time_of(32, &of(32 << 10)), time_of(4, &of(256 << 10)));
            assert!(long / short.max(LEAST) < BOUND, "{name}: {short:.2} ms for 32 KB, {long:.2} ms for 256 KB");
        }
    }
}
