//! The replies of the Sentry dialect: `{"id":"..."}`, and what its clients go by when they are refused.

use super::native_reply::verdict;
use super::replies::{Replies, advised};
use crate::batch::{Items, Receipts};
use crate::item::{Kind, Receipt};
use crate::rejection::{Limit, Rejection, Scope};
use schemas::ids::ReportId;
use serde::Serialize;
use service::http::{HeaderName, HeaderValue, Response, StatusCode, json};

/// Why a request or its items were refused, for the client's log.
const ERROR: HeaderName = HeaderName::from_static("x-sentry-error");
/// Which kinds of items should wait how long.
const RATE_LIMITS: HeaderName = HeaderName::from_static("x-sentry-rate-limits");

/// Of an envelope or an event.
pub(super) const REPLIES: Replies =
    Replies { accepted: |_, _, accepted| reply(&accepted.receipts), refused: |_, rejection| refused_whole(rejection) };

/// A category that clients have nothing of. A limit of it stops nothing, and keeps a client from taking `Retry-After` for a
/// limit of all it has.
const NOTHING: &str = "default";

#[derive(Serialize)]
struct Taken<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
}

#[derive(Serialize)]
struct Refused<'a> {
    detail: &'a str,
}

/// The reply to a request that was refused as a whole.
fn refused_whole(rejection: &Rejection) -> Response {
    refused(rejection.status(), rejection, &[(Kind::Report, rejection), (Kind::Connection, rejection)])
}

/// The category of items that a client should hold back for a while. A client may report for many devices, and sends crashes
/// under the same category as other errors: it is told to hold back neither where only one device or lesser errors are limited.
fn held_back(kind: Kind, limit: Limit) -> &'static str {
    match (kind, limit.scope()) {
        (_, Scope::Device) => NOTHING,
        (Kind::Report, Scope::Address | Scope::App) if limit.spares_crashes() => NOTHING,
        (Kind::Report, Scope::Address | Scope::App) => "error",
        (Kind::Connection, Scope::Address | Scope::App) => "session",
    }
}

/// The reply to a request whose items were looked at one by one. Where nothing was taken and something refused, the
/// refusal is the answer; what is not used counts as neither.
fn reply(receipts: &Receipts) -> Response {
    let faults = |items: &Items<Receipt>| -> Vec<Rejection> { items.iter().filter_map(|item| item.as_ref().err().cloned()).collect() };
    let (of_reports, of_connections) = (faults(&receipts.reports), faults(&receipts.connections));
    let limits: Vec<(Kind, &Rejection)> =
        longest(Kind::Report, &of_reports).into_iter().chain(longest(Kind::Connection, &of_connections)).collect();
    let rejections: Vec<&Rejection> = of_reports.iter().chain(&of_connections).collect();
    let Some(first) = rejections.first() else { return json(StatusCode::OK, &Taken { id: &event_id(receipts) }) };
    let taken = receipts.reports.len() + receipts.connections.len() - rejections.len();
    match verdict(taken, &rejections) {
        (StatusCode::OK, _) => limited(json(StatusCode::OK, &Taken { id: &event_id(receipts) }), &limits),
        (status, decisive) => refused(status, decisive.unwrap_or(first), &limits),
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

/// Of the limits of a kind the one that holds the most back, and of these the longest.
fn longest(kind: Kind, rejections: &[Rejection]) -> Option<(Kind, &Rejection)> {
    let weight = |rejection: &&Rejection| {
        let Rejection::TooManyRequests { limit, .. } = rejection else { return None };
        Some((held_back(kind, *limit) != NOTHING, rejection.retry_after()))
    };
    let limited = rejections.iter().filter(|rejection| weight(rejection).is_some());
    limited.max_by_key(weight).map(|rejection| (kind, rejection))
}

fn refused(status: StatusCode, rejection: &Rejection, limits: &[(Kind, &Rejection)]) -> Response {
    let detail = rejection.to_string();
    let mut response = limited(json(status, &Refused { detail: &detail }), limits);
    // A header holds visible ASCII only; the body holds all of it.
    let visible: String = detail.chars().map(|letter| if (' '..='~').contains(&letter) { letter } else { '?' }).collect();
    if let Ok(value) = HeaderValue::from_str(&visible) {
        response.headers_mut().insert(ERROR, value);
    }
    advised(response, rejection)
}

/// `seconds:category:scope:reason` for each kind that is limited. Clients know the scopes `key` and `project`; the reason says
/// whom the limit is of.
fn limited(mut response: Response, limits: &[(Kind, &Rejection)]) -> Response {
    let value = limits.iter().filter_map(|(kind, rejection)| {
        let Rejection::TooManyRequests { limit, .. } = rejection else { return None };
        let scope = if limit.scope() == Scope::App { "project" } else { "key" };
        Some(format!("{}:{}:{scope}:{}", rejection.retry_after()?, held_back(*kind, *limit), limit.scope().name()))
    });
    let value = value.collect::<Vec<_>>().join(", ");
    if let Some(value) = HeaderValue::from_str(&value).ok().filter(|value| !value.is_empty()) {
        response.headers_mut().insert(RATE_LIMITS, value);
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::time::Duration;

    fn told(reports: Vec<Limit>, connections: Vec<Limit>, taken: usize) -> (u16, String, Option<String>) {
        let over = |limit| Err(Rejection::TooManyRequests { limit, retry_after: Duration::from_secs(7) });
        let fine = (0..taken).map(|_| Ok(Receipt { id: [1; 16], content_id: 1 }));
        let reports = reports.into_iter().map(over).chain(fine).collect();
        let receipts = Receipts { event_id: String::new(), reports, connections: connections.into_iter().map(over).collect() };
        let response = reply(&receipts);
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), header("x-sentry-rate-limits").unwrap(), header("x-limit-scope"))
    }

    #[test]
    fn a_client_holds_back_what_is_limited_and_no_more() {
        let scope = |name: &str| Some(name.to_owned());
        assert_eq!(told(vec![Limit::Address], vec![], 0), (429, "7:error:key:address".to_owned(), scope("address")));
        assert_eq!(
            told(vec![Limit::AppDay], vec![Limit::AppDay], 0),
            (429, "7:error:project:app, 7:session:project:app".to_owned(), scope("app"))
        );
        assert_eq!(
            told(vec![Limit::Device], vec![], 0),
            (429, "7:default:key:device".to_owned(), scope("device")),
            "others report by it too"
        );
        assert_eq!(
            told(vec![Limit::AppMinuteShared], vec![], 0),
            (429, "7:default:project:app".to_owned(), scope("app")),
            "a crash would pass"
        );
        assert_eq!(
            told(vec![], vec![Limit::AppMinuteShared], 0),
            (429, "7:session:project:app".to_owned(), scope("app")),
            "a start is no crash"
        );
        assert_eq!(told(vec![Limit::Device, Limit::Address], vec![], 0).1, "7:error:key:address", "the wider of two");
        assert_eq!(told(vec![Limit::Device], vec![], 1).0, 200, "one of two was taken");
    }
}
