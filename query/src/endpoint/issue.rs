//! Issues: a list, one of them, a ranking.

pub mod info;
pub mod list;
pub mod top;

pub use info::IssueInfo;
pub use list::IssueList;
pub use top::TopIssues;
