//! The service kit: what every role of Aftershock stands on.
//!
//! It moves bytes, rows and requests, and does not know what a crash is. Start at [`http`] for the
//! edge, [`kafka`] for the log and [`clickhouse`] for the tables; [`config`] and [`credentials`]
//! say how a process is told what to do, [`telemetry`] and [`shutdown`] how it tells and how it ends.
//!
//! Invariants: hyper is named only in `http/`, rdkafka only in `kafka/`, the clickhouse client only
//! in `clickhouse.rs`, hmac only in `signature.rs`, governor only in `throttle.rs`; every wait is
//! bounded by a time-out and every queue by a size.

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
