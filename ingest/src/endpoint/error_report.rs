//! `POST /api/v1/error/report`: dialect 2, an error.

use super::app_key_reply::{Refusal, recorded};
use crate::accept::{Way, accept_one, too_large};
use crate::authenticate::by_body;
use crate::dialect::{BODY_LIMIT, app_key, name};
use crate::edge::Edge;
use crate::encoded::Ready;
use crate::throttle::WithoutDevice;
use schemas::record::RawReport;
use service::http::{Endpoint, IntoResponse, Method, Request, Response};
use std::sync::Arc;

const WAY: Way<RawReport> = Way {
    dialect: name::APP_KEY,
    identify: by_body,
    read: |_, body, received| Ok(vec![Ready::of(app_key::parse_error(body, received)?)]),
    without_device: WithoutDevice::Address,
};

/// Takes one error.
pub(crate) struct ErrorReport(pub(crate) Arc<Edge>);

impl Endpoint for ErrorReport {
    const METHODS: &'static [Method] = &[Method::POST];
    const PATH: &'static str = "/api/v1/error/report";
    const SUMMARY: &'static str = "Report one error (dialect 2)";
    const TAG: &'static str = "app key";
    const BODY_LIMIT: usize = BODY_LIMIT;
    type Input = Request;
    type Output = Response;
    type Error = Refusal;

    fn too_large(&self, _: &str) -> Response {
        Refusal(too_large(&self.0, &WAY, Self::BODY_LIMIT)).into_response()
    }

    async fn call(&self, request: Request) -> Result<Response, Refusal> {
        accept_one(&self.0, &WAY, &request).await.map_err(Refusal)?;
        Ok(recorded("错误上报成功"))
    }
}
