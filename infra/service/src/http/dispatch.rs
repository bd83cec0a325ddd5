//! From a request's head to its response: route, bounds, body, endpoint.

use super::access_log::AccessLogger;
use super::answers::counted;
use super::cross_origin::{allow_origin, is_preflight, preflight};
use super::intake::{self, BodyError};
use super::memory::{MemoryLimit, Reservation};
use super::request_meter::RequestMeter;
use super::route_table::{Captures, Found, RouteTable, normal};
use super::router::Route;
use super::{Bytes, Error, IntoResponse, Limits, Options, Problem, Request, Response, Router, busy, response};
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use hyper::body::{Body as _, Incoming};
use ipnet::IpNet;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tracing::Instrument;

/// A router made ready to serve, with its limits.
pub(super) struct Dispatcher {
    router: Router,
    table: RouteTable,
    pub(super) limits: Limits,
    access_log: AccessLogger,
    trusted_proxies: Vec<IpNet>,
    in_flight: AtomicUsize,
    body_memory: Arc<MemoryLimit>,
    answer_memory: Arc<MemoryLimit>,
}

impl Dispatcher {
    pub(super) fn new(router: Router, options: Options) -> Result<Self, Error> {
        let Options { limits, access_log, trusted_proxies, .. } = options;
        let table = RouteTable::new(router.routes.iter().map(|route| (route.methods, route.path)));
        let table = table.map_err(|conflict| Error::Conflict { method: conflict.method, path: conflict.path })?;
        Ok(Dispatcher {
            router,
            table,
            access_log: AccessLogger::new(access_log),
            trusted_proxies,
            in_flight: AtomicUsize::new(0),
            body_memory: MemoryLimit::new(limits.max_body_memory.bytes()),
            answer_memory: MemoryLimit::new(limits.max_answer_memory.bytes()),
            limits,
        })
    }

    pub(super) fn service(&self) -> &str {
        &self.router.title
    }

    /// Whether the peer is a proxy of ours.
    pub(super) fn trusts(&self, peer: SocketAddr) -> bool {
        let peer = peer.ip().to_canonical();
        self.trusted_proxies.iter().any(|network| network.contains(&peer))
    }

    /// The response to any request, and how much of its body was read before; never fails.
    pub(super) async fn respond(&self, request: http::Request<Incoming>, peer: SocketAddr) -> (Response, BodyRead) {
        let (parts, body) = request.into_parts();
        let path = normal(parts.uri.path()).to_owned();
        let policy = self.router.cross_origin.as_ref();
        let origin = policy.and_then(|policy| policy.of(&parts.headers));
        let found = self.table.find(&parts.method, &path);
        let metrics = match &found {
            Found::Route(index, _) => &self.router.routes[*index].metrics,
            Found::WrongMethod(_) | Found::Nothing => &self.router.unrouted,
        };
        let mut exchange =
            Exchange { body_read: BodyRead::before(&body), meter: RequestMeter::start(metrics, &self.access_log, &parts, peer) };
        let mut response = match found {
            // HTTP/1 refused a larger number while reading; this is for HTTP/2.
            _ if parts.headers.len() > self.limits.max_headers => too_many_headers(&path),
            Found::Route(index, captures) => {
                let head = Head { parts, path, captures, peer };
                let span = exchange.meter.span.clone();
                self.run(&self.router.routes[index], head, body, &mut exchange).instrument(span).await
            }
            Found::WrongMethod(allowed) if policy.is_some() && is_preflight(&parts.method, &parts.headers) => {
                preflight(origin.is_some(), &allowed, &parts.headers)
            }
            Found::WrongMethod(allowed) => wrong_method(&path, &allowed),
            Found::Nothing => {
                let head = Head { parts, path, captures: Captures::new(), peer };
                (self.router.not_found)(&head.with(Bytes::new()))
            }
        };
        if let Some(origin) = origin {
            allow_origin(&mut response, origin);
        }
        response::set_security_headers(&mut response);
        (exchange.meter.finish(response), exchange.body_read)
    }

    async fn run(&self, route: &Route, head: Head, body: Incoming, exchange: &mut Exchange<'_>) -> Response {
        let in_flight = InFlight::enter(&self.in_flight);
        if in_flight.before >= self.limits.max_in_flight && !route.always {
            return busy(&head.path, "too many requests at once", 1);
        }
        let mut held = Reservation::empty(&self.body_memory);
        let read = intake::read(body, route.body_limit, &self.limits, &mut held).await;
        exchange.meter.received = held.bytes();
        let body = match read {
            Ok(body) => body,
            Err(BodyError::TooLarge) => return closing(route.handler.too_large(&head.path)),
            Err(BodyError::NoMemory) => return closing(busy(&head.path, "too many bodies at once", 1)),
            Err(BodyError::Broken) => return closing(problem(StatusCode::BAD_REQUEST, &head.path, "the body ended early")),
            Err(BodyError::TooSlow) => return closing(problem(StatusCode::REQUEST_TIMEOUT, &head.path, "the body took too long")),
        };
        exchange.body_read = BodyRead::Complete;
        // A panic's message has gone to stderr by then. The future is not polled again.
        match AssertUnwindSafe(route.handler.handle(head.with(body))).catch_unwind().await {
            Ok(response) => counted(response, &self.answer_memory).unwrap_or_else(|_| busy(route.path, "too many answers at once", 1)),
            Err(_) => {
                tracing::error!(http.route = route.path, "endpoint panicked");
                problem(StatusCode::INTERNAL_SERVER_ERROR, route.path, "internal error")
            }
        }
    }
}

/// What becomes known of a request while it is answered.
struct Exchange<'a> {
    body_read: BodyRead,
    meter: RequestMeter<'a>,
}

/// How much of a request's body was read when it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyRead {
    /// All of it, or there was no body.
    Complete,
    /// Not all of it: the client may still be sending.
    Partial,
}

impl BodyRead {
    fn before(body: &Incoming) -> Self {
        if body.is_end_stream() { BodyRead::Complete } else { BodyRead::Partial }
    }
}

/// A request before its body.
struct Head {
    parts: Parts,
    path: String,
    captures: Captures,
    peer: SocketAddr,
}

impl Head {
    fn with(self, body: Bytes) -> Request {
        Request {
            query: self.parts.uri.query().unwrap_or_default().to_owned(),
            method: self.parts.method,
            path: self.path,
            path_params: self.captures,
            headers: self.parts.headers,
            body,
            peer: self.peer,
        }
    }
}

/// One request that is being answered.
struct InFlight<'a> {
    count: &'a AtomicUsize,
    /// How many others there were.
    before: usize,
}

impl<'a> InFlight<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        InFlight { count, before: count.fetch_add(1, Relaxed) }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Relaxed);
    }
}

fn problem(status: StatusCode, path: &str, message: &str) -> Response {
    Problem::new(status, path, message).into_response()
}

fn too_many_headers(path: &str) -> Response {
    problem(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, path, "too many headers")
}

/// A response after which the connection ends.
pub(super) fn closing(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn wrong_method(path: &str, allowed: &[Method]) -> Response {
    let names = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let message = format!("this path takes {names}");
    let mut response = Problem::new(StatusCode::METHOD_NOT_ALLOWED, path, &message).into_response();
    if let Ok(value) = HeaderValue::from_str(&names) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}
