//! `/healthz`, `/readyz` and `/metrics`, the same for every role. Only the first is answered also by a full server: the others take time.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode};
use serde_json::json;

use super::{Endpoint, Request, Response, Router, json as json_response, response, text};
use crate::telemetry;

/// A future on the heap.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A readiness check that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Mounts `/healthz` alone: what a public port says about its service.
pub fn alive(router: Router) -> Router {
    router.mount(Alive)
}

/// Mounts the three. `ready` says what is missing, or `Ok` where the role can do its work.
pub fn health<F>(router: Router, ready: F) -> Router
where
    F: Fn() -> BoxFuture<Result<(), String>> + Send + Sync + 'static,
{
    alive(router).mount(Ready(ready)).mount(Metrics)
}

struct Alive;

impl Endpoint for Alive {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/healthz";
    const SUMMARY: &'static str = "Whether the process is alive";
    const TAG: &'static str = "health";
    const ALWAYS: bool = true;
    type Input = Request;
    type Output = Response;
    type Error = Infallible;

    async fn call(&self, _: Request) -> Result<Response, Infallible> {
        Ok(text(StatusCode::OK, "ok\n"))
    }
}

struct Ready<F>(F);

impl<F> Endpoint for Ready<F>
where
    F: Fn() -> BoxFuture<Result<(), String>> + Send + Sync + 'static,
{
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/readyz";
    const SUMMARY: &'static str = "Whether the service can do its work, and what is missing";
    const TAG: &'static str = "health";
    type Input = Request;
    type Output = Response;
    type Error = Infallible;

    async fn call(&self, _: Request) -> Result<Response, Infallible> {
        let missing = match tokio::time::timeout(PATIENCE, (self.0)()).await {
            Ok(Ok(())) => return Ok(json_response(StatusCode::OK, &json!({ "ready": true }))),
            Ok(Err(missing)) => missing,
            Err(_) => "an answer in time".to_owned(),
        };
        let body = json!({ "ready": false, "missing": missing });
        Ok(json_response(StatusCode::SERVICE_UNAVAILABLE, &body))
    }
}

struct Metrics;

impl Endpoint for Metrics {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/metrics";
    const SUMMARY: &'static str = "Metrics of the process in Prometheus' text format";
    const TAG: &'static str = "health";
    type Input = Request;
    type Output = Response;
    type Error = Infallible;

    async fn call(&self, _: Request) -> Result<Response, Infallible> {
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        Ok(response::with(StatusCode::OK, kind, telemetry::render().into()))
    }
}
