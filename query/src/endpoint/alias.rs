//! Issues that are one: which are parts of which, merging and unmerging.

pub mod list;
pub mod merge;
pub mod unmerge;

pub use list::AliasList;
pub use merge::MergeIssues;
pub use unmerge::UnmergeIssues;
