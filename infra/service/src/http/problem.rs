//! The error body of requests that reach no endpoint or cannot be read.

use super::{IntoResponse, Response, response};
use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// `{timestamp, status, error, message, path}`.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The status of the response.
    pub status: StatusCode,
    /// What is wrong, safe to show to the caller.
    pub message: String,
    /// The path that was asked for.
    pub path: String,
}

impl Problem {
    /// A problem with the request for `path`.
    pub fn new(status: StatusCode, path: &str, message: &str) -> Self {
        Problem { status, message: message.to_owned(), path: path.to_owned() }
    }

    /// The body as it is at `now`.
    pub fn body(&self, now: DateTime<Utc>) -> serde_json::Value {
        json!({
            "timestamp": now.to_rfc3339_opts(SecondsFormat::Millis, true),
            "status": self.status.as_u16(),
            "error": self.status.canonical_reason().unwrap_or("Unknown"),
            "message": self.message,
            "path": self.path,
        })
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let bytes = self.body(Utc::now()).to_string();
        response::with(self.status, HeaderValue::from_static("application/json"), bytes.into())
    }
}

/// 503 that asks to come back after `seconds`.
pub fn busy(path: &str, message: &str, seconds: u32) -> Response {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, path, message);
    let mut response = problem.into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}
