//! The embedded engine, driven by the official `clickhouse` crate, by `clickhouse-connect`, by `curl`, by raw HTTP and through its restarts.
//!
//! One engine runs in a process, so the tests share it; each has a database of its own. Where the library is not fetched they
//! are skipped and say so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod account;
mod crate_client;
mod harness;
mod killed;
mod one_part;
mod other_clients;
mod protocol;
mod sessions;
mod stop;
