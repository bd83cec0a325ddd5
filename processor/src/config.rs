//! `[processor]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::config::{Size, Span};
use service::http::Limits;

use crate::project::Grouping;
use crate::retention::Retention;

/// How the processor works. The defaults suit one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address of health and metrics; port 0 picks a free one.
    pub listen: String,
    /// Raised by an operator when a topic was made anew, so that its offsets do not meet those of the old one.
    pub log_generation: u16,
    /// After this long without a sign of life the group gives a processor's partitions to others.
    pub session_timeout: Span,
    /// Bytes read ahead of each partition's worker.
    pub prefetch: Size,
    /// An insert or a query that takes longer has an unknown outcome and is looked up.
    pub table_timeout: Span,
    /// Where a run of records ends.
    pub slice: Slice,
    /// How re-deliveries are found.
    pub dedupe: Dedupe,
    /// What projects decide about their issues.
    pub grouping: Grouping,
    /// Bounds of the health server.
    pub http: Limits,
    /// The former place of `[kafka] group`. Whoever reads the configuration refuses it and says where the key is now.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub group: Option<String>,
    /// `[retention]`, filled in by whoever reads the whole configuration; no key of this section, and handed on with the rest of it.
    #[schemars(skip)]
    pub retention: Retention,
}

/// A slice ends at whichever comes first; it never spans two log days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Slice {
    /// At most this many records.
    pub records: usize,
    /// At most this many bytes, one record excepted.
    pub bytes: Size,
    /// At most this long after the first record was seen.
    pub linger: Span,
}

/// The memory for ids of delivered reports, per partition. Exact whatever the values: what memory does not cover is looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dedupe {
    /// Ids of deliveries no older than this are remembered.
    pub window: Span,
    /// At most this many ids are; about 40 bytes each.
    pub ids: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8082".to_owned(),
            log_generation: 0,
            session_timeout: Span::seconds(10),
            prefetch: Size::mib(16),
            table_timeout: Span::seconds(60),
            slice: Slice::default(),
            dedupe: Dedupe::default(),
            grouping: Grouping::default(),
            http: Limits::default(),
            group: None,
            retention: Retention::default(),
        }
    }
}

impl Default for Slice {
    fn default() -> Self {
        Self { records: 10_000, bytes: Size::mib(16), linger: Span::seconds(1) }
    }
}

impl Default for Dedupe {
    fn default() -> Self {
        Self { window: Span::seconds(2 * 3600), ids: 1_000_000 }
    }
}
