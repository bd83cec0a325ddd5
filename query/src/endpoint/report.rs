//! Reports: those of an issue, one of them.

pub mod doc;
pub mod list;

pub use doc::CrashDoc;
pub use list::CrashList;
