//! The two kinds of records that clients send, and what the edge asks of each.

use crate::metrics;
use schemas::record::{Category, Connection, RawReport, Record};
use service::telemetry::{Counter, Metric};

/// A kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A crash, an ANR or an error.
    Report,
    /// A start of an SDK, or a heartbeat.
    Connection,
}

impl Kind {
    /// Every kind, in the order of its discriminant.
    pub(crate) const ALL: [Self; 2] = [Self::Report, Self::Connection];

    /// The topic of the log that takes it.
    pub(crate) fn topic(self) -> &'static str {
        match self {
            Self::Report => RawReport::TOPIC,
            Self::Connection => Connection::TOPIC,
        }
    }

    /// The metric that counts it, by dialect, outcome and reason.
    pub(crate) fn metric(self) -> &'static Metric<Counter, 3> {
        match self {
            Self::Report => &metrics::REPORTS,
            Self::Connection => &metrics::CONNECTIONS,
        }
    }
}

/// The edge's promise that a record is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The id of the delivery, which is the record's key in the log.
    pub id: [u8; 16],
    /// The number of the content, which the log-message dialect answers with; 0 for a connection.
    pub content_id: u64,
}

/// A record that clients send.
pub trait Item: Record {
    /// Which kind it is.
    const KIND: Kind;

    /// The device's id as the client sent it; may be empty.
    fn device(&self) -> &str;

    /// Whether the app crashed or hung.
    fn is_fatal(&self) -> bool;

    /// How many occurrences the record stands for.
    fn count(&self) -> u32;

    /// The receipt once the record is in the log.
    fn receipt(&self) -> Receipt;
}

impl Item for RawReport {
    const KIND: Kind = Kind::Report;

    fn device(&self) -> &str {
        &self.device_id
    }

    fn is_fatal(&self) -> bool {
        self.category != Category::Error
    }

    fn count(&self) -> u32 {
        1
    }

    fn receipt(&self) -> Receipt {
        Receipt { id: self.report_id.0, content_id: self.content_number() }
    }
}

impl Item for Connection {
    const KIND: Kind = Kind::Connection;

    fn device(&self) -> &str {
        &self.device_id
    }

    fn is_fatal(&self) -> bool {
        false
    }

    fn count(&self) -> u32 {
        self.count
    }

    fn receipt(&self) -> Receipt {
        Receipt { id: self.connection_id.0, content_id: 0 }
    }
}
