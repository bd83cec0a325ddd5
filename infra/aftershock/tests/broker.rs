//! The embedded log, driven from outside: real TCP, librdkafka and hand-made requests.
//!
//! With `AFTERSHOCK_TEST_KAFKA=host:port` (and an account in `AFTERSHOCK_TEST_KAFKA_USER` and `…_PASSWORD`) the client tests run against that Apache Kafka instead, unchanged; what
//! only makes sense with the files at hand is left out then and says so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "broker/access.rs"]
mod access;
#[path = "broker/bounds.rs"]
mod bounds;
#[path = "broker/clients.rs"]
mod clients;
#[path = "broker/compaction.rs"]
mod compaction;
#[path = "broker/crash.rs"]
mod crash;
#[path = "broker/disk.rs"]
mod disk;
#[path = "broker/full.rs"]
mod full;
#[path = "broker/generations.rs"]
mod generations;
#[path = "broker/groups.rs"]
mod groups;
#[path = "broker/harness.rs"]
mod harness;
#[path = "broker/power.rs"]
mod power;
#[path = "broker/records.rs"]
mod records;
#[path = "broker/syscalls.rs"]
mod syscalls;
#[path = "broker/topics.rs"]
mod topics;
#[path = "broker/unsupported.rs"]
mod unsupported;
#[path = "broker/wire.rs"]
mod wire;
#[path = "broker/wreck.rs"]
mod wreck;
