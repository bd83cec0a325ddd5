//! The operations, one file each; what each asks the tables stands beside it in SQL.

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
pub mod openapi;
pub mod pipeline;
pub mod top_issues;
