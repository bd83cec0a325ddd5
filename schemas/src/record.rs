//! The records of the log, in Avro's single-object encoding: the marker `C3 01`, the Rabin fingerprint of the writer's schema, the datum.
//!
//! A reader finds the writer's schema by the fingerprint and reads the datum with it. Fields are matched by name: a field that the writer did not
//! know takes its default, a field that the reader does not know is skipped. So old records stay readable, and an installation upgrades its
//! readers first.

mod connection;
mod datum;
mod issue_change;
mod raw_report;
mod rejected_report;
mod release;

pub use crate::category::Category;
pub use connection::{Connection, ConnectionKind};
pub use datum::Datum;
pub use issue_change::IssueChange;
pub use raw_report::{Attachment, MAX_ITEMS, RawReport, Thread};
pub use rejected_report::RejectedReport;
pub use release::Release;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_avro_fast::ser::SerializerConfig;
use std::cell::RefCell;
use std::sync::OnceLock;

/// Bytes before the datum: the marker and the fingerprint.
const HEADER: usize = 10;
const MARKER: [u8; 2] = [0xC3, 0x01];
/// The longest datum that is decoded, in bytes: more than any record that the log accepts.
const MAX_RECORD_BYTES: usize = 64 << 20;
/// A buffer that grew larger than this is not kept.
const LARGEST_SCRATCH: usize = 256 << 10;

/// Topics whose records are folded into tables: what processors consume.
pub const TABLE_TOPICS: [&str; 4] = [RawReport::TOPIC, Connection::TOPIC, IssueChange::TOPIC, RejectedReport::TOPIC];

/// Every topic.
pub const TOPICS: [&str; 5] = [RawReport::TOPIC, Connection::TOPIC, IssueChange::TOPIC, RejectedReport::TOPIC, Release::TOPIC];

/// A kind of record in the log.
pub trait Record: Serialize + DeserializeOwned + 'static {
    /// The topic of these records.
    const TOPIC: &'static str;
    /// Every released schema, oldest first. Records are written with the last one.
    const SCHEMAS: &'static [&'static str];
    /// A writer for the newest schema, where the library's writer costs too much.
    const WRITE: Option<fn(&Self, &mut Datum<'_>)> = None;

    /// The key: records with equal keys are in the same partition.
    fn key(&self) -> Vec<u8>;

    /// The parsed schemas, from one `static` for each kind of record.
    fn codec() -> &'static Codec;
}

/// Why a record could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes do not begin with the marker of single-object encoding.
    #[error("not an avro single object")]
    NotSingleObject,
    /// The writer's schema was never released.
    #[error("unknown writer schema {0:016x}")]
    UnknownSchema(u64),
    /// The datum does not fit the schema its header names.
    #[error("the datum does not fit its schema: {0}")]
    Datum(String),
    /// A released schema file cannot be parsed: a fault of the build.
    #[error("a released schema cannot be parsed: {0}")]
    Schema(String),
}

/// The parsed schemas of a record.
pub struct Codec {
    schemas: OnceLock<Result<Vec<serde_avro_fast::Schema>, String>>,
}

impl Codec {
    /// A codec for a `static`; it parses the schemas on first use.
    #[must_use]
    pub const fn new() -> Self {
        Self { schemas: OnceLock::new() }
    }

    fn schemas(&self, sources: &[&str]) -> Result<&[serde_avro_fast::Schema], Error> {
        let parse = |source: &&str| source.parse::<serde_avro_fast::Schema>().map_err(|error| error.to_string());
        match self.schemas.get_or_init(|| sources.iter().map(parse).collect()) {
            Ok(schemas) => Ok(schemas),
            Err(message) => Err(Error::Schema(message.clone())),
        }
    }
}

impl Default for Codec {
    fn default() -> Self {
        Self::new()
    }
}

/// Encodes a record with its newest schema.
pub fn encode<R: Record>(record: &R) -> Result<Vec<u8>, Error> {
    encode_with(record, 0, |_| {})
}

/// Encodes a record with its newest schema, with room for `more` bytes that `append` puts behind the record.
pub fn encode_with<R: Record>(record: &R, more: usize, append: impl FnOnce(&mut Vec<u8>)) -> Result<Vec<u8>, Error> {
    let schemas = R::codec().schemas(R::SCHEMAS)?;
    let newest = schemas.last().ok_or_else(|| Error::Schema("none released".to_owned()))?;
    SCRATCH.with_borrow_mut(|scratch| {
        let mut bytes = std::mem::take(scratch);
        bytes.clear();
        bytes.extend_from_slice(&MARKER);
        bytes.extend_from_slice(newest.rabin_fingerprint());
        let bytes = match R::WRITE {
            Some(write) => {
                write(record, &mut Datum::behind(&mut bytes));
                bytes
            }
            None => {
                let written = serde_avro_fast::to_datum(record, bytes, &mut SerializerConfig::new(newest));
                written.map_err(|error| Error::Datum(error.to_string()))?
            }
        };
        let mut exact = Vec::with_capacity(bytes.len() + more);
        exact.extend_from_slice(&bytes);
        append(&mut exact);
        if bytes.capacity() <= LARGEST_SCRATCH {
            *scratch = bytes;
        }
        Ok(exact)
    })
}

thread_local! {
    /// Where a record is written before its length is known: growing a fresh buffer would copy it several times.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Decodes a record of any released schema.
pub fn decode<R: Record>(bytes: &[u8]) -> Result<R, Error> {
    let Some((header, datum)) = bytes.split_at_checked(HEADER) else { return Err(Error::NotSingleObject) };
    if header[..2] != MARKER {
        return Err(Error::NotSingleObject);
    }
    if datum.len() > MAX_RECORD_BYTES {
        return Err(Error::Datum(format!("longer than {MAX_RECORD_BYTES} bytes")));
    }
    let schemas = R::codec().schemas(R::SCHEMAS)?;
    let writer = schemas.iter().rev().find(|schema| schema.rabin_fingerprint()[..] == header[2..]).ok_or_else(|| unknown_schema(header))?;
    serde_avro_fast::from_datum_slice(datum, writer).map_err(|error| Error::Datum(error.to_string()))
}

fn unknown_schema(header: &[u8]) -> Error {
    let mut fingerprint = [0; 8];
    fingerprint.copy_from_slice(&header[2..HEADER]);
    Error::UnknownSchema(u64::from_le_bytes(fingerprint))
}

#[cfg(test)]
mod tests;
