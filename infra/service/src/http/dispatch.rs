//! From a request's head to its response: route, bounds, body, endpoint.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use hyper::body::{Body as _, Incoming};
use ipnet::IpNet;

use super::access_log::Journal;
use super::answers::counted;
use super::cross_origin::{is_preflight, preflight, share};
use super::intake::{self, Budget, Refusal, Share};
use super::router::Route;
use super::shield::Shield;
use super::table::{self, Captures, Found, Table};
use super::tally::Tally;
use super::{Bytes, Error, IntoResponse, Limits, Options, Problem, Request, Response, Router, busy, response};

/// A router made ready to serve, with its bounds.
pub(super) struct Dispatcher {
    router: Router,
    table: Table,
    pub(super) limits: Limits,
    pub(super) journal: Journal,
    trusted_proxies: Vec<IpNet>,
    in_flight: AtomicUsize,
    memory: Arc<Budget>,
    answers: Arc<Budget>,
}

impl Dispatcher {
    pub(super) fn new(router: Router, options: Options) -> Result<Self, Error> {
        let Options { limits, access_log, trusted_proxies, .. } = options;
        let mut table = Table::default();
        for (index, route) in router.routes.iter().enumerate() {
            for method in route.methods {
                if !table.add(method, route.path, index) {
                    return Err(Error::Conflict { method: method.clone(), path: route.path });
                }
            }
        }
        let (memory, answers) = (Budget::new(limits.max_body_memory.bytes()), Budget::new(limits.max_answer_memory.bytes()));
        let (journal, in_flight) = (Journal::new(access_log), AtomicUsize::new(0));
        Ok(Dispatcher { router, table, limits, journal, trusted_proxies, in_flight, memory, answers })
    }

    pub(super) fn service(&self) -> &str {
        &self.router.title
    }

    /// Whether a proxy of ours is at the other end.
    pub(super) fn trusts(&self, peer: SocketAddr) -> bool {
        let peer = peer.ip().to_canonical();
        self.trusted_proxies.iter().any(|network| network.contains(&peer))
    }

    /// The response of any request, and whether its body was read before; never fails.
    pub(super) async fn respond(&self, request: http::Request<Incoming>, peer: SocketAddr) -> (Response, Reading) {
        let (parts, body) = request.into_parts();
        let mut reading = Reading::of(&body);
        let path = table::normal(parts.uri.path()).to_owned();
        let policy = self.router.cross_origin.as_ref();
        let origin = policy.and_then(|policy| policy.of(&parts.headers));
        let found = self.table.find(&parts.method, &path);
        let metrics = match &found {
            Found::Route(index, _) => &self.router.routes[*index].metrics,
            Found::WrongMethod(_) | Found::Nothing => &self.router.unrouted,
        };
        let mut tally = Tally::start((metrics, &self.journal), &parts, peer);
        let mut response = match found {
            // Of HTTP/1 a larger number was refused while it was read.
            _ if parts.headers.len() > self.limits.max_headers => too_many_headers(&path),
            Found::Route(index, captures) => {
                let head = Head { parts, path, captures, peer };
                self.run(&self.router.routes[index], head, body, (&mut reading, &mut tally)).await
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
            share(&mut response, origin);
        }
        response::guard(&mut response);
        (tally.finish(response), reading)
    }

    async fn run(&self, route: &Route, head: Head, body: Incoming, (reading, tally): (&mut Reading, &mut Tally<'_>)) -> Response {
        let slot = Slot::take(&self.in_flight);
        if slot.place >= self.limits.max_in_flight && !route.always {
            return busy(&head.path, "too many requests at once", 1);
        }
        let mut share = Share::none(&self.memory);
        let taken = intake::read(body, route.body_limit, &self.limits, &mut share).await;
        tally.received = share.bytes();
        let body = match taken {
            Ok(body) => body,
            Err(Refusal::TooLarge) => return closing(route.handler.too_large(&head.path)),
            Err(Refusal::NoMemory) => return closing(busy(&head.path, "too many bodies at once", 1)),
            Err(Refusal::Broken) => return closing(problem(StatusCode::BAD_REQUEST, &head.path, "the body ended early")),
            Err(Refusal::TooSlow) => return closing(problem(StatusCode::REQUEST_TIMEOUT, &head.path, "the body took too long")),
        };
        *reading = Reading::Whole;
        let handled = route.handler.handle(head.with(body));
        match Shield::new(handled).await {
            Some(response) => counted(response, &self.answers).unwrap_or_else(|_| busy(route.path, "too many answers at once", 1)),
            None => {
                tracing::error!(http.route = route.path, "endpoint panicked");
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                Problem::new(status, route.path, "internal error").into_response()
            }
        }
    }
}

/// How much of a request's body was read when it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// All, or there was none.
    Whole,
    /// Not all: its client may still be sending.
    Partial,
}

impl Reading {
    fn of(body: &Incoming) -> Self {
        if body.is_end_stream() { Reading::Whole } else { Reading::Partial }
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

/// One request in flight.
struct Slot<'a> {
    in_flight: &'a AtomicUsize,
    place: usize,
}

impl<'a> Slot<'a> {
    fn take(in_flight: &'a AtomicUsize) -> Self {
        Slot { in_flight, place: in_flight.fetch_add(1, Relaxed) }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }
}

fn problem(status: StatusCode, path: &str, message: &str) -> Response {
    Problem::new(status, path, message).into_response()
}

fn too_many_headers(path: &str) -> Response {
    problem(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, path, "too many headers")
}

/// A response after which the connection ends: the rest of the body, or of the connection, is not wanted.
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
