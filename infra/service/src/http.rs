//! HTTP/1.1 and HTTP/2, plain or over TLS, for every role: a [`Router`] of [`Endpoint`]s behind a bounded server.
//!
//! ```text
//! listener → serve (connections bounded) → connection (handshake, which HTTP) → http1, http2 (head and idle time bounded)
//!          → dispatch (requests in flight bounded) → intake (body size, time and total memory bounded)
//!          → Endpoint::Input → Endpoint::call → Output or Error → response (memory of all answers bounded)
//! ```
//!
//! Invariants: a panic in an endpoint becomes a 500 and ends nothing else; a request is counted in
//! exactly one `route` and `status`; after shutdown no request begins, and those begun may end; no browser guesses what an
//! answer is, and nobody keeps one that does not say so.

mod access_log;
mod activity;
mod admin;
mod answers;
mod authorities;
mod body;
mod certificate;
mod client;
mod connection;
mod connection_limit;
mod cross_origin;
mod dispatch;
mod endpoint;
mod handshake;
mod health;
mod http1;
mod http2;
mod intake;
mod limits;
mod memory;
mod monitored_stream;
mod openapi;
mod opened;
mod options;
mod pinned;
mod problem;
mod request;
mod request_meter;
mod response;
mod route_table;
mod router;
mod serve;
mod tls;

pub use self::access_log::{AccessLog, Share};
pub use self::admin::{Listeners, with_admin};
pub(crate) use self::authorities::Authorities;
pub use self::body::Body;
pub use self::client::{Answer, Client, ClientError};
pub use self::endpoint::{Endpoint, Failure, Input, Output};
pub use self::health::{BoxFuture, Readiness, alive, health};
pub use self::limits::{Http2, Limits};
pub use self::options::Options;
pub use self::problem::{Problem, busy};
pub use self::request::{Request, percent_decode, query_pairs};
pub use self::response::{IntoResponse, Json, Response, json, text};
pub use self::router::Router;
pub use self::serve::serve;
pub use self::tls::{Tls, TlsError, TlsVersion};
pub use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub use bytes::Bytes;

/// Why a server cannot run. Faults of single connections are never among them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Two endpoints answer the same method and path.
    #[error("two endpoints answer {method} {path}")]
    Conflict { method: Method, path: String },
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The listener broke in a way that trying again does not mend.
    #[error("cannot accept connections: {0}")]
    Accept(#[from] std::io::Error),
}

#[cfg(test)]
mod tests;
