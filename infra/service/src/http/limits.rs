//! The bounds of a server; every one of them is always on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Size, Span};

/// What a client may take of a server. The defaults suit an edge on one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// From the first byte of a request to the end of its headers.
    pub header_timeout: Span,
    /// From the end of the headers to the end of the body.
    pub body_timeout: Span,
    /// How long a connection may rest between requests, and a client take to read its answer without progress.
    pub idle_timeout: Span,
    /// Connections at once; one more is answered 503 and closed.
    pub max_connections: usize,
    /// Headers of one request; more are answered 431.
    pub max_headers: usize,
    /// Bytes of request line and headers, at least 8 KiB; more are answered 431.
    pub max_header_bytes: Size,
    /// Requests at once; one more is answered 503 with `Retry-After`.
    pub max_in_flight: usize,
    /// Bytes of all request bodies at once; beyond, 503 with `Retry-After`.
    pub max_body_memory: Size,
    /// How long requests that have begun may take to end after shutdown.
    pub drain: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header_timeout: Span::seconds(10),
            body_timeout: Span::seconds(30),
            idle_timeout: Span::seconds(75),
            max_connections: 8192,
            max_headers: 100,
            max_header_bytes: Size::kib(32),
            max_in_flight: 4096,
            max_body_memory: Size::mib(128),
            drain: Span::seconds(20),
        }
    }
}
