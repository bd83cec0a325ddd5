//! `rejected_report`: a dead letter, which keeps a record that could not be processed.

use super::{Codec, Record};
use serde::{Deserialize, Serialize};

/// One dead letter. Each position of the log counts once. The fields are described in `avro/rejected_report.1.avsc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedReport {
    pub source_topic: String,
    pub source_partition: i32,
    pub source_offset: i64,
    /// Why the record was rejected: a stable code.
    pub reason: String,
    #[serde(default)]
    pub message: String,
    /// Append time of the rejected record, Unix milliseconds.
    pub appended_at: i64,
    #[serde(default, with = "serde_bytes")]
    pub key: Option<Vec<u8>>,
    #[serde(default, with = "serde_bytes")]
    pub payload: Vec<u8>,
}

impl Record for RejectedReport {
    const TOPIC: &'static str = "rejected-reports";
    const SCHEMAS: &'static [&'static str] = &[include_str!("../../avro/rejected_report.1.avsc")];

    /// `topic:partition:offset` of the rejected record. A slice that is repeated writes the same key again.
    fn key(&self) -> Vec<u8> {
        format!("{}:{}:{}", self.source_topic, self.source_partition, self.source_offset).into_bytes()
    }

    fn codec() -> &'static Codec {
        static CODEC: Codec = Codec::new();
        &CODEC
    }
}
