//! The replies of the native dialect, item by item.

use super::replies::{Replies, advised};
use crate::batch::Items;
use crate::item::Receipt;
use crate::rejection::{Rejection, Scope};
use schemas::ids::ReportId;
use serde::{Serialize, Serializer};
use service::http::{Response, StatusCode, json};

/// Of reports.
pub(super) const REPORTS: Replies =
    Replies { accepted: |_, _, accepted| reply(&accepted.receipts.reports), refused: |_, rejection| refused(rejection) };

/// Of connections.
pub(super) const CONNECTIONS: Replies =
    Replies { accepted: |_, _, accepted| reply(&accepted.receipts.connections), refused: |_, rejection| refused(rejection) };

/// What became of each item of a request.
#[derive(Serialize)]
struct Reply<'a> {
    accepted: usize,
    rejected: Vec<Fault<'a>>,
    ids: Vec<Option<Id>>,
}

/// Why an item was not taken.
#[derive(Serialize)]
struct Fault<'a> {
    index: usize,
    #[serde(flatten)]
    reason: Reason<'a>,
}

#[derive(Serialize)]
struct Reason<'a> {
    code: &'static str,
    #[serde(serialize_with = "shown")]
    message: &'a Rejection,
    /// Whose limit it was over.
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'static str>,
    /// Seconds after which it may pass.
    #[serde(rename = "retryAfter", skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

/// The reply to a request of which no item was looked at.
#[derive(Serialize)]
struct Whole<'a> {
    accepted: usize,
    rejected: [Fault<'a>; 0],
    ids: [Option<Id>; 0],
    #[serde(flatten)]
    reason: Reason<'a>,
}

/// Hex digits.
struct Id(ReportId);

impl Serialize for Id {
    /// As [`ReportId`] shows itself, at a tenth of the cost: every accepted report has one in its reply.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        match std::str::from_utf8(&digits) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_str(&self.0),
        }
    }
}

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

fn shown<S: Serializer>(rejection: &&Rejection, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(rejection)
}

impl<'a> Reason<'a> {
    fn of(rejection: &'a Rejection) -> Self {
        let scope = rejection.scope().map(Scope::name);
        Self { code: rejection.code(), message: rejection, scope, retry_after: scope.and(rejection.retry_after()) }
    }
}

/// The reply to a request that was refused as a whole.
fn refused(rejection: &Rejection) -> Response {
    let body = Whole { accepted: 0, rejected: [], ids: [], reason: Reason::of(rejection) };
    advised(json(rejection.status(), &body), rejection)
}

/// The reply to a request whose items were looked at one by one.
fn reply(items: &Items<Receipt>) -> Response {
    let rejections: Vec<&Rejection> = items.iter().filter_map(|item| item.as_ref().err()).collect();
    let faults = items.iter().enumerate().filter_map(|(index, item)| Some(Fault { index, reason: Reason::of(item.as_ref().err()?) }));
    let body = Reply {
        accepted: items.len() - rejections.len(),
        rejected: faults.collect(),
        ids: items.iter().map(|item| item.as_ref().ok().map(|receipt| Id(ReportId(receipt.id)))).collect(),
    };
    let (status, decisive) = verdict(body.accepted, &rejections);
    let response = json(status, &body);
    match decisive {
        Some(rejection) => advised(response, rejection),
        None => response,
    }
}

/// The status, and the rejection that decides it and says when to try again: an outage before all others, a limit where
/// nothing else was wrong.
pub(super) fn verdict<'a>(accepted: usize, rejections: &[&'a Rejection]) -> (StatusCode, Option<&'a Rejection>) {
    let outage = rejections.iter().find(|rejection| matches!(rejection, Rejection::LogUnavailable { .. }));
    if let Some(outage) = outage {
        return (outage.status(), Some(outage));
    }
    let longest = rejections.iter().max_by_key(|rejection| rejection.retry_after());
    match (accepted, longest) {
        (0, Some(longest)) if rejections.iter().all(|rejection| rejection.status() == longest.status()) => {
            (longest.status(), Some(longest))
        }
        (0, _) => (StatusCode::BAD_REQUEST, None),
        (_, longest) => (StatusCode::OK, longest.copied()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_in_replies_are_those_of_the_log(bytes in any::<[u8; 16]>()) {
            let id = ReportId(bytes);
            prop_assert_eq!(serde_json::to_string(&Id(id)).unwrap(), format!("\"{id}\""));
        }
    }
}
