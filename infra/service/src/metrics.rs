//! The metrics of the service kit.

crate::metrics! {
    /// Open HTTP connections.
    CONNECTIONS: Gauge = "aftershock_http_connections" [service];
    /// Connections closed before their first request: too many in total (full), of their address (address), or in a handshake (handshakes).
    CONNECTIONS_REFUSED: Counter = "aftershock_http_connections_refused_total" [service, reason];
    /// Bytes of request bodies as sent, by route.
    RECEIVED_BYTES: Counter = "aftershock_http_received_bytes_total" [service, route];
    /// Time from the end of a request's headers to its response.
    REQUEST_SECONDS: Histogram = "aftershock_http_request_seconds" [service, route];
    /// Requests by route and status; route none is no endpoint, status 499 a client that left.
    REQUESTS: Counter = "aftershock_http_requests_total" [service, route, status];
    /// Bytes of response bodies by route.
    SENT_BYTES: Counter = "aftershock_http_sent_bytes_total" [service, route];
    /// TLS handshakes that failed or took too long.
    HANDSHAKES_FAILED: Counter = "aftershock_tls_handshakes_failed_total" [service];
}
