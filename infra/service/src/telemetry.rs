//! How a process tells what it does: log lines on stderr and metrics in Prometheus' text format.
//!
//! Metrics live in one registry per process. Each crate declares its own in one list ([`metrics!`](crate::metrics!)). Ask for a
//! handle once and keep it: making one takes a lock, a handle's own methods are single atomic operations.

mod fields;
mod metric;
mod process;
mod registry;
mod repeats;

pub use metric::{Description, Kind, Metric, trimmed};
pub use process::METRICS as PROCESS_METRICS;
pub use registry::{Counter, Gauge, Histogram};

use repeats::Limited;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

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
            let lines = lines.with_ansi(is_terminal).fmt_fields(fields::plain());
            lines.map_event_format(|format| Limited::new(format, false)).try_init()
        }
    };
    process::note_start();
    if started.is_ok() {
        tracing::info!(service, version = env!("CARGO_PKG_VERSION"), "starting");
    }
}

/// Every metric of the process in Prometheus' text format, version 0.0.4: those that the crates declare, sorted by name and labels, then
/// [`PROCESS_METRICS`]. It reads files of the system: call it where a thread may block.
pub fn render() -> String {
    let mut text = registry::global().render();
    text.push_str(&process::render());
    text
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
