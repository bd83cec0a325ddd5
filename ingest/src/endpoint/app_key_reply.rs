//! The replies of the app-key dialect: `{"code":200,"message":"...","data":{...}}`.

use super::replies::{Replies, advised};
use crate::accept::Accepted;
use crate::rejection::Rejection;
use serde::Serialize;
use service::http::{Response, StatusCode, json};

/// Of an error.
pub(super) const ERROR_REPORT: Replies =
    Replies { accepted: |_, _, accepted| recorded(accepted, "错误上报成功"), refused: |_, rejection| refused(rejection) };

/// Of a heartbeat.
pub(super) const HEARTBEAT: Replies =
    Replies { accepted: |_, _, accepted| recorded(accepted, "心跳记录成功"), refused: |_, rejection| refused(rejection) };

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

/// The reply to a record, which is in the log or was refused.
fn recorded(accepted: &Accepted, message: &str) -> Response {
    match accepted.receipts.single() {
        Ok(_) => answered(message, &Recorded { recorded: true }),
        Err(rejection) => refused(&rejection),
    }
}

/// The reply to a question.
pub(super) fn answered<T: Serialize>(message: &str, data: &T) -> Response {
    json(StatusCode::OK, &Reply { code: 200, message, data: Some(data) })
}

/// The reply to a request that was refused.
pub(super) fn refused(rejection: &Rejection) -> Response {
    let status = rejection.status();
    let message = rejection.app_key_message();
    advised(json(status, &Reply { code: status.as_u16(), message: &message, data: None::<()> }), rejection)
}
