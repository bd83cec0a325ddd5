//! The embedded log, driven from outside: real TCP, librdkafka and hand-made requests.
//!
//! With `AFTERSHOCK_TEST_KAFKA=host:port` the client tests run against that Apache Kafka instead, unchanged; what
//! only makes sense with the files at hand is left out then and says so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "broker/clients.rs"]
mod clients;
#[path = "broker/compaction.rs"]
mod compaction;
#[path = "broker/crash.rs"]
mod crash;
#[path = "broker/disk.rs"]
mod disk;
#[path = "broker/generations.rs"]
mod generations;
#[path = "broker/groups.rs"]
mod groups;
#[path = "broker/harness.rs"]
mod harness;
#[path = "broker/records.rs"]
mod records;
#[path = "broker/topics.rs"]
mod topics;
#[path = "broker/wire.rs"]
mod wire;
