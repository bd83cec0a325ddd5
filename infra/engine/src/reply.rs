//! A reply on its way from the thread that runs the statement to the network.

use crate::encoding::{Coding, Encoder};
use crate::exception::{Exception, NETWORK_ERROR};
use crate::format;
use crate::library::Counts;
use crate::progress::Progress;
use crate::session::Mark;
use crate::store::Store;
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderName, Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Sleep;

/// Chunks in flight.
const CHUNKS: usize = 4;
/// Bytes of a result that are held back until there are more or the statement has ended, as a server does in its buffer: most results
/// are smaller and leave in one piece, and what fails meanwhile is an error and no broken body.
const HELD: usize = 64 << 10;
/// Before a body breaks off, what was given to the connection must leave it: an error drops what it still holds. A client
/// that reads more slowly sees the break without its reason.
const BREAKING: Duration = Duration::from_millis(100);

/// What the thread of a statement says.
pub enum Message {
    /// It has ended well, with this result.
    Whole(Head, Bytes),
    /// It has begun to succeed; these are the first bytes of more.
    Start(Head, Bytes),
    Data(Bytes),
    /// All was sent.
    End,
    /// It failed before anything was sent.
    Failed(Exception),
}

/// What the head of a reply says of the result.
#[derive(Clone, Debug, Default)]
pub struct Head {
    pub format: String,
    pub counts: Counts,
}

/// The sending end; it blocks, and gives up when the client does not read.
pub struct Outbox {
    to: mpsc::Sender<Message>,
    runtime: tokio::runtime::Handle,
    pause: Duration,
    tag: String,
    encoder: Option<Encoder>,
    stage: Stage,
}

/// How far a reply is.
enum Stage {
    /// The statement has not begun to succeed.
    Quiet,
    /// It has, but nothing is sent yet.
    Held(Head, Vec<Bytes>),
    Open,
}

/// A pair for one statement. `tag` marks an exception within the body.
pub fn channel(pause: Duration, tag: String, encoder: Encoder) -> (Outbox, mpsc::Receiver<Message>) {
    let (to, from) = mpsc::channel(CHUNKS);
    let runtime = tokio::runtime::Handle::current();
    (Outbox { to, runtime, pause, tag, encoder: Some(encoder), stage: Stage::Quiet }, from)
}

impl Outbox {
    /// Says that the statement has begun to succeed.
    pub fn start(&mut self, head: Head) {
        self.stage = Stage::Held(head, Vec::new());
    }

    /// Sends bytes of the result, or holds them back while they are few.
    pub fn data(&mut self, data: Bytes) -> Result<(), Exception> {
        let Some(encoder) = &mut self.encoder else { return Ok(()) };
        let packed = encoder.push(data)?;
        self.pass(packed)
    }

    /// Ends the reply with what became of the statement. A failure in the middle is written into the body in the way that
    /// clients of ClickHouse look for (`WriteBufferFromHTTPServerResponse` of its source), and the body breaks off after it.
    pub fn end(mut self, outcome: Result<(), Exception>, version: &str) {
        let sent = match outcome {
            Ok(()) => self.finish().and_then(|()| match std::mem::replace(&mut self.stage, Stage::Open) {
                Stage::Held(head, pieces) => self.give(Message::Whole(head, joined(pieces))),
                Stage::Quiet | Stage::Open => self.give(Message::End),
            }),
            Err(exception) if !matches!(self.stage, Stage::Open) => self.give(Message::Failed(exception)),
            Err(exception) => {
                let text = exception.body(version);
                let (tag, length) = (&self.tag, text.len());
                let block = format!("\r\n__exception__\r\n{tag}\r\n{text}{length} {tag}\r\n__exception__\r\n");
                self.data(block.into()).and_then(|()| self.finish())
            }
        };
        if let Err(exception) = sent {
            tracing::debug!(%exception, "a reply was not delivered");
        }
    }

    fn finish(&mut self) -> Result<(), Exception> {
        let Some(encoder) = self.encoder.take() else { return Ok(()) };
        let rest = encoder.finish()?;
        self.pass(rest)
    }

    fn pass(&mut self, data: Bytes) -> Result<(), Exception> {
        if data.is_empty() {
            return Ok(());
        }
        let Stage::Held(_, pieces) = &mut self.stage else { return self.give(Message::Data(data)) };
        pieces.push(data);
        if pieces.iter().map(Bytes::len).sum::<usize>() < HELD {
            return Ok(());
        }
        match std::mem::replace(&mut self.stage, Stage::Open) {
            Stage::Held(head, pieces) => self.give(Message::Start(head, joined(pieces))),
            Stage::Quiet | Stage::Open => Ok(()),
        }
    }

