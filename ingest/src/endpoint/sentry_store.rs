//! `POST /api/{project}/store/`: dialect 4 as older clients speak it.

use super::sentry_reply::{Refusal, reply};
use crate::dialect::{BODY_LIMIT, sentry};
use crate::edge::Edge;
use crate::parcel;
use service::http::{Endpoint, IntoResponse, Method, Request, Response};
use std::sync::Arc;

/// Takes one event.
pub(crate) struct SentryStore(pub(crate) Arc<Edge>);

impl Endpoint for SentryStore {
    const METHODS: &'static [Method] = &[Method::POST];
    const PATH: &'static str = "/api/{project}/store";
    const SUMMARY: &'static str = "Take one event (dialect 4, older clients)";
    const TAG: &'static str = "sentry";
    const BODY_LIMIT: usize = BODY_LIMIT;
    type Input = Request;
    type Output = Response;
    type Error = Refusal;

    fn too_large(&self, _: &str) -> Response {
        Refusal(parcel::too_large(&self.0, Self::BODY_LIMIT)).into_response()
    }

    async fn call(&self, request: Request) -> Result<Response, Refusal> {
        parcel::accept(&self.0, sentry::read_store, &request).await.map(|receipts| reply(&receipts)).map_err(Refusal)
    }
}
