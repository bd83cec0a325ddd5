//! Rules of projects: `[processor.grouping]`, compiled and applied to reports.
//!
//! The first of `rules` that fits a report decides, else the client's own fingerprint, else the app's `group_by`, else the default. In a rule and in
//! the client's fingerprint, `{{ default }}` stands for the parts that would decide without it. `in_app` and `irrelevant` are applied before:
//! they say whose a frame is, and which frames are ignored.
//!
//! All of it is pure. Lists and lengths are bounded, and a pattern is matched in one pass.

mod glob;
mod rules;
mod settings;

pub use rules::{Decision, Rules};
pub use settings::{AppGrouping, GroupBy, Grouping, ServerRule, When};

#[cfg(test)]
mod tests;
