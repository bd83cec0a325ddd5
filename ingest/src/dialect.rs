//! The wire dialects: each turns the bytes of a request into records, purely.
//!
//! ```text
//! bytes → inflate (native only) → batch or object: the JSON, read once → the dialect's draft: its fields → a record
//! ```
//!
//! Whatever a client sends, memory follows its bytes: every text, list and map has a bound in `bounds.rs`, kept before anything is
//! copied or multiplied, and of many items one at a time is a record, the others are bytes for the log (`crate::ready`).
//!
//! Rules that all dialects share. `null` is an absent field, item or entry; of a repeated key the last one counts; an empty text is an
//! absent one; `occurredAt: 0` is an absent time (what clients send that never set it). Numbers without a fraction are
//! integers however they are written. A lone half of a surrogate pair becomes U+FFFD. Fields that a dialect does not
//! know are kept as JSON in `extra`, at most 128 levels deep and within bounds. Hashes are taken of what was sent, before any cut.

mod copy_budget;
pub mod app_key;
pub(crate) mod json_records;
pub(crate) mod bounds;
mod bounded;
pub(crate) mod cut;
mod extra;
mod inflate;
pub mod log_message;
pub mod native;
pub mod native_connection;
mod object;
mod platform;
pub mod sentry;
mod surrogate;
mod value;
pub mod version_check;

pub(crate) use inflate::beginning;

use crate::rejection::Rejection;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use schemas::record::RawReport;

/// Names of the dialects as they stand in the records and on the metrics.
pub mod name {
    /// Dialect 1, `/v1/common/log/message/report`.
    pub const LOG_MESSAGE: &str = "log-message";
    /// Dialect 2, `/api/v1/...` with the key in the body.
    pub const APP_KEY: &str = "app-key";
    /// Dialect 3, `/v1/reports` and `/v1/connections`.
    pub const NATIVE: &str = "native";
    /// Dialect 4, `/api/{project}/envelope/` and `/api/{project}/store/`.
    pub const SENTRY: &str = "sentry";
}

/// Most bytes of a request's body, before and after decompression.
pub const BODY_LIMIT: usize = bounds::BODY;

/// Base64 with or without padding.
pub(crate) const BASE64: GeneralPurpose =
    GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// What the server knows of a request, besides its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// The app that the caller was authenticated as.
    pub app_id: String,
    /// The edge's clock, Unix milliseconds.
    pub received_at: i64,
    /// The client's address; empty = not known.
    pub client_ip: String,
    /// `User-Agent`.
    pub user_agent: String,
    /// The first language of `Accept-Language`.
    pub locale: String,
    /// Random; makes records without event id and time unlike any other. Item `i` of a batch uses `nonce + i`.
    pub nonce: u128,
    /// The name of a sealed text, the same each time it is sent; empty where the report came plain.
    pub sealed_as: String,
}

impl Received {
    /// The nonce of item `index` of a batch.
    fn nonce_of(&self, index: usize) -> u128 {
        self.nonce.wrapping_add(u128::try_from(index).unwrap_or_default())
    }

    /// Fills in what the server knows of a report.
    fn describe(&self, report: &mut RawReport) {
        report.client_ip.clone_from(&self.client_ip);
        report.user_agent.clone_from(&self.user_agent);
        report.locale.clone_from(&self.locale);
    }
}

/// What came of each item of a request, in its order.
pub type Items<R> = Vec<Result<R, Rejection>>;

/// 0 is what clients send that never set the time: none.
fn moment(occurred_at: Option<i64>) -> Option<i64> {
    occurred_at.filter(|at| *at != 0)
}

fn required<'a>(name: &str, value: &'a str) -> Result<&'a str, Rejection> {
    if value.is_empty() { Err(Rejection::invalid(format!("{name}: is required"))) } else { Ok(value) }
}
