//! A connection that notes what moves on it, and lingers at its end for a client that is still sending.

use super::activity::{Activity, Phase};
use super::opened::Stream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much of what a client sends after its last answer is read and dropped: several times the largest body of any endpoint.
const LINGER_BYTES: usize = 64 << 20;

/// A connection that notes in its [`Activity`] what moves.
pub(super) struct MonitoredStream {
    stream: Stream,
    /// Bytes that were read before HTTP began.
    early: Vec<u8>,
    activity: Arc<Activity>,
    /// Bytes read and dropped after the last answer.
    dropped: usize,
}

impl MonitoredStream {
    pub(super) fn new(stream: Stream, early: Vec<u8>, activity: Arc<Activity>) -> Self {
        MonitoredStream { stream, early, activity, dropped: 0 }
    }

    /// Lingering close: reads and drops what the client still sends, until it closes or has sent too much.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut piece = [std::mem::MaybeUninit::uninit(); 16 << 10];
        while self.dropped < LINGER_BYTES {
            let mut buffer = ReadBuf::uninit(&mut piece);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => self.dropped += buffer.filled().len(),
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for MonitoredStream {
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

impl AsyncWrite for MonitoredStream {
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
            Phase::New | Phase::Busy | Phase::Idle => return Pin::new(&mut self.stream).poll_shutdown(cx),
            // A head that is not finished was refused, too.
            Phase::Head | Phase::Last => {
                ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
                self.activity.set(Phase::Closing);
            }
            Phase::Closing => {}
        }
        self.poll_linger(cx).map(Ok)
    }
}
