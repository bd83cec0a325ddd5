//! `GET /openapi.json`: the API, rendered from the operations that are mounted.

use serde_json::Value;
use service::http::{self, Endpoint, Method, Request, Response, StatusCode};
use std::convert::Infallible;

/// The document.
pub struct OpenApi(pub Value);

impl Endpoint for OpenApi {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/openapi.json";
    const SUMMARY: &'static str = "This document";
    const TAG: &'static str = "documentation";
    const BODY_LIMIT: usize = crate::param::bounds::LONGEST_BODY;
    type Input = Request;
    type Output = Response;
    type Error = Infallible;

    async fn call(&self, _: Request) -> Result<Response, Infallible> {
        Ok(http::json(StatusCode::OK, &self.0))
    }
}
