//! The processor: folds the log into ClickHouse tables.
//!
//! ```text
//! source → decode → dedupe → group → sink → commit        a slice at a time, a worker for each partition
//!              └→ dead_letter
//! ```
//!
//! Start at [`pipeline`] for the whole, at [`worker`] for the way of a slice, at [`group`] for what makes two crashes the same bug, at
//! [`mod@replay`] for folding the log again.
//!
//! Invariants:
//! - The end of a slice is committed before work on it begins, and a repetition has exactly its offsets.
//! - One slice is one insert and one part. A slice that may be in its table is looked up before it is inserted.
//! - A row depends on its record, its position in the log and the rules of projects, never on a clock or on where slices were cut.
//! - Work on a partition ends before the partition is given away.
//! - A record that cannot be processed costs itself and no other record, even if it ends the process.
//! - A stream that cannot go on is halted alone.
//! - The live path (`pipeline` to `sink`) does not import [`mod@replay`].

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
pub use metrics::METRICS;
pub use migrate::{Topics, migrate};
pub use pipeline::run;
pub use project::{Grouping, Rules};
pub use replay::replay;
pub use retention::Retention;

/// Groups a report in a line of JSON as the processor would. The answer is `{"id","issue","signature"}`, with the evidence if `is_explained`;
/// for a line that is not a report it is `{"id":null,"error"}`.
#[must_use]
pub fn group_line(line: &str, rules: &Rules, is_explained: bool) -> String {
    if is_explained { group::explained_line(line, rules) } else { group::line(line, rules) }
}
