//! The operations by subject, a file each; what one asks the tables stands beside it in SQL.

pub mod admin;
pub mod alias;
pub mod error;
pub mod issue;
pub mod openapi;
pub mod release;
pub mod report;
pub mod trend;
