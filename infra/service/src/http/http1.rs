//! A connection that speaks HTTP/1.1: hyper drives the protocol, a watch on its activity closes it when it rests,
//! starts a request and does not finish its headers, or does not read its answer.
//!
//! A connection that ends while its client is still sending is closed in two steps: no more is written, what arrives is
//! read and dropped for a while. Closed at once, the system would answer what arrives with a reset, and the client would
//! see that and not the response.
//!
//! The watch costs a request a few atomic stores and no timer: the one timer of a connection is
//! re-armed only when it fires or a nearer deadline appears.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Limits;
use super::connection::{Opened, lifetime};
use super::dispatch::{Dispatcher, Reading, closing};
use super::watched::{Activity, Phase, Watched};

/// Serves one connection until it ends, times out, or has drained after `stop`.
pub(super) async fn drive(opened: Opened, peer: SocketAddr, dispatcher: &Dispatcher, mut stop: Pin<&mut impl Future<Output = ()>>) {
    let activity = Arc::new(Activity::since(opened.since, &dispatcher.limits));
    let io = TokioIo::new(Watched::new(opened.stream, opened.early, Arc::clone(&activity)));
    let (longest, most) = lifetime(&dispatcher.limits);
    let is_trusted = dispatcher.trusts(peer);
    let service = service_fn(|request: Request<Incoming>| {
        let (age, requests) = activity.begin();
        // hyper takes a body by its chunks and forgets that there was a length, too. A proxy may have taken it by the length:
        // what follows is then not for us to answer. Our own proxies are trusted not to send both.
        let is_chunked = !is_trusted && request.headers().contains_key(header::TRANSFER_ENCODING);
        let is_last = is_chunked || age >= longest || requests >= most;
        let activity = Arc::clone(&activity);
        async move {
            let (response, reading) = dispatcher.respond(request, peer).await;
            let rests = reading == Reading::Whole && !is_last;
            activity.set(if rests { Phase::Resting } else { Phase::Last });
            Ok::<_, Infallible>(if is_last { closing(response) } else { response })
        }
    });
    let mut connection = pin!(protocol(&dispatcher.limits).serve_connection(io, service));
    let mut timer = pin!(sleep_until(activity.start + *dispatcher.limits.header_timeout));
    let mut stopping = false;
    poll_fn(|cx| {
        if !stopping && stop.as_mut().poll(cx).is_ready() {
            stopping = true;
            connection.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended early");
            }
            return Poll::Ready(());
        }
        if stopping && activity.phase() == Phase::Fresh {
            return Poll::Ready(());
        }
        overdue(&activity, &dispatcher.limits, timer.as_mut(), cx)
    })
    .await;
}

fn protocol(limits: &Limits) -> http1::Builder {
    /// hyper refuses smaller buffers.
    const SMALLEST_BUFFER: usize = 8192;
    const USUAL_BUFFER: usize = 64 << 10;
    let head = limits.max_header_bytes.bytes().max(SMALLEST_BUFFER);
    let mut builder = http1::Builder::new();
    builder.header_read_timeout(None).max_header_size(head).max_buf_size(head.max(USUAL_BUFFER));
    // hyper's own bound is 100 and keeps the headers on the stack; another bound costs an allocation.
    if limits.max_headers != 100 {
        builder.max_headers(limits.max_headers);
    }
    builder
}

/// Ready once the connection has done nothing for longer than its phase allows.
fn overdue(activity: &Activity, limits: &Limits, mut timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        let Some(deadline) = activity.deadline(limits) else { return Poll::Pending };
        if deadline <= Instant::now() {
            return Poll::Ready(());
        }
        if timer.is_elapsed() || timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        ready!(timer.as_mut().poll(cx));
    }
}
