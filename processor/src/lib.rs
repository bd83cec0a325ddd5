//! The log to ClickHouse rows.
//!
//! ```text
//! source → decode → dedupe → group → sink → commit        a slice at a time, a worker for each partition
//!              └→ dead_letter
//! ```
//!
//! Start at [`pipeline`] for the whole, [`worker`] for the journey of a slice, [`group`] for what makes two crashes the same bug,
//! [`mod@replay`] for folding the log again.
//!
//! Invariants: the end of a slice is committed before it is worked on, and whoever repeats it repeats exactly its offsets; one slice is
//! one insert is one part; a slice that may be in its table is looked up before it is inserted; a row is a function of its record and its
//! place in the log, never of a clock or of where slices were cut; work on a partition has ended before the partition is given away;
//! a record that cannot be processed, whatever it does, costs itself; a stream that cannot go on is halted alone.

pub mod assignment;
pub mod catch_panic;
pub mod config;
pub mod dead_letter;
pub mod decode;
pub mod dedupe;
pub mod error;
pub mod fault_injection;
pub mod fingerprint;
pub mod fold;
pub mod frames;
pub mod group;
pub mod link;
pub mod log_day;
pub mod log_partition;
pub mod member;
pub mod memory_budget;
pub mod metrics;
pub mod migrate;
pub mod normalise;
pub mod pipeline;
pub mod project;
pub mod range;
pub mod readiness;
pub mod replay;
pub mod replay_refusal;
pub mod retention;
pub mod sink;
pub mod slice;
pub mod source;
pub mod stop;
pub mod stream;
pub mod suggest;
pub mod trim;
pub mod worker;
pub mod worker_setup;

pub use config::Config;
pub use error::Error;
pub use migrate::{Topics, migrate};
pub use pipeline::run;
pub use project::{Grouping, Rules};
pub use replay::replay;
pub use retention::Retention;

/// Groups one line of JSON as the processor would: `{"id","issue","signature"}`, with what went in where `is_explained`;
/// a line that is no report gives `{"id":null,"error"}`.
#[must_use]
pub fn group_line(line: &str, rules: &Rules, is_explained: bool) -> String {
    if is_explained { group::explained_line(line, rules) } else { group::line(line, rules) }
}
