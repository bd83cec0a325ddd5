//! A connection's beginning: the handshake where connections are encrypted, and which HTTP it speaks.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use rand::Rng;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::dispatch::Dispatcher;
use super::stream::Stream;
use super::tls::Guard;
use super::{Limits, http1, http2};
use crate::shutdown::Shutdown;

/// What a client of HTTP/2 says first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection that is ready for its first request.
pub(super) struct Opened {
    pub(super) stream: Stream,
    /// What was read of it to see what it speaks.
    pub(super) early: Vec<u8>,
    pub(super) since: Instant,
    speaks: Speaks,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaks {
    Http1,
    Http2,
}

/// Serves one connection until it ends, times out, or has drained after shutdown.
pub(super) async fn drive(
    stream: TcpStream,
    peer: SocketAddr,
    (dispatcher, guard): (Arc<Dispatcher>, Option<Arc<Guard>>),
    shutdown: Shutdown,
) {
    let mut stop = pin!(shutdown.triggered());
    let opened = tokio::select! {
        biased;
        opened = open(stream, peer, &dispatcher.limits, guard) => opened,
        () = &mut stop => return,
    };
    match opened {
        Some(opened) if opened.speaks == Speaks::Http1 => http1::drive(opened, peer, &dispatcher, stop).await,
        // Rarer and larger: on the heap, so that the other kind stays small.
        Some(opened) => Box::pin(http2::drive(opened, peer, dispatcher, stop)).await,
        None => {}
    }
}

/// The milliseconds and the requests after which a connection ends. Connections that began together do not all end together.
pub(super) fn lifetime(limits: &Limits) -> (u64, u64) {
    let longest = match u64::try_from(limits.max_connection_age.as_millis()).unwrap_or(u64::MAX) {
        0 => u64::MAX,
        millis => millis.saturating_sub(millis / 10).saturating_add(rand::rng().random_range(0..=millis / 5)),
    };
    let most = if limits.max_connection_requests == 0 { u64::MAX } else { limits.max_connection_requests };
    (longest, most)
}

async fn open(stream: TcpStream, peer: SocketAddr, limits: &Limits, guard: Option<Arc<Guard>>) -> Option<Opened> {
    let since = Instant::now();
    match guard {
        Some(guard) => {
            let (stream, is_http2) = guard.admit(stream, peer).await?;
            let speaks = if is_http2 { Speaks::Http2 } else { Speaks::Http1 };
            Some(Opened { stream: Stream::Sealed(Box::new(stream)), early: Vec::new(), since, speaks })
        }
        None => timeout_at(since + *limits.header_timeout, listen(stream, since)).await.ok()?,
    }
}

/// Reads until it is clear which HTTP the client speaks. Another octet than HTTP/2's is enough for HTTP/1.
async fn listen(mut stream: TcpStream, since: Instant) -> Option<Opened> {
    let mut early = Vec::with_capacity(PREFACE.len());
    while PREFACE.starts_with(&early) && early.len() < PREFACE.len() {
        let mut rest = (&mut stream).take((PREFACE.len() - early.len()) as u64);
        if rest.read_buf(&mut early).await.ok()? == 0 {
            break;
        }
    }
    let speaks = if early == PREFACE { Speaks::Http2 } else { Speaks::Http1 };
    Some(Opened { stream: Stream::Plain(stream), early, since, speaks })
}
