//! `POST /v1/reports`: dialect 3.

use super::native_reply::{Refusal, reply, shape};
use crate::accept::{Way, accept, too_large};
use crate::authenticate::by_key;
use crate::dialect::{BODY_LIMIT, name, native};
use crate::edge::Edge;
use crate::throttle::WithoutDevice;
use schemas::record::RawReport;
use service::http::{Endpoint, IntoResponse, Method, Request, Response};
use std::sync::Arc;

const WAY: Way<RawReport> = Way {
    dialect: name::NATIVE,
    identify: by_key,
    read: |request, body, received| native::parse(body, shape(request), received),
    without_device: WithoutDevice::Nothing,
};

/// Takes reports.
pub(crate) struct Reports(pub(crate) Arc<Edge>);

impl Endpoint for Reports {
    const METHODS: &'static [Method] = &[Method::POST];
    const PATH: &'static str = "/v1/reports";
    const SUMMARY: &'static str = "Report crashes, ANRs and errors, one, an array or one a line (dialect 3)";
    const TAG: &'static str = "native";
    const BODY_LIMIT: usize = BODY_LIMIT;
    type Input = Request;
    type Output = Response;
    type Error = Refusal;

    fn too_large(&self, _: &str) -> Response {
        Refusal(too_large(&self.0, &WAY, Self::BODY_LIMIT)).into_response()
    }

    async fn call(&self, request: Request) -> Result<Response, Refusal> {
        let items = accept(&self.0, &WAY, &request).await.map_err(Refusal)?;
        Ok(reply(&items))
    }
}
