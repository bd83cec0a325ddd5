//! The embedded log, driven from outside: real TCP, librdkafka and hand-made requests.
//!
//! With `AFTERSHOCK_TEST_KAFKA=host:port` (and an account in `AFTERSHOCK_TEST_KAFKA_USER` and `…_PASSWORD`) the client tests run against that Apache Kafka instead, unchanged; what
//! only makes sense with the files at hand is left out then and says so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod bounds;
mod clients;
mod compaction;
mod crash;
mod disk;
mod full;
mod generations;
mod groups;
mod harness;
mod power;
mod records;
mod syscalls;
mod topics;
mod unsupported;
mod wire;
mod wreck;
