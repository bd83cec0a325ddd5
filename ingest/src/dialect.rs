//! The wire dialects: each turns the bytes of a request into a [`Batch`](crate::batch::Batch) of records, as a pure function.
//!
//! ```text
//! bytes → inflate (native, Sentry) → json_records or object: the JSON, read once → the dialect's draft: its fields → a record
//! ```
//!
//! Whatever a client sends, memory follows its bytes: every text, list and map has a bound in `bounds.rs`, kept before anything
//! is copied or multiplied, and of many items one at a time is a struct, the others are bytes for the log (`crate::encoded`).
//!
//! Rules that all dialects share. `null` is an absent field, item or entry. Of a repeated key the last one counts. An empty text
//! is an absent one. `occurredAt: 0` is an absent time: clients that never set the time send it. Numbers without a fraction are
//! integers however they are written. A lone half of a surrogate pair becomes U+FFFD. Fields that a dialect does not know are
//! kept as JSON in `extra`, at most 128 levels deep and within bounds. Hashes are taken of what was sent, before any cut.

pub mod app_key;
mod bounded;
pub(crate) mod bounds;
mod copy_budget;
pub(crate) mod cut;
mod extra;
pub(crate) mod inflate;
mod json_records;
pub mod log_message;
pub mod native;
pub mod native_connection;
mod object;
mod platform;
pub mod sentry;
mod surrogate;
mod value;
pub mod version_check;

use crate::rejection::Rejection;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use schemas::record::RawReport;

/// A wire dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// One log message with an optional stack: `/v1/common/log/message/report`.
    LogMessage,
    /// The app's key in the body: `/api/v1/error/report`, `/api/v1/user/heartbeat`.
    AppKey,
    /// All that the queries can ask for: `/v1/reports`, `/v1/connections`.
    Native,
    /// What Sentry's client libraries send: `/api/{project}/envelope/`, `/api/{project}/store/`.
    Sentry,
}

/// Every dialect, in the order of its discriminant.
pub const DIALECTS: [Dialect; 4] = [Dialect::LogMessage, Dialect::AppKey, Dialect::Native, Dialect::Sentry];

impl Dialect {
    /// Its name in the records and on the metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LogMessage => "log-message",
            Self::AppKey => "app-key",
            Self::Native => "native",
            Self::Sentry => "sentry",
        }
    }
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

/// Authenticates the sender by the key of an app that the body names (empty where it names none), and gives what the server
/// knows of the request.
pub type Identify<'a> = &'a dyn Fn(&str) -> Result<Received, Rejection>;

/// When it occurred; clients that never set the time send 0.
fn occurred(occurred_at: Option<i64>) -> Option<i64> {
    occurred_at.filter(|at| *at != 0)
}

fn required<'a>(name: &str, value: &'a str) -> Result<&'a str, Rejection> {
    if value.is_empty() { Err(Rejection::invalid(format!("{name}: is required"))) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_stands_at_its_place_in_the_list() {
        for (place, dialect) in DIALECTS.into_iter().enumerate() {
            assert_eq!(dialect as usize, place, "{}", dialect.name());
        }
    }
}
