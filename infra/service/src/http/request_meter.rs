//! Measures each request exactly once: its metrics by route and status, its line in the access log, its tracing span.

use super::Response;
use super::access_log::{AccessLogger, Entry, method};
use crate::metrics::{RECEIVED_BYTES, REQUEST_SECONDS, REQUESTS, SENT_BYTES};
use crate::telemetry::{Counter, Histogram};
use http::request::Parts;
use http::{Method, StatusCode, Version};
use hyper::body::Body as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, Instant};
use tracing::Span;
use tracing::field::Empty;

/// The status of a request whose client left before the response.
const CLIENT_LEFT: u16 = 499;

/// The metric handles of one route, so that a request looks none up.
pub(super) struct RouteMetrics {
    service: String,
    route: &'static str,
    by_status: Box<[OnceLock<Counter>]>,
    received: Counter,
    sent: Counter,
    seconds: Histogram,
}

/// Statuses are 100 to 599.
const STATUSES: usize = 500;

impl RouteMetrics {
    pub(super) fn new(service: &str, route: &'static str) -> Self {
        RouteMetrics {
            service: service.to_owned(),
            route,
            by_status: (0..STATUSES).map(|_| OnceLock::new()).collect(),
            received: RECEIVED_BYTES.with([service, route]),
            sent: SENT_BYTES.with([service, route]),
            seconds: REQUEST_SECONDS.with([service, route]),
        }
    }

    fn record(&self, status: StatusCode, elapsed: Duration, received: usize, sent: usize) {
        let place = usize::from(status.as_u16()).saturating_sub(100).min(STATUSES - 1);
        self.by_status[place].get_or_init(|| REQUESTS.with([&self.service, self.route, status.as_str()])).inc();
        if received > 0 {
            self.received.add(received as u64);
        }
        self.sent.add(sent as u64);
        self.seconds.observe(elapsed);
    }
}

/// One request on its way. It is measured when this is dropped, so also where its client left before the response.
pub(super) struct RequestMeter<'a> {
    metrics: &'a RouteMetrics,
    logger: &'a AccessLogger,
    method: Method,
    version: Version,
    peer: SocketAddr,
    since: Instant,
    status: Option<StatusCode>,
    /// Bytes of the request's body that arrived.
    pub(super) received: usize,
    sent: usize,
    /// The span of the request; disabled unless the level `debug` is on.
    pub(super) span: Span,
}

impl<'a> RequestMeter<'a> {
    pub(super) fn start(metrics: &'a RouteMetrics, logger: &'a AccessLogger, parts: &Parts, peer: SocketAddr) -> Self {
        // The fields are made only where the span is enabled.
        let span = tracing::debug_span!(
            "request",
            service = metrics.service,
            request.id = format_args!("{:016x}", next_id()),
            http.method = method(&parts.method),
            http.route = metrics.route,
            http.status = Empty,
            received.bytes = Empty,
            sent.bytes = Empty,
        );
        RequestMeter {
            metrics,
            logger,
            method: parts.method.clone(),
            version: parts.version,
            peer,
            since: Instant::now(),
            status: StatusCode::from_u16(CLIENT_LEFT).ok(),
            received: 0,
            sent: 0,
            span,
        }
    }

    pub(super) fn finish(mut self, response: Response) -> Response {
        self.status = Some(response.status());
        self.sent = response.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
        response
    }
}

impl Drop for RequestMeter<'_> {
    fn drop(&mut self) {
        let Some(status) = self.status else { return };
        let elapsed = self.since.elapsed();
        self.metrics.record(status, elapsed, self.received, self.sent);
        if !self.span.is_disabled() {
            self.span.record("http.status", status.as_u16());
            self.span.record("received.bytes", self.received);
            self.span.record("sent.bytes", self.sent);
        }
        self.logger.log(&Entry {
            service: &self.metrics.service,
            route: self.metrics.route,
            method: &self.method,
            version: self.version,
            status,
            elapsed,
            received: self.received,
            sent: self.sent,
            peer: self.peer,
        });
    }
}

/// The number of a request: different for all requests of a process, and most likely of all processes.
fn next_id() -> u64 {
    static FIRST: LazyLock<u64> = LazyLock::new(rand::random);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    FIRST.wrapping_add(COUNT.fetch_add(1, Relaxed))
}
