//! The commands behind the one binary, and the embedded engines.
//!
//! ```text
//! standalone   starts broker and engine, then the three services, each as a process
//! replay       the log folded again, given addresses
//! role         one service by itself, given addresses
//! broker       the embedded log, Kafka's protocol          (no other module knows of it)
//! engine       the embedded ClickHouse, ClickHouse's HTTP  (no other module knows of it)
//! settings     the whole configuration, composed of the crates' own
//! ```
//!
//! Invariants: the services never learn that they run in standalone; only here are the embedded engines named.

pub mod backup;
pub mod broker;
pub mod check;
pub mod demo;
mod descriptors;
pub mod embedded;
pub mod engine;
pub mod group;
pub mod issues;
pub mod link;
mod pages;
pub mod permissions;
pub mod private;
pub mod reference;
pub mod replay;
pub mod role;
pub mod settings;
pub mod standalone;
mod strangers;
pub mod suggest;
