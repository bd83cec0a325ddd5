//! Every shape that crosses a process boundary.
//!
//! ```text
//! record   what is in the log      (Avro, `avro/*.avsc`)
//! row      what is in the tables   (ClickHouse, `clickhouse/*.sql`)
//! ids, device, digest, time, version, outcome   the words both are made of
//! commit_note   what a processor commits beside an offset
//! catalogue   the releases, folded: what the edge and the query service keep in memory
//! ```
//!
//! Invariants: nothing here is async, reads a clock or touches the outside; a released `.avsc` or `.sql` file is never
//! edited, a change is a new numbered file.

pub mod catalogue;
pub mod category;
pub mod commit_note;
pub mod device;
pub mod digest;
pub mod grouping;
pub mod ids;
pub mod migration;
pub mod outcome;
pub mod platform;
pub mod record;
pub mod row;
pub mod time;
pub mod version;
