//! Responses and what turns into one.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Body, Endpoint, Input, Output, Problem, Request};

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

/// 503 that asks to come back after `seconds`.
pub fn busy(path: &str, message: &str, seconds: u32) -> Response {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, path, message);
    let mut response = problem.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

pub(super) fn with(status: StatusCode, kind: HeaderValue, bytes: Bytes) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Forbids browsers to guess another type than the one named, and everybody to keep an answer whose endpoint does not allow it: a signed
/// question may be a `GET`.
pub(super) fn guard(response: &mut Response) {
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

impl Output for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl<T: Serialize + JsonSchema> Output for Json<T> {
    fn into_response(self) -> Response {
        json(StatusCode::OK, &self.0)
    }

    fn schema(generator: &mut schemars::SchemaGenerator) -> Option<schemars::Schema> {
        Some(generator.subschema_for::<T>())
    }
}

impl Input for Request {
    fn from_request(request: Request) -> Result<Self, Response> {
        Ok(request)
    }
}

impl<T: DeserializeOwned + JsonSchema + Send> Input for Json<T> {
    fn from_request(request: Request) -> Result<Self, Response> {
        serde_json::from_slice(&request.body).map(Json).map_err(|error| {
            let message = format!("the body is not the JSON this endpoint takes: {error}");
            Problem::new(StatusCode::BAD_REQUEST, &request.path, &message).into_response()
        })
    }

    fn schema(generator: &mut schemars::SchemaGenerator) -> Option<schemars::Schema> {
        Some(generator.subschema_for::<T>())
    }
}

/// The response of an endpoint that was given a request.
pub(super) async fn answer<E: Endpoint>(endpoint: &E, request: Request) -> Response {
    let input = match E::Input::from_request(request) {
        Ok(input) => input,
        Err(response) => return response,
    };
    match endpoint.call(input).await {
        Ok(output) => output.into_response(),
        Err(error) => error.into_response(),
    }
}
