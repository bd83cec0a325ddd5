//! The whole pipeline, from outside: real HTTP in, the real Kafka protocol and the real ClickHouse engine between, real HTTP out.
//!
//! With `AFTERSHOCK_TEST_KAFKA=host:port` (and `AFTERSHOCK_TEST_KAFKA_PASSWORD`) the same suite runs on that Apache Kafka instead of the embedded log (`make test-kafka`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

/// Starts `aftershock`, speaks to it, waits on conditions.
mod harness;

/// Devices of a day, a week and a month against an independent count.
mod active;
/// Sealed reports, with another implementation of the ciphers; and what each app decides for itself, read again under way.
mod device_channel;
/// A report's way through every dialect to a trend point, an issue and a crash detail.
mod journey;
/// One hot crash over all partitions.
mod storm;

/// The log asks who is there, and lets each role do its work.
mod access;
/// What every client may see go wrong, seen as the client sees it.
mod rejections;
/// Releases: published, offered, forced, rolled out, withdrawn, and still there after everything.
mod releases;

/// A known multiset of reports against an independent fold, while everything is killed with -9.
mod exactness;
/// States that only a crash at the worst moment leaves behind, forged one by one.
mod forged;
/// Records that do harm: each costs itself, and a stream that cannot go on stands still alone.
mod poison;
/// The log replayed into empty tables gives the same rows.
mod rebuild;
/// `aftershock replay`: tables made again from the log and put in place, beside a group that goes on.
mod replay;
/// Several processors share the partitions of one group.
mod sharing;

/// Users, clients and strangers against one another.
mod abuse;
/// A disk that fills up, and what leaves so that it does not.
mod disk;
/// ClickHouse over TLS.
mod encrypted_tables;
/// Users of the query service against one another.
mod fairness;
/// Hundreds of hostile clients beside a few ordinary ones.
mod hostile;
/// What a signal asks for.
mod leaving;
/// What `/metrics` says, read as strictly as Prometheus does.
mod metrics;
/// What happens to one role of a standalone does not reach the others.
mod roles;
/// The certificate of a running edge, and a connection's way through it.
mod sealed;
/// The log taken away at full load.
mod soak;

/// Which reports have the same content.
mod contents;
/// Starts that a client counted together.
mod counted;
/// Real payloads and texts go through whole (skipped where they are absent).
mod real_input;
/// Hours, days, versions and countries out of projections only.
mod rollup;

/// Client libraries of Sentry, unmodified, in five languages (those whose tools are there).
mod sdk;

/// Issues merged, shown as one everywhere, and taken apart again.
mod aliases;
/// Labelled sets of real reports, scored (skipped where they are absent).
mod grouping;
/// What belongs to one issue by a project's rules, by links, by resemblance.
mod identity;
/// The same reports as another build, machine or user would send them (skipped where they are absent).
mod stability;
/// How many pairs that grouping leaves apart are suggested (skipped where the sets are absent).
mod suggestions;

/// The programs in `examples/`.
mod examples;

/// What is handed out for containers.
mod deploy;
/// The rules of the house: floors, doors, lengths, dead paths in the documents.
mod tidy;
/// Packages and snapshots that nothing uses.
mod unused;
