//! What the admin operations of the app-key dialect have in common: its envelope `{code, message, data}`, whose code is the HTTP status.

use crate::error::{Error, Rejection};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use service::http::{self, HeaderValue, IntoResponse, Response, StatusCode, header};

/// When to come again while the log or the tables are away.
const AFTER_SILENCE: u64 = 2;

/// `{code: 200, message: "OK", data}`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AppKeyReply_{T}")]
pub struct Reply<T> {
    code: u16,
    message: &'static str,
    data: T,
}

/// Why an operation was not done.
pub struct Refusal(Error);

impl<T> Reply<T> {
    /// A success.
    pub fn ok(data: T) -> Self {
        Self { code: StatusCode::OK.as_u16(), message: "OK", data }
    }
}

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let status = match &error {
            Error::Rejected(rejection) => match rejection {
                Rejection::TokenEmpty | Rejection::TokenInvalid | Rejection::AuthenticationFailed => StatusCode::UNAUTHORIZED,
                Rejection::Forbidden => StatusCode::FORBIDDEN,
                Rejection::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
                Rejection::Unreadable(_) | Rejection::InvalidParameter { .. } | Rejection::TooLarge => StatusCode::BAD_REQUEST,
                Rejection::NotFound(_) => StatusCode::NOT_FOUND,
                Rejection::NoReleaseKey => StatusCode::CONFLICT,
            },
            Error::Record(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Error::Store(_) | Error::Log(_) | Error::Serve(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let message = match &error {
            Error::Rejected(_) => error.to_string(),
            Error::Record(_) | Error::Store(_) | Error::Log(_) | Error::Serve(_) => {
                tracing::error!(%error, "cannot do an admin operation");
                "the log or the tables gave no answer, try again later".to_owned()
            }
        };
        let wait = match &error {
            Error::Rejected(Rejection::TooManyRequests(wait)) => Some(wait.seconds()),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => Some(AFTER_SILENCE),
            _ => None,
        };
        let mut response = http::json(status, &json!({"code": status.as_u16(), "message": message}));
        if let Some(wait) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
        }
        response
    }
}
