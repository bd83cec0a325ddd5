//! How a process tells what it does: log lines on stderr and metrics in Prometheus' text format.
//!
//! Metrics live in one registry per process. Ask for a handle once and keep it: [`counter`], [`gauge`]
//! and [`histogram`] take a lock, a handle's own methods are single atomic operations.

mod registry;
mod repeats;

use std::fmt::Write;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::debug_fn;

use crate::printable::Escaping;

use repeats::Limited;

pub use registry::{Counter, Gauge, Histogram};

/// Sends log lines to stderr, filtered by `AFTERSHOCK_LOG`, else `RUST_LOG`, else `info`; as JSON, one object a line, where
/// `AFTERSHOCK_LOG_FORMAT` is `json`.
///
/// `service` is named in the first line. A second call changes nothing.
pub fn init(service: &str) {
    let filter =
        EnvFilter::try_from_env("AFTERSHOCK_LOG").or_else(|_| EnvFilter::try_from_default_env()).unwrap_or_else(|_| EnvFilter::new("info"));
    // A line that cannot be written is lost. To say so on the same stderr would end the task that logs it.
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).log_internal_errors(false);
    let started = match std::env::var("AFTERSHOCK_LOG_FORMAT") {
        Ok(format) if format.eq_ignore_ascii_case("json") => {
            lines.json().flatten_event(true).map_event_format(|format| Limited::new(format, true)).try_init()
        }
        _ => {
            let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
            let lines = lines.with_ansi(is_terminal).fmt_fields(fields());
            lines.map_event_format(|format| Limited::new(format, false)).try_init()
        }
    };
    if started.is_ok() {
        tracing::info!(service, version = env!("CARGO_PKG_VERSION"), "starting");
    }
}

/// Writes the message, then `name=value` of each field, all of it on one line and without control characters: some of it is
/// what clients sent.
fn fields() -> impl for<'writer> FormatFields<'writer> + Send + Sync + 'static {
    let write = |writer: &mut tracing_subscriber::fmt::format::Writer<'_>, field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
        if field.name() != "message" {
            write!(writer, "{field}=")?;
        }
        write!(Escaping(writer), "{value:?}")
    };
    debug_fn(write).delimited(" ")
}

/// The counter of this name and these labels; made on first use. Names end in `_total`.
pub fn counter(name: &'static str, help: &'static str, labels: &[(&'static str, &str)]) -> Counter {
    registry::global().counter(name, help, labels)
}

/// The gauge of this name and these labels; made on first use.
pub fn gauge(name: &'static str, help: &'static str, labels: &[(&'static str, &str)]) -> Gauge {
    registry::global().gauge(name, help, labels)
}

/// The histogram of this name and these labels; made on first use. Names end in `_seconds`.
pub fn histogram(name: &'static str, help: &'static str, labels: &[(&'static str, &str)]) -> Histogram {
    registry::global().histogram(name, help, labels)
}

/// Every metric of the process in Prometheus' text format, version 0.0.4, sorted by name and labels.
pub fn render() -> String {
    registry::global().render()
}

/// Measures one stretch of time into a histogram when dropped.
pub struct Stopwatch {
    histogram: Histogram,
    since: std::time::Instant,
}

impl Stopwatch {
    /// Starts measuring now.
    pub fn start(histogram: &Histogram) -> Self {
        Stopwatch { histogram: histogram.clone(), since: std::time::Instant::now() }
    }

    /// The time since the start.
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        self.histogram.observe(self.since.elapsed());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    /// What was written.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_one_line_whatever_it_says() {
        let page = Page::default();
        let writer = page.clone();
        let lines = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).fmt_fields(fields()).finish();
        let hostile = "\u{1b}]0;x\u{7}\r\n2026 ERROR forged\u{9b}2J\u{202e}";
        tracing::subscriber::with_default(lines, || {
            let span = tracing::info_span!("request", path = %hostile);
            let _entered = span.enter();
            tracing::warn!(error = %hostile, count = 3, text = "引号", "the engine says {hostile}");
        });
        let written = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.matches('\n').count(), 1, "{written:?}");
        assert!(!written.trim_end().contains(char::is_control) && !written.contains('\u{202e}'), "{written:?}");
        assert!(written.contains(r"the engine says \u{1b}]0;x") && written.contains("count=3 text=\"引号\""), "{written:?}");
    }
}
