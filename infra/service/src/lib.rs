//! The service kit: what all services of Aftershock have in common.
//!
//! It moves bytes, rows and requests, and does not know what a crash is. Start at [`http`] for servers, [`kafka`] for the log and
//! [`clickhouse`] for the tables. [`config`] and [`credentials`] are what a process reads at its start, [`telemetry`] is what it tells
//! about its work, and [`shutdown`] is how it ends.
//!
//! Invariants: hyper is named only in `http/`, rdkafka only in `kafka/`, the clickhouse client only
//! in `clickhouse.rs`, hmac only in `signature.rs`, governor only in `throttle.rs`; every wait has a
//! timeout and every queue a maximum size.

pub mod clickhouse;
pub mod config;
pub mod connection_slots;
pub mod credentials;
pub mod descriptors;
pub mod disk;
pub mod fair_queue;
pub mod http;
pub mod kafka;
pub mod metrics;
pub mod printable;
pub mod reload;
pub mod shutdown;
pub mod signature;
pub mod telemetry;
pub mod throttle;
