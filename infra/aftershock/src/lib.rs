//! The commands behind the one binary.
//!
//! ```text
//! standalone   starts broker and engine, then the three services, each as a process
//! replay       the log folded again, given addresses
//! role         one service by itself, given addresses
//! embedded     the embedded log and the embedded ClickHouse, each as a process
//! settings     the whole configuration, composed of the crates' own
//! ```
//!
//! Invariants: the services never learn that they run in standalone; only here are the embedded engines named.

pub mod backup;
pub mod check;
pub mod demo;
pub mod embedded;
pub mod group;
pub mod issues;
pub mod link;
mod listen;
mod pages;
pub mod permissions;
pub mod private;
pub mod reference;
pub mod replay;
pub mod role;
pub mod run_role;
pub mod settings;
pub mod standalone;
pub mod suggest;
