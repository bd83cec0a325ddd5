//! The replies of dialect 2: `{"code":200,"message":"...","data":{...}}`.

use super::advised;
use crate::rejection::Rejection;
use serde::Serialize;
use service::http::{IntoResponse, Response, StatusCode, json};

/// A rejection in this dialect's words.
pub(crate) struct Refusal(pub(crate) Rejection);

#[derive(Serialize)]
struct Reply<'a, T> {
    code: u16,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
}

#[derive(Serialize)]
struct Recorded {
    recorded: bool,
}

/// It is in the log.
pub(super) fn recorded(message: &str) -> Response {
    answered(message, &Recorded { recorded: true })
}

/// Here is what was asked for.
pub(super) fn answered<T: Serialize>(message: &str, data: &T) -> Response {
    json(StatusCode::OK, &Reply { code: 200, message, data: Some(data) })
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.0.status();
        let message = self.0.app_key_message();
        advised(json(status, &Reply { code: status.as_u16(), message: &message, data: None::<()> }), &self.0)
    }
}
