//! The replies of dialect 4: `{"id":"..."}`, and what its clients go by when they are refused.

use super::advised;
use super::many::verdict;
use crate::accept::Receipt;
use crate::dialect::Items;
use crate::parcel::Receipts;
use crate::rejection::Rejection;
use schemas::ids::ReportId;
use serde::Serialize;
use service::http::{HeaderName, HeaderValue, IntoResponse, Response, StatusCode, json};

/// Why a request or its items were refused, for the client's log.
const ERROR: HeaderName = HeaderName::from_static("x-sentry-error");
/// Which kinds of items should wait how long.
const RATE_LIMITS: HeaderName = HeaderName::from_static("x-sentry-rate-limits");

/// What clients call the things that are limited.
const REPORTS: &str = "default;error;security";
const CONNECTIONS: &str = "session";

#[derive(Serialize)]
struct Taken<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
}

#[derive(Serialize)]
struct Refused<'a> {
    detail: &'a str,
}

/// A request refused as a whole.
pub(crate) struct Refusal(pub(crate) Rejection);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        refused(self.0.status(), &self.0, &[(REPORTS, &self.0), (CONNECTIONS, &self.0)])
    }
}

/// The reply to a request whose items were looked at one by one. Where nothing was taken and something refused, the
/// refusal is the answer; what is not used counts as neither.
pub(super) fn reply(receipts: &Receipts) -> Response {
    let faults = |items: &Items<Receipt>| -> Vec<Rejection> { items.iter().filter_map(|item| item.as_ref().err().cloned()).collect() };
    let (of_reports, of_connections) = (faults(&receipts.reports), faults(&receipts.connections));
    let limits: Vec<(&str, &Rejection)> = longest(REPORTS, &of_reports).into_iter().chain(longest(CONNECTIONS, &of_connections)).collect();
    let rejections: Vec<&Rejection> = of_reports.iter().chain(&of_connections).collect();
    let Some(first) = rejections.first() else { return json(StatusCode::OK, &Taken { id: &event_id(receipts) }) };
    let taken = receipts.reports.len() + receipts.connections.len() - rejections.len();
    match verdict(taken, &rejections) {
        (StatusCode::OK, _) => limited(json(StatusCode::OK, &Taken { id: &event_id(receipts) }), &limits),
        (status, spokesman) => refused(status, spokesman.unwrap_or(first), &limits),
    }
}

/// The client's own id, else the log's: both are 32 digits.
fn event_id(receipts: &Receipts) -> String {
    let first = receipts.reports.iter().find_map(|item| item.as_ref().ok());
    match (receipts.event_id.as_str(), first) {
        ("", Some(receipt)) => ReportId(receipt.id).to_string().to_lowercase(),
        (named, _) => named.to_owned(),
    }
}

fn longest<'a, 'r>(categories: &'a str, rejections: &'r [Rejection]) -> Option<(&'a str, &'r Rejection)> {
    let limited = rejections.iter().filter(|rejection| matches!(rejection, Rejection::TooManyRequests { .. }));
    limited.max_by_key(|rejection| rejection.retry_after()).map(|rejection| (categories, rejection))
}

fn refused(status: StatusCode, rejection: &Rejection, limits: &[(&str, &Rejection)]) -> Response {
    let detail = rejection.to_string();
    let mut response = limited(json(status, &Refused { detail: &detail }), limits);
    // A header holds visible ASCII only; the body holds all of it.
    let visible: String = detail.chars().map(|letter| if (' '..='~').contains(&letter) { letter } else { '?' }).collect();
    if let Ok(value) = HeaderValue::from_str(&visible) {
        response.headers_mut().insert(ERROR, value);
    }
    advised(response, rejection)
}

/// `seconds:categories:scope:reason` for each kind that should wait.
fn limited(mut response: Response, limits: &[(&str, &Rejection)]) -> Response {
    let limit = |(categories, rejection): &(&str, &Rejection)| match rejection {
        Rejection::TooManyRequests { .. } => Some(format!("{}:{categories}:key:too_many_requests", rejection.retry_after()?)),
        _ => None,
    };
    let value = limits.iter().filter_map(limit).collect::<Vec<_>>().join(", ");
    if let Some(value) = HeaderValue::from_str(&value).ok().filter(|value| !value.is_empty()) {
        response.headers_mut().insert(RATE_LIMITS, value);
    }
    response
}
