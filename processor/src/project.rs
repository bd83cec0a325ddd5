//! What a project knows better than the rules in the house: `[processor.grouping]`, compiled and applied.
//!
//! Order: the first rule of `rules` that fits a report decides, then the client's own fingerprint, then the app's `group_by`. In each,
//! `{{ default }}` stands for what would have decided without it. `in_app` and `irrelevant` come before all of them: they say which
//! frames there are to look at.
//!
//! Pure, and bounded whatever is configured: lists and lengths are, and a pattern is matched in one pass.

mod glob;
mod rules;
mod settings;

pub use rules::{Decision, Rules};
pub use settings::{AppGrouping, GroupBy, Grouping, ServerRule, When};

#[cfg(test)]
mod tests;
