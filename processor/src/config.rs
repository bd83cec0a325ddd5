//! `[processor]`.

use crate::project::GroupingConfig;
use crate::retention::Retention;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::config::{Size, Span};
use service::http::Limits;

/// How the processor works. The defaults suit one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address of health and metrics; port 0 picks a free one.
    pub listen: String,
    /// Raised by an operator when a topic was deleted and created again, so that new offsets are not confused with old ones.
    pub log_generation: u16,
    /// The group gives the partitions of a processor to others when it has not heard of it for this long.
    pub session_timeout: Span,
    /// Bytes that are read ahead for the worker of each partition.
    pub prefetch: Size,
    /// Timeout of an insert or a query. The outcome of an insert is unknown then and is looked up.
    pub table_timeout: Span,
    /// When a slice ends.
    pub slice: SliceLimits,
    /// How re-deliveries are recognised.
    pub dedupe: Dedupe,
    /// Rules of projects for their issues.
    pub grouping: GroupingConfig,
    /// Limits of the server for health and metrics.
    pub http: Limits,
    /// The former place of `[kafka] group`. Whoever reads the configuration refuses it and says where the key is now.
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub group: Option<String>,
    /// The section `[retention]`, filled in after the whole configuration was read. It is not a key of this section.
    #[schemars(skip)]
    pub retention: Retention,
}

/// A slice ends at the first of these limits. It never spans two log days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SliceLimits {
    /// At most this many records.
    pub records: usize,
    /// At most this many bytes; a single record may be larger.
    pub bytes: Size,
    /// At most this long after its first record was read.
    pub linger: Span,
}

/// The window of ids of delivered reports, for each partition. Re-deliveries are recognised exactly with any values: ids outside the window are
/// looked up in the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dedupe {
    /// How long the id of a delivery is remembered.
    pub window: Span,
    /// The most ids that are remembered; each takes about 40 bytes.
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
            slice: SliceLimits::default(),
            dedupe: Dedupe::default(),
            grouping: GroupingConfig::default(),
            http: Limits::default(),
            group: None,
            retention: Retention::default(),
        }
    }
}

impl Default for SliceLimits {
    fn default() -> Self {
        Self { records: 10_000, bytes: Size::mib(16), linger: Span::seconds(1) }
    }
}

impl Default for Dedupe {
    fn default() -> Self {
        Self { window: Span::seconds(2 * 3600), ids: 1_000_000 }
    }
}
