//! A connection's beginning: the handshake where connections are encrypted, and which HTTP it speaks.

use super::dispatch::Dispatcher;
use super::handshake::Handshake;
use super::opened::{Opened, Protocol, Stream};
use super::{Limits, http1, http2};
use crate::shutdown::Shutdown;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// What a client of HTTP/2 sends first.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves one connection until it ends, times out, or has drained after shutdown.
pub(super) async fn drive(
    stream: TcpStream,
    peer: SocketAddr,
    dispatcher: Arc<Dispatcher>,
    handshake: Option<Arc<Handshake>>,
    shutdown: Shutdown,
) {
    let mut stop = pin!(shutdown.triggered());
    let opened = tokio::select! {
        biased;
        opened = open(stream, peer, &dispatcher.limits, handshake) => opened,
        () = &mut stop => return,
    };
    match opened {
        Some(opened) if opened.protocol == Protocol::Http1 => http1::drive(opened, peer, &dispatcher, stop).await,
        // Rarer and larger: on the heap, so that the other kind stays small.
        Some(opened) => Box::pin(http2::drive(opened, peer, dispatcher, stop)).await,
        None => {}
    }
}

async fn open(stream: TcpStream, peer: SocketAddr, limits: &Limits, handshake: Option<Arc<Handshake>>) -> Option<Opened> {
    let since = Instant::now();
    match handshake {
        Some(handshake) => {
            let (stream, protocol) = handshake.accept(stream, peer).await?;
            Some(Opened { stream: Stream::Right(Box::new(stream)), protocol, early: Vec::new(), since })
        }
        None => timeout_at(since + *limits.header_timeout, detect(stream, since)).await.ok()?,
    }
}

/// Reads until it is clear which HTTP the client speaks. The first byte that is not HTTP/2's decides for HTTP/1.
async fn detect(mut stream: TcpStream, since: Instant) -> Option<Opened> {
    let mut early = Vec::with_capacity(PREFACE.len());
    while PREFACE.starts_with(&early) && early.len() < PREFACE.len() {
        let mut rest = (&mut stream).take((PREFACE.len() - early.len()) as u64);
        if rest.read_buf(&mut early).await.ok()? == 0 {
            break;
        }
    }
    let protocol = if early == PREFACE { Protocol::Http2 } else { Protocol::Http1 };
    Some(Opened { stream: Stream::Left(stream), protocol, early, since })
}
