//! Connections: accepted within bounds, read one request after the other, answered in the same order.
//!
//! A request is decided about before the next is read, but its answer may come later: a producer's requests share a
//! sync, and a consumer's long poll does not hold up what it sends next.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Error;
use super::buffers;
use super::log::reading::Stored;
use super::node::{Node, pieces};
use super::route::{Answer, Piece, Reply, route};

/// Requests of one connection whose answers are still to come.
const PIPELINED: usize = 32;
/// How long the rest of a request may take once it has begun, and an answer until it is taken.
const TRANSFER: Duration = Duration::from_secs(60);
/// Pause after the system refused a connection, for want of file descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until `shutdown`, then lets those there are finish.
pub async fn serve(node: &Arc<Node>, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) if connections.len() < node.config.max_connections => {
                    connections.spawn(connection(node.clone(), stream, peer, node.stopping.subscribe()));
                }
                Ok((_, peer)) => tracing::warn!(peer = %peer, "too many connections, one more is refused"),
                Err(error) => {
                    tracing::warn!(error = %error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    node.stopping.send_replace(true);
    let finish = async { while connections.join_next().await.is_some() {} };
    if timeout(node.config.drain, finish).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections are closed before they finished");
    }
    connections.shutdown().await;
    Ok(())
}

/// Why no more requests are read.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The broker stops: answers that are due still go out.
    Stopping,
    /// The client is gone, silent or speaks nonsense.
    Closed,
}

async fn connection(node: Arc<Node>, stream: TcpStream, peer: SocketAddr, stopped: watch::Receiver<bool>) {
    let Ok(local) = stream.local_addr() else { return };
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let (reader, writer) = stream.into_split();
    let (replies, due) = mpsc::channel(PIPELINED);
    let writing = write_replies(&node, writer, due);
    let reading = read_requests(&node, reader, replies, (peer, local), stopped);
    tokio::pin!(writing);
    tokio::select! {
        written = &mut writing => {
            if let Err(error) = written {
                tracing::debug!(peer = %peer, error = %error, "a connection broke");
            }
        }
        end = reading => {
            if end == End::Stopping {
                let _ = writing.await;
            }
        }
    }
}

async fn read_requests(
    node: &Arc<Node>,
    mut reader: OwnedReadHalf,
    replies: mpsc::Sender<Box<Reply>>,
    (peer, local): (SocketAddr, SocketAddr),
    mut stopped: watch::Receiver<bool>,
) -> End {
    loop {
        let mut length = [0; 4];
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return End::Stopping,
            read = timeout(node.config.idle_timeout, reader.read_exact(&mut length)) => {
                if !matches!(read, Ok(Ok(_))) {
                    return End::Closed;
                }
            }
        }
        let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or(0);
        if length < 8 || length > node.config.max_request_bytes {
            tracing::warn!(peer = %peer, request.bytes = length, "a request of that size is refused");
            return End::Closed;
        }
        let Ok(memory) = node.request_memory.acquire_many(pieces(length)).await else { return End::Closed };
        let Ok(Ok(frame)) = timeout(TRANSFER, read_frame(&mut reader, length)).await else { return End::Closed };
        // On the heap, and so are the replies that wait: a connection that is idle holds no room for either.
        let reply = match Box::pin(route(node, frame, peer, local)).await {
            Ok(reply) => Box::new(reply),
            Err(error) => {
                tracing::warn!(peer = %peer, error = %error, "a connection is closed");
                return End::Closed;
            }
        };
        drop(memory);
        if !matches!(*reply, Reply::Nothing) && replies.send(reply).await.is_err() {
            return End::Closed;
        }
    }
}

async fn read_frame(reader: &mut OwnedReadHalf, length: usize) -> io::Result<Bytes> {
    let mut frame = BytesMut::with_capacity(length);
    let mut limited = reader.take(length as u64);
    while frame.len() < length {
        if limited.read_buf(&mut frame).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(frame.freeze())
}

async fn write_replies(node: &Node, mut writer: OwnedWriteHalf, mut due: mpsc::Receiver<Box<Reply>>) -> io::Result<()> {
    while let Some(reply) = due.recv().await {
        let answer = match *reply {
            Reply::Now(answer) => answer,
            Reply::Later(waiting) => match waiting.await {
                Some(answer) => answer,
                None => return Ok(()),
            },
            Reply::Nothing => continue,
        };
        timeout(TRANSFER, write_answer(node, &mut writer, answer)).await??;
    }
    writer.shutdown().await
}

async fn write_answer(node: &Node, writer: &mut OwnedWriteHalf, Answer(pieces): Answer) -> io::Result<()> {
    for piece in pieces {
        match piece {
            Piece::Bytes(bytes) => writer.write_all(&bytes).await?,
            Piece::Stored(stored) => write_stored(node, writer, stored).await?,
        }
    }
    Ok(())
}

/// Records from their file. Where it cannot be read the frame stays incomplete, and the connection ends.
async fn write_stored(node: &Node, writer: &mut OwnedWriteHalf, mut stored: Stored) -> io::Result<()> {
    let Some(mut buffer) = node.buffers.take().await else { return Err(io::ErrorKind::BrokenPipe.into()) };
    while stored.len() > 0 {
        let mut bytes = std::mem::take(&mut buffer.bytes);
        let read = move || stored.read(&mut bytes, buffers::SIZE).map(|_| (stored, bytes));
        (stored, buffer.bytes) = tokio::task::spawn_blocking(read).await??;
        writer.write_all(&buffer.bytes).await?;
    }
    Ok(())
}
