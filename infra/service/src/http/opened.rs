//! A connection that is ready for its first request.

use super::Limits;
use rand::Rng;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

/// A connection's bytes as HTTP reads and writes them: plain, or through TLS.
pub(super) type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// A connection whose protocol is known.
pub(super) struct Opened {
    pub(super) stream: Stream,
    pub(super) protocol: Protocol,
    /// Bytes that were read to find out the protocol.
    pub(super) early: Vec<u8>,
    pub(super) since: Instant,
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// The age and the number of requests at which a connection ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetime {
    pub(super) max_millis: u64,
    pub(super) max_requests: u64,
}

impl Lifetime {
    /// Draws an age within a tenth of the configured one: connections that began together do not all end together.
    pub(super) fn draw(limits: &Limits) -> Self {
        let max_millis = match u64::try_from(limits.max_connection_age.as_millis()).unwrap_or(u64::MAX) {
            0 => u64::MAX,
            millis => millis.saturating_sub(millis / 10).saturating_add(rand::rng().random_range(0..=millis / 5)),
        };
        let max_requests = if limits.max_connection_requests == 0 { u64::MAX } else { limits.max_connection_requests };
        Lifetime { max_millis, max_requests }
    }
}
