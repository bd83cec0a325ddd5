//! Cross-origin resource sharing (CORS, part of the Fetch standard): what browsers ask before a page of another origin may send,
//! and what they must be told before the page may read.
//!
//! Which origin may use which key is decided by the endpoints. Here only origins that no app names are refused, because a preflight
//! carries no key. Requests without `Origin` do not come from such a page.

use super::{Body, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Seconds for which a browser need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("3600");
/// Headers of replies that a page may read.
const EXPOSED: HeaderValue = HeaderValue::from_static("retry-after, x-limit-scope, x-sentry-rate-limits, x-sentry-error");

/// Which origins are allowed by any app.
pub(super) struct CrossOrigin(pub(super) Box<dyn Fn(&str) -> bool + Send + Sync>);

impl CrossOrigin {
    /// The origin of a request whose page may read the reply.
    pub(super) fn of(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        (self.0)(origin.to_str().ok()?).then(|| origin.clone())
    }
}

/// Whether a request is a browser's preflight.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(header::ORIGIN) && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight for a path that takes the `allowed` methods; [`allow_origin`] says whether the page may read it.
pub(super) fn preflight(is_allowed: bool, allowed: &[Method], headers: &HeaderMap) -> Response {
    let mut response = Response::new(Body::default());
    *response.status_mut() = if is_allowed { StatusCode::NO_CONTENT } else { StatusCode::FORBIDDEN };
    let answer = response.headers_mut();
    if is_allowed {
        let names = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        if let Ok(names) = HeaderValue::from_str(&names) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, names);
        }
        // Whatever a client sets is read or ignored: no header does harm.
        if let Some(asked) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
    response
}

/// Lets the page of `origin` read the response.
pub(super) fn allow_origin(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}
