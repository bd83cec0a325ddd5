//! HTTP/1.1 for every role: a [`Router`] of [`Endpoint`]s behind a bounded server.
//!
//! ```text
//! listener → serve (connections bounded) → connection (head, body and idle time bounded)
//!          → dispatch (requests in flight bounded) → intake (body size and total memory bounded)
//!          → Endpoint::Input → Endpoint::call → Output or Error → response
//! ```
//!
//! Invariants: a panic in an endpoint becomes a 500 and ends nothing else; a request is counted in
//! exactly one `route` and `status`; after shutdown no request begins, and those begun may end.

mod body;
mod client;
mod connection;
mod cross_origin;
mod dispatch;
mod endpoint;
mod health;
mod intake;
mod limits;
mod openapi;
mod problem;
mod request;
mod response;
mod router;
mod serve;
mod shield;
mod table;
mod watched;

pub use self::body::Body;
pub use self::client::{Answer, Client, ClientError};
pub use self::endpoint::{Endpoint, Input, Output};
pub use self::health::{BoxFuture, health};
pub use self::limits::Limits;
pub use self::problem::Problem;
pub use self::request::{Request, percent_decode, query_pairs};
pub use self::response::{IntoResponse, Json, Response, busy, json, text};
pub use self::router::Router;
pub use self::serve::serve;
pub use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub use bytes::Bytes;

/// Why a server cannot run. Faults of single connections are never among them.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Two endpoints answer the same method and path.
    #[error("two endpoints answer {method} {path}")]
    Conflict { method: Method, path: &'static str },
    /// The listener broke in a way that trying again does not mend.
    #[error("cannot accept connections: {0}")]
    Accept(#[from] std::io::Error),
}

#[cfg(test)]
mod tests;
