//! What the replies of all dialects have in common.

use crate::accept::Accepted;
use crate::edge::Edge;
use crate::rejection::Rejection;
use service::http::{HeaderName, HeaderValue, Request, Response, header};

/// How a dialect answers.
pub(super) struct Replies {
    /// Its records were looked at one by one.
    pub(super) accepted: fn(&Edge, &Request, &Accepted) -> Response,
    /// The request was refused as a whole.
    pub(super) refused: fn(&Edge, &Rejection) -> Response,
}

/// The header that says whose limit a request was over: `device`, `address` or `app`.
const LIMIT_SCOPE: HeaderName = HeaderName::from_static("x-limit-scope");

/// The response with what a rejection says about trying again, and whose limit it was.
pub(super) fn advised(mut response: Response, rejection: &Rejection) -> Response {
    if let Some(scope) = rejection.scope() {
        response.headers_mut().insert(LIMIT_SCOPE, HeaderValue::from_static(scope.name()));
    }
    if let Some(seconds) = rejection.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
