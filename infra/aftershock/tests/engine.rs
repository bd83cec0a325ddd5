//! The embedded engine, driven by the official `clickhouse` crate, by `clickhouse-connect`, by `curl`, by raw HTTP and through its restarts.
//!
//! One engine runs in a process, so the tests share it; each has a database of its own. Where the library is not fetched they
//! are skipped and say so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "engine/account.rs"]
mod account;
#[path = "engine/crate_client.rs"]
mod crate_client;
#[path = "engine/harness.rs"]
mod harness;
#[path = "engine/killed.rs"]
mod killed;
#[path = "engine/one_part.rs"]
mod one_part;
#[path = "engine/other_clients.rs"]
mod other_clients;
#[path = "engine/protocol.rs"]
mod protocol;
#[path = "engine/sessions.rs"]
mod sessions;
#[path = "engine/stop.rs"]
mod stop;
