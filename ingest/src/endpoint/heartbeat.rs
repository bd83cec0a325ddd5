//! `POST /api/v1/user/heartbeat`: dialect 2, a sign of life.

use super::app_key_reply::{Refusal, recorded};
use crate::accept::{Way, accept_one, too_large};
use crate::authenticate::by_body;
use crate::dialect::{app_key, name};
use crate::edge::Edge;
use crate::encoded::Ready;
use crate::throttle::WithoutDevice;
use schemas::record::Connection;
use service::http::{Endpoint, IntoResponse, Method, Request, Response};
use std::sync::Arc;

const WAY: Way<Connection> = Way {
    dialect: name::APP_KEY,
    identify: by_body,
    read: |_, body, received| Ok(vec![Ready::of(app_key::parse_heartbeat(body, received)?)]),
    without_device: WithoutDevice::Address,
};

/// A heartbeat is a few short texts.
const HEARTBEAT_LIMIT: usize = 1 << 20;

/// Takes one heartbeat.
pub(crate) struct Heartbeat(pub(crate) Arc<Edge>);

impl Endpoint for Heartbeat {
    const METHODS: &'static [Method] = &[Method::POST];
    const PATH: &'static str = "/api/v1/user/heartbeat";
    const SUMMARY: &'static str = "Record a heartbeat (dialect 2)";
    const TAG: &'static str = "app key";
    const BODY_LIMIT: usize = HEARTBEAT_LIMIT;
    type Input = Request;
    type Output = Response;
    type Error = Refusal;

    fn too_large(&self, _: &str) -> Response {
        Refusal(too_large(&self.0, &WAY, Self::BODY_LIMIT)).into_response()
    }

    async fn call(&self, request: Request) -> Result<Response, Refusal> {
        accept_one(&self.0, &WAY, &request).await.map_err(Refusal)?;
        Ok(recorded("心跳记录成功"))
    }
}
