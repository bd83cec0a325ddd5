//! A connection that speaks HTTP/2: hyper drives the protocol within bounds that are all named here.
//!
//! It ends with GOAWAY when it has been idle for too long, when it is old, when it has had its number of requests, and at shutdown;
//! requests that have begun may end. It is cut when its client cancels request after request, and when it does not end in time.
//! A header block that never ends and floods of small frames are refused by the protocol's own limits.

use super::activity::{Activity, Phase};
use super::dispatch::Dispatcher;
use super::monitored_stream::MonitoredStream;
use super::opened::{Lifetime, Opened};
use super::{Body, Bytes, Limits};
use hyper::body::{Body as _, Frame, SizeHint};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// Resets that wait to be noticed, ours and theirs; beyond, the protocol ends the connection.
const PENDING_RESETS: usize = 20;
const OWN_RESETS: usize = 256;
/// Answers wait in this much memory for a client that reads slowly.
const SEND_BUFFER: usize = 64 << 10;

/// Serves one connection until it ends, times out, or has drained after `stop`.
pub(super) async fn drive(opened: Opened, peer: SocketAddr, dispatcher: Arc<Dispatcher>, mut stop: Pin<&mut impl Future<Output = ()>>) {
    let limits = dispatcher.limits.clone();
    let streams = Arc::new(Streams::new(opened.since, &limits));
    let activity = Arc::new(Activity::new(opened.since, &limits));
    activity.set(Phase::Busy);
    let io = TokioIo::new(MonitoredStream::new(opened.stream, opened.early, activity));
    let service = service_fn(|request| {
        let (dispatcher, stream) = (Arc::clone(&dispatcher), OpenStream::begin(&streams));
        async move {
            let (response, _) = dispatcher.respond(request, peer).await;
            Ok::<_, Infallible>(response.map(|body| stream.answered(body)))
        }
    });
    let mut connection = pin!(protocol(&limits).serve_connection(io, service));
    let mut timer = pin!(sleep_until(opened.since + *limits.header_timeout));
    let (mut stopping, mut leaving) = (false, None);
    poll_fn(|cx| {
        stopping = stopping || stop.as_mut().poll(cx).is_ready();
        if leaving.is_none() && (stopping || streams.is_due(&limits)) {
            leaving = Some(Instant::now() + *limits.drain);
            connection.as_mut().graceful_shutdown();
        }
        if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended early");
            }
            return Poll::Ready(());
        }
        let never_asked = leaving.is_some() && streams.begun.load(Relaxed) == 0;
        if never_asked || streams.cancels_too_much(&limits) {
            return Poll::Ready(());
        }
        overdue(&streams, &limits, timer.as_mut(), leaving, cx)
    })
    .await;
}

fn protocol(limits: &Limits) -> http2::Builder<TokioExecutor> {
    /// A size of HTTP/2 has 31 bits.
    const MAX_SIZE: u64 = (1 << 31) - 1;
    let size = |bytes: u64| u32::try_from(bytes.clamp(1, MAX_SIZE)).unwrap_or(u32::MAX);
    let own = &limits.http2;
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(own.max_streams)
        .max_header_list_size(size(limits.max_header_bytes.0))
        .initial_stream_window_size(size(own.stream_window.0))
        .initial_connection_window_size(size(own.connection_window.0))
        .adaptive_window(false)
        .max_send_buf_size(SEND_BUFFER)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(OWN_RESETS)
        .keep_alive_interval((!own.ping_interval.is_zero()).then_some(*own.ping_interval))
        .keep_alive_timeout(*own.ping_timeout);
    builder
}

/// The requests of a connection.
struct Streams {
    start: Instant,
    /// The millisecond from the start at which a request last began or ended.
    last_change: AtomicU64,
    open: AtomicU64,
    begun: AtomicU64,
    cancelled: AtomicU64,
    lifetime: Lifetime,
}

/// A request that is being worked on.
struct OpenStream {
    streams: Arc<Streams>,
    is_answered: bool,
}

impl OpenStream {
    fn begin(streams: &Arc<Streams>) -> Self {
        streams.open.fetch_add(1, Relaxed);
        streams.begun.fetch_add(1, Relaxed);
        streams.touch();
        OpenStream { streams: Arc::clone(streams), is_answered: false }
    }

    fn answered(mut self, body: Body) -> Answer {
        self.is_answered = true;
        Answer { is_taken: body.is_end_stream(), body, streams: Arc::clone(&self.streams) }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.streams.open.fetch_sub(1, Relaxed);
        self.streams.touch();
        if !self.is_answered {
            self.streams.cancelled.fetch_add(1, Relaxed);
        }
    }
}

/// The body of an answer that its client may not want any more.
struct Answer {
    body: Body,
    streams: Arc<Streams>,
    is_taken: bool,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.is_taken = true;
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if !self.is_taken {
            self.streams.cancelled.fetch_add(1, Relaxed);
        }
    }
}

impl Streams {
    fn new(start: Instant, limits: &Limits) -> Self {
        let lifetime = Lifetime::draw(limits);
        let zero = || AtomicU64::new(0);
        Streams { start, last_change: zero(), open: zero(), begun: zero(), cancelled: zero(), lifetime }
    }

    fn touch(&self) {
        self.last_change.store(millis(self.start.elapsed()), Relaxed);
    }

    /// Whether the connection has to end.
    fn is_due(&self, limits: &Limits) -> bool {
        let age = millis(self.start.elapsed());
        let is_idle = self.idle_at(limits).is_some_and(|deadline| deadline <= Instant::now());
        is_idle || age >= self.lifetime.max_millis || self.begun.load(Relaxed) >= self.lifetime.max_requests
    }

    /// When the connection has rested for too long; none while a request is worked on.
    fn idle_at(&self, limits: &Limits) -> Option<Instant> {
        // A client that has asked for nothing yet has the time of a first request.
        let allowed = if self.begun.load(Relaxed) == 0 { *limits.header_timeout } else { *limits.idle_timeout };
        let is_open = self.open.load(Relaxed) > 0;
        (!is_open).then(|| self.start + Duration::from_millis(self.last_change.load(Relaxed)) + allowed)
    }

    fn cancels_too_much(&self, limits: &Limits) -> bool {
        self.cancelled.load(Relaxed) > limits.http2.max_resets + self.begun.load(Relaxed) / 2
    }
}

/// Ready once a connection that was told to end has not done so in time, though no request is worked on.
fn overdue(streams: &Streams, limits: &Limits, mut timer: Pin<&mut Sleep>, leaving: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        let now = Instant::now();
        let idle = streams.idle_at(limits);
        let next = match leaving {
            // Requests that have begun may end; each has bounds of its own.
            Some(latest) => Some(if idle.is_some() { latest } else { now + *limits.drain }),
            None => {
                let old = streams.start.checked_add(Duration::from_millis(streams.lifetime.max_millis));
                idle.into_iter().chain(old).min()
            }
        };
        let Some(next) = next else { return Poll::Pending };
        if next <= now {
            if leaving.is_some() {
                return Poll::Ready(());
            }
            // It is told to end at the next look.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if timer.is_elapsed() || timer.deadline() > next {
            timer.as_mut().reset(next);
        }
        ready!(timer.as_mut().poll(cx));
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
