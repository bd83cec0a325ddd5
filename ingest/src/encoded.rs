//! A record as it is carried to the log: already encoded, with the few facts that limits and replies need.
//!
//! A report of fifty bytes in the request may take a thousand as a struct, and a request may hold a thousand reports. So one
//! report at a time is a struct; what waits for the log is bytes.

use crate::item::{Item, Kind, Receipt};
use crate::rejection::Rejection;
use schemas::record::{self, Connection, RawReport, Record};
use std::fmt;
use std::time::Duration;

/// When a client may try again after a record could not be encoded.
const RETRY_AFTER_FAILURE: Duration = Duration::from_secs(2);
/// Bytes of the id, the content's number and the count, which stand behind the record.
const FACTS: usize = 16 + 8 + 4;

/// A record that waits for the log.
#[derive(PartialEq)]
pub struct EncodedRecord {
    /// The record as the log has it; behind it the facts: its id, the number of its content, its count, its device.
    bytes: Box<[u8]>,
    /// Bytes of the record.
    length: u32,
    kind: Kind,
    is_fatal: bool,
}

impl EncodedRecord {
    /// Encodes a record.
    pub(crate) fn of<R: Item>(record: R) -> Result<Self, Rejection> {
        let failed = || Rejection::LogUnavailable { retry_after: RETRY_AFTER_FAILURE };
        let Receipt { id, content_id } = record.receipt();
        let device = record.device();
        let bytes = record::encode_with(&record, FACTS + device.len(), |bytes| {
            bytes.extend_from_slice(&id);
            bytes.extend_from_slice(&content_id.to_be_bytes());
            bytes.extend_from_slice(&record.count().to_be_bytes());
            bytes.extend_from_slice(device.as_bytes());
        });
        let bytes = bytes.map_err(|error| {
            tracing::error!(topic = <R as Record>::TOPIC, %error, "cannot encode a record");
            failed()
        })?;
        let length = u32::try_from(bytes.len() - FACTS - device.len()).map_err(|_| failed())?;
        Ok(Self { bytes: bytes.into_boxed_slice(), length, kind: R::KIND, is_fatal: record.is_fatal() })
    }

    /// Which kind of record it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The device's id as the client sent it; may be empty.
    pub(crate) fn device(&self) -> &str {
        std::str::from_utf8(self.facts().get(FACTS..).unwrap_or_default()).unwrap_or_default()
    }

    /// Whether the app crashed or hung.
    pub(crate) fn is_fatal(&self) -> bool {
        self.is_fatal
    }

    /// How many occurrences the record stands for.
    pub(crate) fn count(&self) -> u32 {
        let mut count = [0; 4];
        count.copy_from_slice(self.facts().get(24..FACTS).unwrap_or(&[0; 4]));
        u32::from_be_bytes(count)
    }

    /// The receipt once the record is in the log.
    pub(crate) fn receipt(&self) -> Receipt {
        let (mut id, mut number) = ([0; 16], [0; 8]);
        if let Some(facts) = self.facts().get(..FACTS) {
            id.copy_from_slice(&facts[..16]);
            number.copy_from_slice(&facts[16..24]);
        }
        Receipt { id, content_id: u64::from_be_bytes(number) }
    }

    /// Bytes of the record in the log.
    pub(crate) fn length(&self) -> usize {
        self.length as usize
    }

    /// The record as the log has it.
    pub(crate) fn into_payload(self) -> Vec<u8> {
        let length = self.length();
        let mut bytes = self.bytes.into_vec();
        bytes.truncate(length);
        bytes
    }

    /// The record, decoded.
    pub(crate) fn record<R: Record>(&self) -> Result<R, record::Error> {
        record::decode(self.bytes.get(..self.length()).unwrap_or_default())
    }

    fn facts(&self) -> &[u8] {
        self.bytes.get(self.length()..).unwrap_or_default()
    }
}

/// Shows the record.
impl fmt::Debug for EncodedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn show<R: fmt::Debug>(record: Result<R, record::Error>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match record {
                Ok(record) => record.fmt(f),
                Err(error) => error.fmt(f),
            }
        }
        match self.kind {
            Kind::Report => show(self.record::<RawReport>(), f),
            Kind::Connection => show(self.record::<Connection>(), f),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use schemas::ids::{Digest, ReportId};
    use schemas::record::Category;

    #[test]
    fn the_facts_of_a_record_are_those_it_was_encoded_with() {
        let report = RawReport {
            report_id: ReportId([7; 16]),
            digest: Digest([9; 32]),
            device_id: "设备".to_owned(),
            exp_message: "崩溃".repeat(10_000),
            ..RawReport::new("app", "native", Category::Anr, 5)
        };
        let encoded = EncodedRecord::of(report.clone()).unwrap();
        assert_eq!((encoded.device(), encoded.is_fatal(), encoded.count()), (report.device_id.as_str(), true, 1));
        assert_eq!((encoded.kind(), encoded.receipt()), (Kind::Report, report.receipt()));
        assert_eq!(encoded.record::<RawReport>().unwrap(), report);
        let payload = record::encode(&report).unwrap();
        assert_eq!((encoded.length(), encoded.into_payload()), (payload.len(), payload));
    }

    #[test]
    fn an_item_that_waits_is_small() {
        let size = size_of::<Result<EncodedRecord, Rejection>>();
        assert!(size <= 32, "{size}");
    }
}
