//! `POST /v1/common/log/message/report`: dialect 1, plain or through the device channel, which may also put the sealed
//! report in the query of a GET.
//!
//! A sealed request's reply is sealed as well: its `data` member, which errors do not have.

use super::advised;
use crate::accept::{Way, accept_sealable, too_large};
use crate::authenticate::by_key_or_default;
use crate::dialect::{BODY_LIMIT, log_message, name};
use crate::edge::Edge;
use crate::encoded::Ready;
use crate::rejection::Rejection;
use crate::throttle::WithoutDevice;
use schemas::record::RawReport;
use serde::Serialize;
use service::http::{Endpoint, HeaderValue, IntoResponse, Method, Request, Response, StatusCode, header, json};
use std::sync::Arc;

const WAY: Way<RawReport> = Way {
    dialect: name::LOG_MESSAGE,
    identify: by_key_or_default,
    read: |_, body, received| Ok(vec![Ready::of(log_message::parse(body, received)?)]),
    without_device: WithoutDevice::Address,
};

/// Takes one message.
pub(crate) struct LogMessage(pub(crate) Arc<Edge>);

/// A rejection in this dialect's words.
pub(crate) struct Refusal {
    rejection: Rejection,
    always_200: bool,
}

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

impl Endpoint for LogMessage {
    const METHODS: &'static [Method] = &[Method::POST, Method::GET];
    const PATH: &'static str = "/v1/common/log/message/report";
    const SUMMARY: &'static str = "Report one log message (dialect 1)";
    const TAG: &'static str = "log message";
    const BODY_LIMIT: usize = BODY_LIMIT;
    type Input = Request;
    type Output = Response;
    type Error = Refusal;

    fn too_large(&self, _: &str) -> Response {
        let rejection = too_large(&self.0, &WAY, Self::BODY_LIMIT);
        Refusal { rejection, always_200: self.0.always_200 }.into_response()
    }

    async fn call(&self, request: Request) -> Result<Response, Refusal> {
        let taken = accept_sealable(&self.0, &WAY, &request).await;
        let (receipt, channel) = taken.map_err(|rejection| Refusal { rejection, always_200: self.0.always_200 })?;
        let stored = Stored { id: receipt.content_id };
        let mut response = match channel {
            None => done(Some(stored)),
            Some(channel) => done(serde_json::to_vec(&stored).ok().and_then(|text| channel.seal(text, self.0.fresh()))),
        };
        if request.method == Method::GET {
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        Ok(response)
    }
}

fn done<T: Serialize>(data: Option<T>) -> Response {
    json(StatusCode::OK, &Reply { code: 0, msg: "OK", data })
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, msg) = self.rejection.log_message_code();
        let status = if self.always_200 { StatusCode::OK } else { self.rejection.status() };
        advised(json(status, &Reply::<Stored> { code, msg, data: None }), &self.rejection)
    }
}
