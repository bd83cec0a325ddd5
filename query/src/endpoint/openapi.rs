//! `GET /openapi.json`: the API, rendered from the operations that are mounted.

use serde_json::Value;
use service::http::{Body, Bytes, Endpoint, HeaderValue, Method, Request, Response, header};
use std::convert::Infallible;

/// The OpenAPI document of this API, written once.
pub struct OpenApi(Bytes);

impl OpenApi {
    /// Serves `document`.
    #[must_use]
    pub fn new(document: &Value) -> Self {
        Self(document.to_string().into())
    }
}

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
        let mut response = Response::new(Body::from(self.0.clone()));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }
}
