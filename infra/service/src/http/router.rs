//! The list of a service's operations.

use super::cross_origin::CrossOrigin;
use super::request_meter::RouteMetrics;
use super::{Endpoint, Failure, Input, IntoResponse, Output, Problem, Request, Response};
use http::{Method, StatusCode};
use schemars::{Schema, SchemaGenerator};
use std::borrow::Cow;
use std::pin::Pin;

/// The operations of one service; what [`super::serve()`] serves.
pub struct Router {
    pub(super) title: String,
    pub(super) routes: Vec<Route>,
    pub(super) not_found: fn(&Request) -> Response,
    pub(super) cross_origin: Option<CrossOrigin>,
    pub(super) unrouted: RouteMetrics,
}

/// One mounted endpoint.
pub(super) struct Route {
    pub(super) methods: &'static [Method],
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) tag: &'static str,
    pub(super) body_limit: usize,
    pub(super) always: bool,
    pub(super) documented: bool,
    pub(super) input: fn(&mut SchemaGenerator) -> Option<Schema>,
    pub(super) output: fn(&mut SchemaGenerator) -> Option<Schema>,
    pub(super) failures: fn(&mut SchemaGenerator) -> Vec<Failure>,
    pub(super) query: fn() -> &'static [(&'static str, &'static str)],
    pub(super) handler: Box<dyn Handler>,
    pub(super) metrics: RouteMetrics,
}

/// An endpoint whose types are known only to itself.
pub(super) trait Handler: Send + Sync {
    fn handle<'a>(&'a self, request: Request) -> Handled<'a>;

    fn too_large(&self, path: &str) -> Response;
}

pub(super) type Handled<'a> = Pin<Box<dyn Future<Output = Response> + Send + 'a>>;

impl<E: Endpoint> Handler for E {
    fn handle<'a>(&'a self, request: Request) -> Handled<'a> {
        Box::pin(answer(self, request))
    }

    fn too_large(&self, path: &str) -> Response {
        Endpoint::too_large(self, path)
    }
}

impl Router {
    /// A router without operations. `title` is the service's short name: the title of its OpenAPI
    /// document and the `service` label of its metrics.
    pub fn new(title: &str) -> Self {
        Router { title: title.to_owned(), routes: Vec::new(), not_found, cross_origin: None, unrouted: RouteMetrics::new(title, "none") }
    }

    /// Adds an operation. Two for one method and path make [`super::serve()`] fail.
    pub fn mount<E: Endpoint>(mut self, endpoint: E) -> Self {
        let path = match E::path() {
            Cow::Borrowed(path) => path,
            // Routes are made once and stay as long as the process.
            Cow::Owned(path) => Box::leak(path.into_boxed_str()),
        };
        self.routes.push(Route {
            methods: E::METHODS,
            path,
            summary: E::SUMMARY,
            tag: E::TAG,
            body_limit: E::BODY_LIMIT,
            always: E::ALWAYS,
            documented: E::DOCUMENTED,
            input: E::Input::schema,
            output: E::Output::schema,
            failures: E::failures,
            query: E::Input::query,
            handler: Box::new(endpoint),
            metrics: RouteMetrics::new(&self.title, path),
        });
        self
    }

    /// Replaces the answer to paths without an operation.
    pub fn not_found(mut self, answer: fn(&Request) -> Response) -> Self {
        self.not_found = answer;
        self
    }

    /// Lets web pages of the origins that `allows` names call the operations and read the replies; without it, none. An
    /// operation that knows more of who may send refuses by itself.
    pub fn cross_origin(mut self, allows: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.cross_origin = Some(CrossOrigin(Box::new(allows)));
        self
    }

    /// Every path with the largest body that it takes, in bytes.
    pub fn body_limits(&self) -> Vec<(&str, usize)> {
        self.routes.iter().map(|route| (route.path, route.body_limit)).collect()
    }

    /// Every method and path, in the order of mounting.
    pub fn paths(&self) -> Vec<(Method, &str)> {
        let pairs = |route: &Route| {
            let path = route.path;
            route.methods.iter().map(move |method| (method.clone(), path))
        };
        self.routes.iter().flat_map(pairs).collect()
    }
}

/// The response of an endpoint to a request.
async fn answer<E: Endpoint>(endpoint: &E, request: Request) -> Response {
    let input = match E::Input::from_request(request) {
        Ok(input) => input,
        Err(response) => return response,
    };
    match endpoint.call(input).await {
        Ok(output) => output.into_response(),
        Err(error) => error.into_response(),
    }
}

fn not_found(request: &Request) -> Response {
    Problem::new(StatusCode::NOT_FOUND, &request.path, "no such endpoint").into_response()
}
