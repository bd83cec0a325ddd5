//! The replies of the log-message dialect: `{"code":0,"msg":"OK","data":{...}}`.
//!
//! The reply to a sealed request is sealed as well: its `data` member, which errors do not have.

use super::replies::{Replies, advised};
use crate::accept::Accepted;
use crate::edge::Edge;
use crate::rejection::Rejection;
use serde::Serialize;
use service::http::{HeaderValue, Method, Request, Response, StatusCode, header, json};

/// Of a log message.
pub(super) const REPLIES: Replies = Replies { accepted: stored, refused };

#[derive(Serialize)]
struct Reply<T> {
    code: u32,
    msg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
}

#[derive(Serialize)]
struct Stored {
    id: u64,
}

fn stored(edge: &Edge, request: &Request, accepted: &Accepted) -> Response {
    let stored = match accepted.receipts.single() {
        Ok(receipt) => Stored { id: receipt.content_id },
        Err(rejection) => return refused(edge, &rejection),
    };
    let mut response = match &accepted.channel {
        None => done(Some(stored)),
        Some(channel) => done(serde_json::to_vec(&stored).ok().and_then(|text| channel.seal(text, edge.fresh()))),
    };
    if request.method == Method::GET {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

fn done<T: Serialize>(data: Option<T>) -> Response {
    json(StatusCode::OK, &Reply { code: 0, msg: "OK", data })
}

fn refused(edge: &Edge, rejection: &Rejection) -> Response {
    let (code, msg) = rejection.log_message_code();
    let status = if edge.always_200 { StatusCode::OK } else { rejection.status() };
    advised(json(status, &Reply::<Stored> { code, msg, data: None }), rejection)
}
