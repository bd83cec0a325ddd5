//! Every request is counted exactly once: by route and status, with its bytes and its time.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use http::request::Parts;
use http::{Method, StatusCode, Version};
use hyper::body::Body as _;

use super::Response;
use super::access_log::{Entry, Journal};
use crate::telemetry::{Counter, Histogram, counter, histogram};

/// Of a client that left before its response.
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
        let labels = [("service", service), ("route", route)];
        RouteMetrics {
            service: service.to_owned(),
            route,
            by_status: (0..STATUSES).map(|_| OnceLock::new()).collect(),
            received: counter("aftershock_http_received_bytes_total", "Bytes of request bodies as sent, by route.", &labels),
            sent: counter("aftershock_http_sent_bytes_total", "Bytes of response bodies by route.", &labels),
            seconds: histogram("aftershock_http_request_seconds", "Time from the end of a request's headers to its response.", &labels),
        }
    }

    fn record(&self, status: StatusCode, elapsed: Duration, (received, sent): (usize, usize)) {
        let place = usize::from(status.as_u16()).saturating_sub(100).min(STATUSES - 1);
        let requests = self.by_status[place].get_or_init(|| {
            counter(
                "aftershock_http_requests_total",
                "Requests by route and status; route none is no endpoint, status 499 a client that left.",
                &[("service", &self.service), ("route", self.route), ("status", status.as_str())],
            )
        });
        requests.inc();
        if received > 0 {
            self.received.add(received as u64);
        }
        self.sent.add(sent as u64);
        self.seconds.observe(elapsed);
    }
}

/// One request on its way; counted when dropped, also where its client left before its response.
pub(super) struct Tally<'a> {
    metrics: &'a RouteMetrics,
    journal: &'a Journal,
    method: Method,
    version: Version,
    peer: SocketAddr,
    since: Instant,
    status: Option<StatusCode>,
    /// Bytes of the request's body that arrived.
    pub(super) received: usize,
    sent: usize,
}

impl<'a> Tally<'a> {
    pub(super) fn start((metrics, journal): (&'a RouteMetrics, &'a Journal), parts: &Parts, peer: SocketAddr) -> Self {
        let (method, version) = (parts.method.clone(), parts.version);
        let status = StatusCode::from_u16(CLIENT_LEFT).ok();
        Tally { metrics, journal, method, version, peer, since: Instant::now(), status, received: 0, sent: 0 }
    }

    pub(super) fn finish(mut self, response: Response) -> Response {
        self.status = Some(response.status());
        self.sent = response.body().size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
        response
    }
}

impl Drop for Tally<'_> {
    fn drop(&mut self) {
        let Some(status) = self.status else { return };
        let elapsed = self.since.elapsed();
        self.metrics.record(status, elapsed, (self.received, self.sent));
        self.journal.note(&Entry {
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
