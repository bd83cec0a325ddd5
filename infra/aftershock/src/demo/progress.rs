//! Tells how far the demo is: a bar on a terminal, a plain line now and then elsewhere. On stderr.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

const LINE_EVERY: Duration = Duration::from_secs(2);

/// How far something has come.
pub struct Progress {
    label: &'static str,
    total: u64,
    done: u64,
    bar: Option<ProgressBar>,
    begun: Instant,
    last_line: Instant,
}

impl Progress {
    /// Nothing of `total` is done.
    pub fn new(label: &'static str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(total).with_message(label));
        if let Some(bar) = &bar {
            let style = ProgressStyle::with_template("{msg:>9} {bar:40} {human_pos}/{human_len} ({per_sec}, {eta} left)");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        }
        Self { label, total, done: 0, bar, begun: Instant::now(), last_line: Instant::now() }
    }

    /// `count` more are done.
    pub fn advance(&mut self, count: u64) {
        self.reach(self.done + count);
    }

    /// `done` of the total are done.
    pub fn reach(&mut self, done: u64) {
        self.done = done;
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None if self.last_line.elapsed() >= LINE_EVERY => {
                self.last_line = Instant::now();
                eprintln!("{}: {done} of {}", self.label, self.total);
            }
            None => {}
        }
    }

    /// Ends with a line that says how long it took.
    pub fn finish(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let seconds = self.begun.elapsed().as_secs_f64();
        let rate = self.done as f64 / seconds.max(0.001);
        eprintln!("{}: {} in {seconds:.1} s ({rate:.0}/s)", self.label, self.done);
    }
}
