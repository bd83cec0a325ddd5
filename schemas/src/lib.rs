//! Every shape that crosses a process boundary.
//!
//! ```text
//! record        the records of the log        (Avro, `avro/*.avsc`)
//! row           the rows of the tables        (ClickHouse, `clickhouse/*.sql`)
//! migration     the statements that make the tables
//! commit_note   what a processor commits beside an offset
//! catalogue     the releases, folded: what the edge and the query service keep in memory
//! category, platform, grouping, ids, device, digest, time, version, outcome   the values of records and rows
//! ```
//!
//! Invariants: nothing here is async, reads a clock or does I/O. A released `.avsc` or `.sql` file is never edited; a change is a new numbered
//! file.

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
