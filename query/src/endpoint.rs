//! The operations, one file each; what each asks the tables stands beside it in SQL.

pub mod active;
pub mod aliases;
pub mod app_versions;
pub mod crash_doc;
pub mod crash_list;
pub mod cumulative_trend;
pub mod daily_trend;
pub mod error_detail;
pub mod error_list;
pub mod hourly_trend;
pub mod issue_facts;
pub mod issue_info;
pub mod issue_list;
pub mod issue_merge;
pub mod issue_unmerge;
pub mod openapi;
pub mod pipeline;
pub mod release_list;
pub mod release_publish;
pub mod release_withdraw;
pub mod top_issues;
