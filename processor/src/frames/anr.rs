//! Dumps of all threads, as Android writes them for an ANR and the JDK on demand: `"main" prio=5 tid=1 Blocked`.
//!
//! What the main thread does is what hangs. That it waits for a lock, a monitor or another process
//! at the top is how it hangs; the rules skip those frames, and who asked for the wait counts.

use super::location::head;
use super::search::{before, has};
use super::{Trace, java, native};

/// Whether a line opens a thread of a dump.
#[must_use]
pub fn is_thread(line: &str) -> bool {
    line.starts_with('"') && (has(line, " prio=") || has(line, " tid="))
}

/// Reads the main thread of a dump; `None` where the text is not a dump.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let block = main_thread(text)?;
    let mut trace = java::parse(block).filter(|trace| !trace.frames.is_empty()).or_else(|| native::parse(block))?;
    // The first line says how the thread was found, which is no fault.
    (trace.exception, trace.message) = ("", "");
    trace.found()
}

fn main_thread(text: &str) -> Option<&str> {
    let mark = "\"main\" ";
    let at = text.match_indices(mark).map(|(at, _)| at).find(|at| {
        let line = head(&text[*at..], 160).lines().next().unwrap_or("");
        is_thread(line) && (*at == 0 || text[..*at].ends_with('\n'))
    })?;
    let block = &text[at..];
    Some(before(block, "\n\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::Language;
    use super::*;

    #[test]
    fn of_a_dump_of_threads_the_main_one_counts() {
        let dump = "\"worker\" prio=5 tid=9 Runnable\n  at a.B.c(B.java:1)\n\n\"main\" prio=5 tid=1 Blocked\n  | group=\"main\"\n  \
            native: #00 pc 0004793e  /system/lib/libc.so (__futex+8)\n  at com.shop.Cart.total(Cart.java:12)\n  \
            - waiting to lock <0x0badcafe> held by thread 9\n  at com.shop.Ui.click(Ui.java:3)\n\n\"other\" prio=5\n  at x.Y.z(Y.java:1)\n";
        let trace = parse(dump).unwrap();
        let names: Vec<_> = trace.frames.iter().map(|frame| frame.function).collect();
        assert_eq!((trace.language, names), (Language::Java, vec!["total", "click"]));
    }

    #[test]
    fn a_main_thread_that_is_all_native() {
        let dump = "\"main\" prio=5 tid=1 Native\n  #00 pc 0004793e  /system/lib64/libc.so (read+8)\n  \
            #01 pc 0001  /data/app/com.shop-1/lib/arm64/libshop.so (shop::load(int)+20)\n\n\"b\" prio=5 tid=2\n  #00 pc 01  /x.so (y+1)\n";
        let trace = parse(dump).unwrap();
        assert_eq!((trace.language, trace.frames.len(), trace.frames[1].function), (Language::Native, 2, "shop::load(int)"));
    }
}
