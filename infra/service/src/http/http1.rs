//! A connection that speaks HTTP/1.1: hyper drives the protocol; the connection is closed when it is idle for too long, when a
//! request's head does not arrive in time, or when its client does not read the answer.
//!
//! A connection that ends while its client is still sending lingers: nothing more is written, and what arrives is read and
//! dropped for a while. If it were closed at once, the system would answer with a reset, and the client would see the reset
//! instead of the response.
//!
//! A request costs a few atomic stores and no timer: a connection has one timer, which is armed again only when it fires or a
//! nearer deadline appears.

use super::Limits;
use super::activity::{Activity, Phase};
use super::dispatch::{BodyRead, Dispatcher, closing};
use super::monitored_stream::MonitoredStream;
use super::opened::{Lifetime, Opened};
use http::{Request, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::{Instant, Sleep, sleep_until};

/// Serves one connection until it ends, times out, or has drained after `stop`.
pub(super) async fn drive(opened: Opened, peer: SocketAddr, dispatcher: &Dispatcher, mut stop: Pin<&mut impl Future<Output = ()>>) {
    let activity = Arc::new(Activity::new(opened.since, &dispatcher.limits));
    let io = TokioIo::new(MonitoredStream::new(opened.stream, opened.early, Arc::clone(&activity)));
    let lifetime = Lifetime::draw(&dispatcher.limits);
    let is_trusted = dispatcher.trusts(peer);
    let service = service_fn(|request: Request<Incoming>| {
        let (age, requests) = activity.begin();
        // hyper takes a body by its chunks and forgets that there was a length, too. A proxy may have taken it by the length:
        // what follows is then not for us to answer. Our own proxies are trusted not to send both.
        let is_chunked = !is_trusted && request.headers().contains_key(header::TRANSFER_ENCODING);
        let is_last = is_chunked || age >= lifetime.max_millis || requests >= lifetime.max_requests;
        let activity = Arc::clone(&activity);
        async move {
            let (response, body_read) = dispatcher.respond(request, peer).await;
            let goes_on = body_read == BodyRead::Complete && !is_last;
            activity.set(if goes_on { Phase::Idle } else { Phase::Last });
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
        if stopping && activity.phase() == Phase::New {
            return Poll::Ready(());
        }
        overdue(&activity, &dispatcher.limits, timer.as_mut(), cx)
    })
    .await;
}

fn protocol(limits: &Limits) -> http1::Builder {
    /// hyper refuses smaller buffers.
    const MIN_BUFFER: usize = 8192;
    const USUAL_BUFFER: usize = 64 << 10;
    let head = limits.max_header_bytes.bytes().max(MIN_BUFFER);
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
