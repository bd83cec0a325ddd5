//! Releases that clients are told to install.

pub mod list;
pub mod publish;
pub mod withdraw;

pub use list::ReleaseList;
pub use publish::PublishRelease;
pub use withdraw::WithdrawRelease;
