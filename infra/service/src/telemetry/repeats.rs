//! A limit for repeated warnings and errors: a client that causes one with each of its packets must not fill the disk with log lines,
//! nor hide the other lines.

use crate::printable;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::callsite::Identifier;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Lines that one place in the code may write within [`WINDOW`].
const LINES: u32 = 100;
const WINDOW: Duration = Duration::from_secs(10);

/// Writes events by `F`; of warnings and errors at most [`LINES`] from one place in the code within [`WINDOW`]. The next
/// line tells how many were left out.
pub(super) struct Limited<F> {
    format: F,
    is_json: bool,
    /// One entry for each place in the code.
    windows: Mutex<HashMap<Identifier, Window>>,
}

struct Window {
    began: Instant,
    lines: u32,
    left_out: u64,
}

impl<F> Limited<F> {
    pub(super) fn new(format: F, is_json: bool) -> Self {
        Self { format, is_json, windows: Mutex::default() }
    }

    /// Whether a line may be written now, and how many were left out before it.
    fn admit(&self, place: Identifier, now: Instant) -> Option<u64> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(place).or_insert(Window { began: now, lines: 0, left_out: 0 });
        if now.duration_since(window.began) >= WINDOW {
            let left_out = window.left_out;
            *window = Window { began: now, lines: 1, left_out: 0 };
            return Some(left_out);
        }
        if window.lines < LINES {
            window.lines += 1;
            return Some(0);
        }
        window.left_out += 1;
        None
    }
}

impl<S, N, F> FormatEvent<S, N> for Limited<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        if *metadata.level() <= Level::WARN {
            match self.admit(metadata.callsite(), Instant::now()) {
                Some(0) => {}
                Some(left_out) if self.is_json => {
                    let target = metadata.target();
                    let line = r#"{"level":"WARN","message":"lines of one kind were left out","#;
                    writeln!(writer, r#"{line}"of":"{target}","lines":{left_out}}}"#)?;
                }
                Some(left_out) => writeln!(writer, "{left_out} more lines like the next one were left out")?,
                None => return Ok(()),
            }
        }
        if !self.is_json {
            return self.format.format_event(context, writer, event);
        }
        // The format escapes what JSON must, which is less than a terminal may take for a command.
        let mut line = String::new();
        self.format.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&printable::json(&line))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::{Result, Write};
    use std::sync::Arc;
    use tracing_subscriber::fmt::format;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    fn lines(repeats: u32) -> Vec<String> {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .map_event_format(|format: format::Format| Limited::new(format, false))
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            for number in 0..repeats {
                tracing::warn!(number, "a stranger knocks");
                tracing::info!("somebody is served");
            }
            tracing::error!("something else");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn one_kind_of_warning_is_bounded_and_hides_no_other() {
        let lines = lines(5_000);
        let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
        assert_eq!((count("a stranger knocks"), count("somebody is served"), count("something else")), (LINES as usize, 5_000, 1));
    }

    #[test]
    fn json_shows_nothing_that_commands_a_terminal_and_means_the_same() {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone());
        let subscriber = subscriber.map_event_format(|format| Limited::new(format, true)).finish();
        let hostile = "崩溃\u{9b}2J\u{1b}]0;x\u{7}\n\u{202e}";
        tracing::subscriber::with_default(subscriber, || tracing::error!(error = hostile, "cannot answer"));
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(text.ends_with('\n') && !text.trim_end().contains(printable::is_harmful), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["error"], hostile);
    }

    #[test]
    fn what_was_left_out_is_told_with_the_next_window() {
        let limited = Limited::new((), false);
        let (place, start) = (tracing::callsite::Identifier(&PLACE), Instant::now());
        let admitted = (0..250).filter(|_| limited.admit(place.clone(), start).is_some()).count();
        assert_eq!(admitted, LINES as usize);
        assert_eq!(limited.admit(place.clone(), start + WINDOW), Some(150));
        assert_eq!(limited.admit(place, start + WINDOW), Some(0));
    }

    struct Place;
    static PLACE: Place = Place;

    impl tracing::Callsite for Place {
        fn set_interest(&self, _: tracing::subscriber::Interest) {}

        fn metadata(&self) -> &tracing::Metadata<'_> {
            tracing::warn_span!("place").metadata().unwrap_or_else(|| unreachable!("a span has metadata"))
        }
    }
}
