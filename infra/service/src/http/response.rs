//! Responses and what turns into one.

use super::Body;
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// A response with all its bytes.
pub type Response = http::Response<Body>;

/// A typed rejection, or anything else that has a response.
pub trait IntoResponse {
    /// The response that says it.
    fn into_response(self) -> Response;
}

/// JSON in, JSON out, with its schema in the OpenAPI document.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

/// `value` as JSON. A value that cannot be written (a map with keys that are no text) is a 500.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => with(status, HeaderValue::from_static("application/json"), bytes.into()),
        Err(error) => {
            tracing::error!(%error, "cannot write a response as json");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            with(status, HeaderValue::from_static("application/json"), Bytes::from_static(b"{}"))
        }
    }
}

/// Plain text in UTF-8.
pub fn text(status: StatusCode, text: impl Into<String>) -> Response {
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    with(status, kind, Bytes::from(text.into()))
}

pub(super) fn with(status: StatusCode, kind: HeaderValue, bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Forbids browsers to guess another type than the named one, and caches to store an answer unless its endpoint allows it: a signed
/// request may be a `GET`.
pub(super) fn set_security_headers(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl IntoResponse for std::convert::Infallible {
    fn into_response(self) -> Response {
        match self {}
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }
}