    fn give(&self, message: Message) -> Result<(), Exception> {
        let sent = self.runtime.block_on(self.to.send_timeout(message, self.pause));
        sent.map_err(|_| Exception::new(NETWORK_ERROR, "The client went away or does not read its reply"))
    }
}

/// The pieces as one; a single one is not copied.
fn joined(mut pieces: Vec<Bytes>) -> Bytes {
    match pieces.len() {
        0 | 1 => pieces.pop().unwrap_or_default(),
        _ => pieces.concat().into(),
    }
}

/// Kills the statement when it is dropped before the statement has ended: the client left.
pub struct KillOnDrop {
    pub store: Arc<Store>,
    pub mark: Mark,
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if self.mark.is_finished() {
            return;
        }
        let (store, mark) = (self.store.clone(), self.mark.clone());
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || store.kill(&mark));
        }
    }
}

/// The body of a reply: known bytes, or what a statement still gives.
pub enum ReplyBody {
    Full(Option<Bytes>),
    Running(RunningBody),
}

impl ReplyBody {
    /// All there is.
    pub fn whole(bytes: Bytes) -> Self {
        Self::Full(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }

    /// The body of a statement that has begun.
    pub fn running(first: Bytes, from: mpsc::Receiver<Message>, guard: KillOnDrop) -> Self {
        Self::Running(RunningBody { first: Some(first), from, breaking: None, _guard: guard })
    }
}

/// What a statement still gives.
pub struct RunningBody {
    first: Option<Bytes>,
    from: mpsc::Receiver<Message>,
    /// Set once it is known that the body must break off.
    breaking: Option<Pin<Box<Sleep>>>,
    _guard: KillOnDrop,
}

/// The statement failed after the reply had begun.
#[derive(Debug, thiserror::Error)]
#[error("the statement failed after the reply had begun")]
pub struct Broken;

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Self::Running(running) => running.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Running(_) => SizeHint::default(),
        }
    }
}

impl RunningBody {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if self.breaking.is_none() {
            match ready!(self.from.poll_recv(context)) {
                Some(Message::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Some(Message::End) => return Poll::Ready(None),
                Some(Message::Whole(..) | Message::Start(..) | Message::Failed(_)) | None => {}
            }
        }
        let breaking = self.breaking.get_or_insert_with(|| Box::pin(tokio::time::sleep(BREAKING)));
        ready!(breaking.as_mut().poll(context));
        Poll::Ready(Some(Err(Broken)))
    }
}

pub type Reply = Response<ReplyBody>;

/// A short text.
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(ReplyBody::whole(body.into()));
    *reply.status_mut() = status;
    set(&mut reply, CONTENT_TYPE, "text/plain; charset=UTF-8");
    reply
}

/// The reply to a failed request.
pub fn failure(exception: &Exception, version: &str) -> Reply {
    let mut reply = text(exception.status(), exception.body(version));
    set(&mut reply, HeaderName::from_static("x-clickhouse-exception-code"), &exception.code.to_string());
    if reply.status() == StatusCode::UNAUTHORIZED {
        set(&mut reply, WWW_AUTHENTICATE, "Basic realm=\"ClickHouse server HTTP API\"");
    }
    if reply.status() == StatusCode::SERVICE_UNAVAILABLE {
        set(&mut reply, http::header::RETRY_AFTER, "1");
    }
    reply
}

/// The reply to a statement that succeeds.
pub fn success(format: &str, body: ReplyBody, summary: &Progress) -> Reply {
    let mut reply = Response::new(body);
    set(&mut reply, CONTENT_TYPE, format::media_type(format));
    set(&mut reply, HeaderName::from_static("x-clickhouse-format"), format);
    set(&mut reply, HeaderName::from_static("x-clickhouse-timezone"), "UTC");
    set(&mut reply, HeaderName::from_static("x-clickhouse-summary"), &summary.json());
    reply
}

/// Adds the samples of the statement's progress.
pub fn progress(reply: &mut Reply, samples: &[Progress]) {
    for sample in samples {
        if let Ok(value) = HeaderValue::from_str(&sample.json()) {
            reply.headers_mut().append(HeaderName::from_static("x-clickhouse-progress"), value);
        }
    }
}

/// Says how an exception in the body is marked, and how the body is packed.
pub fn mark(reply: &mut Reply, tag: &str, coding: Coding) {
    set(reply, HeaderName::from_static("x-clickhouse-exception-tag"), tag);
    if let Some(name) = coding.name() {
        set(reply, CONTENT_ENCODING, name);
    }
}

/// Sets a header where its value can be one.
pub fn set(reply: &mut Reply, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        reply.headers_mut().insert(name, value);
    }
}
