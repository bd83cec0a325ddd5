//! The limits of a server; all of them are always on.

use crate::config::{Size, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits of a server. The defaults suit an edge on one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// From the first byte of a request to the end of its headers.
    pub header_timeout: Span,
    /// From the end of the headers to the end of the body.
    pub body_timeout: Span,
    /// Bytes a second that a body must bring on average once it has taken five seconds; a slower one is answered 408. 0 = no such bound.
    pub min_body_rate: Size,
    /// How long a connection may be idle between requests, and how long a client may make no progress in reading its answer.
    pub idle_timeout: Span,
    /// Connections at once; one more is answered 503 and closed.
    pub max_connections: usize,
    /// Connections at once from one address (IPv6: its /64), trusted proxies excepted; one more is answered 503 and closed. 0 = no such bound.
    pub max_connections_per_address: usize,
    /// Age at which a connection ends with its next answer, give or take a tenth, so that load balancers can distribute clients again. "0" = never.
    pub max_connection_age: Span,
    /// Requests after which a connection ends, the last one answered. 0 = any number.
    pub max_connection_requests: u64,
    /// Headers of one request; more are answered 431.
    pub max_headers: usize,
    /// Bytes of request line and headers, at least 8 KiB; more are answered 431.
    pub max_header_bytes: Size,
    /// Requests at once; one more is answered 503 with `Retry-After`.
    pub max_in_flight: usize,
    /// Bytes of all request bodies at once; beyond, 503 with `Retry-After`.
    pub max_body_memory: Size,
    /// Bytes of all answers that are written and not yet taken by their clients; one more is answered 503 with `Retry-After`.
    pub max_answer_memory: Size,
    /// How long a client's progress in taking an answer counts; after it the client has `idle_timeout` for the rest, however steadily it reads.
    pub answer_timeout: Span,
    /// How long requests that have begun may take to end after shutdown.
    pub drain: Span,
    /// Further limits of a connection that speaks HTTP/2.
    pub http2: Http2,
}

/// Limits of a connection that speaks HTTP/2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http2 {
    /// Requests at once on one connection; more are refused by the protocol.
    pub max_streams: u32,
    /// Bytes of one body that may be under way before the server has taken them in.
    pub stream_window: Size,
    /// Bytes of all bodies of a connection that may be under way before the server has taken them in.
    pub connection_window: Size,
    /// How often a silent client is asked whether it is still there.
    pub ping_interval: Span,
    /// How long its answer to that may take.
    pub ping_timeout: Span,
    /// Requests that a client may cancel before their answer, beyond half of those it made; one more ends the connection.
    pub max_resets: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header_timeout: Span::seconds(10),
            body_timeout: Span::seconds(30),
            min_body_rate: Size(256),
            idle_timeout: Span::seconds(75),
            max_connections: 8192,
            max_connections_per_address: 2048,
            max_connection_age: Span::seconds(3600),
            max_connection_requests: 0,
            max_headers: 100,
            max_header_bytes: Size::kib(32),
            max_in_flight: 4096,
            max_body_memory: Size::mib(128),
            max_answer_memory: Size::mib(256),
            answer_timeout: Span::seconds(120),
            drain: Span::seconds(20),
            http2: Http2::default(),
        }
    }
}

impl Default for Http2 {
    fn default() -> Self {
        Http2 {
            max_streams: 100,
            stream_window: Size::kib(256),
            connection_window: Size::mib(1),
            ping_interval: Span::seconds(30),
            ping_timeout: Span::seconds(20),
            max_resets: 100,
        }
    }
}
