//! A socket that tells what moves on it, and takes its leave of a client that is still sending.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::Limits;
use super::stream::Stream;

/// How long a client that was refused may go on sending.
const FAREWELL: Duration = Duration::from_secs(5);
/// How much of what it sends is read and dropped: several times the largest body of any endpoint.
const FAREWELL_BYTES: usize = 64 << 20;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Nothing has arrived yet.
    Fresh,
    /// A request's head is arriving.
    Head,
    /// A request is read or answered.
    Working,
    /// Between requests; an answer may still be leaving.
    Resting,
    /// The last answer, maybe before its body was read; it may still be leaving.
    Last,
    /// Nothing is written any more; what arrives is dropped.
    Closing,
}

/// The phase, the millisecond, counted from the start, at which it last moved, and how many requests there were.
pub(super) struct Activity {
    pub(super) start: Instant,
    phase: AtomicU8,
    since: AtomicU64,
    requests: AtomicU64,
    /// The millisecond of the last answer.
    answered: AtomicU64,
    /// Milliseconds for which progress in taking an answer counts.
    taking: u64,
}

impl Activity {
    pub(super) fn since(start: Instant, limits: &Limits) -> Self {
        let taking = u64::try_from(limits.answer_timeout.as_millis()).unwrap_or(u64::MAX);
        let zero = || AtomicU64::new(0);
        Activity { start, phase: AtomicU8::new(0), since: zero(), requests: zero(), answered: zero(), taking }
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Relaxed) {
            0 => Phase::Fresh,
            1 => Phase::Head,
            2 => Phase::Working,
            3 => Phase::Resting,
            4 => Phase::Last,
            _ => Phase::Closing,
        }
    }

    pub(super) fn set(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
        self.touch();
        if let Phase::Resting | Phase::Last = phase {
            self.answered.store(self.since.load(Relaxed), Relaxed);
        }
    }

    /// A request begins. Gives the milliseconds since the start and the number of requests, this one included.
    pub(super) fn begin(&self) -> (u64, u64) {
        self.set(Phase::Working);
        // Requests of a connection come one after the other: nobody else counts.
        let requests = self.requests.load(Relaxed) + 1;
        self.requests.store(requests, Relaxed);
        (self.since.load(Relaxed), requests)
    }

    fn touch(&self) {
        self.since.store(self.millis(), Relaxed);
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn received(&self) {
        match self.phase() {
            Phase::Fresh | Phase::Resting => self.set(Phase::Head),
            Phase::Head | Phase::Working | Phase::Last | Phase::Closing => {}
        }
    }

    fn sent(&self) {
        let is_in_time = || self.millis().saturating_sub(self.answered.load(Relaxed)) <= self.taking;
        if matches!(self.phase(), Phase::Resting | Phase::Last) && is_in_time() {
            self.touch();
        }
    }

    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let allowed = match self.phase() {
            Phase::Fresh | Phase::Head => *limits.header_timeout,
            Phase::Resting | Phase::Last => *limits.idle_timeout,
            Phase::Closing => FAREWELL,
            Phase::Working => return None,
        };
        self.start.checked_add(Duration::from_millis(self.since.load(Relaxed)))?.checked_add(allowed)
    }
}

/// A socket that tells what moves.
pub(super) struct Watched {
    stream: Stream,
    /// What was read of it before.
    early: Vec<u8>,
    activity: Arc<Activity>,
    /// Bytes that arrived after the last answer.
    dropped: usize,
}

impl Watched {
    pub(super) fn new(stream: Stream, early: Vec<u8>, activity: Arc<Activity>) -> Self {
        Watched { stream, early, activity, dropped: 0 }
    }

    /// Reads and drops what a client still sends, until it has understood, or has sent too much.
    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut piece = [std::mem::MaybeUninit::uninit(); 16 << 10];
        while self.dropped < FAREWELL_BYTES {
            let mut buffer = ReadBuf::uninit(&mut piece);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => self.dropped += buffer.filled().len(),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if !self.early.is_empty() {
            let count = self.early.len().min(buffer.remaining());
            buffer.put_slice(&self.early[..count]);
            self.early.drain(..count);
            self.activity.received();
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.activity.received();
        }
        result
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.activity.sent();
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, pieces));
        self.activity.sent();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.activity.phase() {
            Phase::Fresh | Phase::Working | Phase::Resting => return Pin::new(&mut self.stream).poll_shutdown(cx),
            // A head that is not finished was refused, too.
            Phase::Head | Phase::Last => {
                ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
                self.activity.set(Phase::Closing);
            }
            Phase::Closing => {}
        }
        self.poll_farewell(cx).map(Ok)
    }
}
