//! `POST /v1/common/log/message/report`: dialect 1.

use super::advised;
use crate::accept::{Way, accept_one, too_large};
use crate::authenticate::by_key_or_default;
use crate::dialect::{BODY_LIMIT, log_message, name};
use crate::edge::Edge;
use crate::rejection::Rejection;
use crate::throttle::WithoutDevice;
use schemas::record::RawReport;
use serde::Serialize;
use service::http::{Endpoint, IntoResponse, Method, Request, Response, StatusCode, json};
use std::sync::Arc;

const WAY: Way<RawReport> = Way {
    dialect: name::LOG_MESSAGE,
    identify: by_key_or_default,
    read: |request, received| Ok(vec![Ok(log_message::parse(&request.body, received)?)]),
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
    const METHODS: &'static [Method] = &[Method::POST];
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
        let receipt = accept_one(&self.0, &WAY, &request).await;
        let receipt = receipt.map_err(|rejection| Refusal { rejection, always_200: self.0.always_200 })?;
        Ok(json(StatusCode::OK, &Reply { code: 0, msg: "OK", data: Some(Stored { id: receipt.content_id }) }))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, msg) = self.rejection.log_message_code();
        let status = if self.always_200 { StatusCode::OK } else { self.rejection.status() };
        advised(json(status, &Reply::<Stored> { code, msg, data: None }), &self.rejection)
    }
}
