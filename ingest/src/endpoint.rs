//! The endpoints: each names its way through the recipe and writes the replies of its dialect.

mod connections;
mod error_report;
mod heartbeat;
mod log_message_reply;
mod native_reply;
mod reports;
mod sentry_envelope;
mod sentry_reply;
mod sentry_store;
mod version_check;

mod app_key_reply;

pub(crate) use connections::Connections;
pub(crate) use error_report::ErrorReport;
pub(crate) use heartbeat::Heartbeat;
pub(crate) use log_message_reply::LogMessage;
pub(crate) use reports::Reports;
pub(crate) use sentry_envelope::SentryEnvelope;
pub(crate) use sentry_store::SentryStore;
pub(crate) use version_check::VersionCheck;

use crate::rejection::Rejection;
use service::http::{HeaderName, HeaderValue, Response, header};

/// Whom the limit is of that a request was over: `device`, `address` or `app`.
const LIMIT_SCOPE: HeaderName = HeaderName::from_static("x-limit-scope");

/// The response with what a rejection says about trying again, and who should.
fn advised(mut response: Response, rejection: &Rejection) -> Response {
    if let Some(scope) = rejection.scope() {
        response.headers_mut().insert(LIMIT_SCOPE, HeaderValue::from_static(scope.name()));
    }
    if let Some(seconds) = rejection.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
