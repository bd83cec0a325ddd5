//! A record as the recipe carries it: written for the log already, with the few facts that limits and replies ask for.
//!
//! A report that is a thousand bytes in memory may have been fifty in the request, and a request may hold a thousand of them:
//! one at a time is read and written, what waits for the log is bytes.

use crate::accept::{Item, Receipt};
use crate::rejection::Rejection;
use schemas::record::{self, Record};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// When to come again after a record could not be written.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// The id, the content's number and the count, behind the record.
const FACTS: usize = 16 + 8 + 4;

/// A record that waits for the log.
pub struct Ready<R> {
    /// The record as the log has it; behind it the facts: its id, the number of its content, how many it stands for, its device.
    bytes: Box<[u8]>,
    /// Bytes of the record.
    length: u32,
    is_fatal: bool,
    kind: PhantomData<fn() -> R>,
}

impl<R: Item + Record> Ready<R> {
    /// Writes a record.
    pub(crate) fn of(record: R) -> Result<Self, Rejection> {
        let failed = || Rejection::LogUnavailable { retry_after: AFTER_FAILURE };
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
        Ok(Self { bytes: bytes.into_boxed_slice(), length, is_fatal: record.is_fatal(), kind: PhantomData })
    }
}

impl<R> Ready<R> {
    /// Bytes of the record in the log.
    pub(crate) fn length(&self) -> usize {
        self.length as usize
    }

    /// The bytes themselves.
    pub(crate) fn into_payload(self) -> Vec<u8> {
        let length = self.length();
        let mut bytes = self.bytes.into_vec();
        bytes.truncate(length);
        bytes
    }

    fn facts(&self) -> &[u8] {
        self.bytes.get(self.length()..).unwrap_or_default()
    }
}

impl<R: Record> Ready<R> {
    /// The record, read back.
    pub(crate) fn record(&self) -> Result<R, record::Error> {
        record::decode(self.bytes.get(..self.length()).unwrap_or_default())
    }
}

impl<R: Item> Item for Ready<R> {
    const TOPIC: &'static str = R::TOPIC;
    const METRIC: (&'static str, &'static str) = R::METRIC;
    const IS_REPORT: bool = R::IS_REPORT;

    fn device(&self) -> &str {
        std::str::from_utf8(self.facts().get(FACTS..).unwrap_or_default()).unwrap_or_default()
    }

    fn is_fatal(&self) -> bool {
        self.is_fatal
    }

    fn count(&self) -> u32 {
        let mut count = [0; 4];
        count.copy_from_slice(self.facts().get(24..FACTS).unwrap_or(&[0; 4]));
        u32::from_be_bytes(count)
    }

    fn receipt(&self) -> Receipt {
        let (mut id, mut number) = ([0; 16], [0; 8]);
        if let Some(facts) = self.facts().get(..FACTS) {
            id.copy_from_slice(&facts[..16]);
            number.copy_from_slice(&facts[16..24]);
        }
        Receipt { id, content_id: u64::from_be_bytes(number) }
    }
}

/// Shows the record.
impl<R: Record + fmt::Debug> fmt::Debug for Ready<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.record() {
            Ok(record) => record.fmt(f),
            Err(error) => error.fmt(f),
        }
    }
}

impl<R> PartialEq for Ready<R> {
    fn eq(&self, other: &Self) -> bool {
        self.length == other.length && self.bytes == other.bytes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use schemas::ids::{Digest, ReportId};
    use schemas::record::{Category, RawReport};

    #[test]
    fn the_facts_of_a_record_are_those_it_was_written_with() {
        let report = RawReport {
            report_id: ReportId([7; 16]),
            digest: Digest([9; 32]),
            device_id: "设备".to_owned(),
            exp_message: "崩溃".repeat(10_000),
            ..RawReport::new("app", "native", Category::Anr, 5)
        };
        let ready = Ready::of(report.clone()).unwrap();
        assert_eq!((ready.device(), ready.is_fatal(), ready.count()), (report.device_id.as_str(), true, 1));
        assert_eq!(ready.receipt(), report.receipt());
        assert_eq!(ready.record().unwrap(), report);
        let payload = record::encode(&report).unwrap();
        assert_eq!((ready.length(), ready.into_payload()), (payload.len(), payload));
    }

    #[test]
    fn an_item_that_waits_is_small() {
        assert!(size_of::<Result<Ready<RawReport>, Rejection>>() <= 32, "{}", size_of::<Result<Ready<RawReport>, Rejection>>());
    }
}
