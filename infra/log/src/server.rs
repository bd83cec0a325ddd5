//! Connections: accepted within bounds, read one request after the other, answered in the same order.
//!
//! A request is decided about before the next is read, but its answer may come later: a producer's requests share a
//! sync, and a consumer's long poll does not hold up what it sends next.

use crate::Error;
use crate::api::sasl::Authentication;
use crate::buffers;
use crate::call::{Addresses, Answer, Piece, Reply};
use crate::node::{Node, pieces};
use crate::route::route;
use crate::storage::reading::Stored;
use bytes::{Bytes, BytesMut};
use service::connection_slots::{ConnectionSlots, Slot};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{SemaphorePermit, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// Requests of one connection whose answers are still to come.
const PIPELINED: usize = 32;
/// How long the rest of a request may take once it has begun, and an answer until it is taken.
const TRANSFER: Duration = Duration::from_secs(60);
/// Greatest request before authentication.
const UNAUTHENTICATED_BYTES: usize = 4_096;
/// Pause after the system refused a connection, for want of file descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until `shutdown`, then lets those there are finish.
pub async fn serve(node: &Arc<Node>, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
    let mut connections = JoinSet::new();
    let slots = ConnectionSlots::new(node.config.max_unauthenticated, node.config.max_connections);
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let Ok(local) = stream.local_addr() else { continue };
                    let addresses = Addresses { peer, local };
                    let connection = Connection { slot: slots.take(), slots: slots.clone(), since: Instant::now(), addresses };
                    connections.spawn(drive(node.clone(), stream, connection));
                }
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
    /// The client is gone, silent, or sends bytes that are not the protocol.
    Closed,
    /// Authentication failed: the client gets that answer first.
    Refused,
}

/// A connection as the listener sees it.
struct Connection {
    slot: Slot,
    slots: ConnectionSlots,
    since: Instant,
    addresses: Addresses,
}

impl Connection {
    /// Counts a connection that is not served.
    fn refuse(&self, reason: &str) -> End {
        self.slots.count_refusal(self.addresses.peer, reason);
        End::Closed
    }
}

/// How a connection is read.
struct Pace {
    /// Time until the next request begins.
    idle: Duration,
    /// Time from there to its end.
    transfer: Duration,
    max_bytes: usize,
}

impl Pace {
    fn of(node: &Node, authentication: &Authentication, connection: &Connection) -> Self {
        match authentication {
            Authentication::Done(_) => {
                Self { idle: node.config.idle_timeout, transfer: TRANSFER, max_bytes: node.config.max_request_bytes }
            }
            _ => {
                let left = node.config.authentication.saturating_sub(connection.since.elapsed());
                Self { idle: left.min(node.config.idle_timeout), transfer: left, max_bytes: UNAUTHENTICATED_BYTES }
            }
        }
    }
}

async fn drive(node: Arc<Node>, stream: TcpStream, connection: Connection) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let (reader, writer) = stream.into_split();
    let (replies, due) = mpsc::channel(PIPELINED);
    let writing = write_replies(&node, writer, due);
    let reading = read_requests(&node, reader, replies, &connection);
    tokio::pin!(writing);
    tokio::select! {
        () = connection.slot.evicted() => {}
        written = &mut writing => {
            if let Err(error) = written {
                tracing::debug!(peer = %connection.addresses.peer, error = %error, "a connection broke");
            }
        }
        end = reading => {
            if end != End::Closed {
                let _ = writing.await;
            }
        }
    }
}

async fn read_requests(node: &Arc<Node>, mut reader: OwnedReadHalf, replies: mpsc::Sender<Box<Reply>>, connection: &Connection) -> End {
    let mut authentication = Authentication::Missing;
    loop {
        let (frame, memory) = match next_request(node, &mut reader, connection, &authentication).await {
            Ok(read) => read,
            Err(end) => return end,
        };
        // On the heap, and so are the replies that wait: a connection that is idle holds no room for either.
        let reply = match Box::pin(route(node, frame, &mut authentication, connection.addresses)).await {
            Ok(reply) => Box::new(reply),
            Err(error) if matches!(authentication, Authentication::Done(_)) => {
                tracing::warn!(peer = %connection.addresses.peer, error = %error, "a connection is closed");
                return End::Closed;
            }
            Err(error) => return connection.refuse(&error.to_string()),
        };
        drop(memory);
        if !matches!(*reply, Reply::Nothing) && replies.send(reply).await.is_err() {
            return End::Closed;
        }
        match authentication {
            Authentication::Done(_) if connection.slot.authenticate() => continue,
            Authentication::Done(_) => connection.refuse("there are too many connections"),
            Authentication::Failed => connection.refuse("wrong user or password, or another mechanism than SCRAM-SHA-256"),
            Authentication::Missing | Authentication::Agreed | Authentication::Proving(_) => continue,
        };
        return End::Refused;
    }
}

/// The next request, and the memory that it was given.
async fn next_request<'a>(
    node: &'a Node,
    reader: &mut OwnedReadHalf,
    connection: &Connection,
    authentication: &Authentication,
) -> Result<(Bytes, SemaphorePermit<'a>), End> {
    let pace = Pace::of(node, authentication, connection);
    let mut stopped = node.stopping.subscribe();
    let mut length = [0; 4];
    tokio::select! {
        _ = stopped.wait_for(|stop| *stop) => return Err(End::Stopping),
        read = timeout(pace.idle, reader.read_exact(&mut length)) => {
            if !matches!(read, Ok(Ok(_))) {
                return Err(End::Closed);
            }
        }
    }
    let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or(0);
    if length < 8 || length > pace.max_bytes {
        return Err(connection.refuse("a request of that size"));
    }
    // Before authentication requests are small and their number is bounded: they may not use the memory of the others.
    let counted = if matches!(authentication, Authentication::Done(_)) { pieces(length) } else { 0 };
    let memory = node.request_memory.acquire_many(counted).await.map_err(|_| End::Closed)?;
    match timeout(pace.transfer, read_frame(reader, length)).await {
        Ok(Ok(frame)) => Ok((frame, memory)),
        _ => Err(End::Closed),
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
