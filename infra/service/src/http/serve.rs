//! The accept loop: connections within their bounds, and the drain after shutdown.

use super::connection_limit::{ConnectionLimit, LimitReached, refused_connections};
use super::dispatch::Dispatcher;
use super::handshake::Handshake;
use super::{Error, Options, Router, connection};
use crate::metrics::CONNECTIONS;
use crate::shutdown::Shutdown;
use crate::telemetry::{Counter, Gauge};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How long a refused connection may take to read the refusal.
const LINGER: Duration = Duration::from_secs(1);
/// How many bytes that it sends meanwhile are read and dropped.
const LINGER_BYTES: usize = 1 << 20;
/// How many connections linger so at once.
const MAX_LINGERING: usize = 256;

/// Serves `router` on `listener` until `shutdown`, then stops accepting, closes idle connections, lets requests that have begun end
/// within [`super::Limits::drain`], and returns.
///
/// # Errors
/// Two endpoints for one method and path, a certificate that cannot be used, or a listener that is broken for good.
pub async fn serve(listener: TcpListener, router: Router, options: impl Into<Options>, shutdown: Shutdown) -> Result<(), Error> {
    let mut options = options.into();
    let (limits, tls) = (&options.limits, options.tls.take());
    let limit = ConnectionLimit::new(limits.max_connections, limits.max_connections_per_address, &options.trusted_proxies);
    let dispatcher = Arc::new(Dispatcher::new(router, options)?);
    let handshake = tls.map(|tls| Handshake::new(&tls, dispatcher.service())).transpose()?;
    let meters = Meters::of(dispatcher.service());
    let keeper = follow_certificate(handshake.clone(), shutdown.clone());
    let mut acceptor = Acceptor {
        listener,
        limit,
        handshake,
        dispatcher,
        meters,
        connections: JoinSet::new(),
        lingering: Arc::new(Semaphore::new(MAX_LINGERING)),
    };
    let accepted = tokio::select! {
        accepted = acceptor.run(&shutdown) => accepted,
        () = keeper => Ok(()),
    };
    acceptor.close().await;
    accepted
}

/// Accepts connections and drives them.
struct Acceptor {
    listener: TcpListener,
    limit: Arc<ConnectionLimit>,
    handshake: Option<Arc<Handshake>>,
    dispatcher: Arc<Dispatcher>,
    meters: Meters,
    connections: JoinSet<()>,
    /// Refused connections that linger until they have read the refusal.
    lingering: Arc<Semaphore>,
}

struct Meters {
    open: Gauge,
    full: Counter,
    address: Counter,
}

impl Meters {
    fn of(service: &str) -> Self {
        Meters {
            open: CONNECTIONS.with([service]),
            full: refused_connections(service, "full"),
            address: refused_connections(service, "address"),
        }
    }
}

impl Acceptor {
    async fn run(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        let mut stop = std::pin::pin!(shutdown.triggered());
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                Some(_) = self.connections.join_next() => self.meters.open.add(-1),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(stream, peer, shutdown),
                    Err(error) => recover(error).await?,
                },
            }
        }
    }

    fn admit(&mut self, stream: TcpStream, peer: SocketAddr, shutdown: &Shutdown) {
        let permit = match self.limit.acquire(peer.ip()) {
            Ok(permit) => permit,
            Err(reached) => {
                match reached {
                    LimitReached::Total => self.meters.full.inc(),
                    LimitReached::Address => self.meters.address.inc(),
                }
                return refuse(stream, self.handshake.is_some(), &self.lingering);
            }
        };
        // Without it a small answer waits for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        self.meters.open.add(1);
        let served = connection::drive(stream, peer, Arc::clone(&self.dispatcher), self.handshake.clone(), shutdown.clone());
        self.connections.spawn(async move {
            served.await;
            drop(permit);
        });
    }

    async fn close(mut self) {
        drop(self.listener);
        let ended = async { while self.connections.join_next().await.is_some() {} };
        if tokio::time::timeout(*self.dispatcher.limits.drain, ended).await.is_err() {
            let service = self.dispatcher.service();
            tracing::warn!(service, http.connections = self.connections.len(), "drain time is over, closing");
            self.connections.shutdown().await;
        }
        self.meters.open.set(0);
    }
}

/// Keeps the certificate up to date; never ends by itself.
async fn follow_certificate(handshake: Option<Arc<Handshake>>, shutdown: Shutdown) {
    if let Some(handshake) = handshake {
        handshake.follow_certificate(shutdown).await;
    }
    std::future::pending().await
}

/// Answers 503 and lingers until the client has read it: a connection that is closed with unread bytes is reset, and the answer
/// is lost. Answers nothing where a handshake would have to come first, or where too many linger already.
fn refuse(stream: TcpStream, is_encrypted: bool, lingering: &Arc<Semaphore>) {
    if is_encrypted {
        return;
    }
    let Ok(permit) = Arc::clone(lingering).try_acquire_owned() else { return };
    tokio::spawn(async move {
        // A client that does not read it in time is cut off.
        let _ = tokio::time::timeout(LINGER, answer_busy(stream)).await;
        drop(permit);
    });
}

async fn answer_busy(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nx-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await?;
    stream.shutdown().await?;
    let (mut dropped, mut left) = ([0; 4096], LINGER_BYTES);
    while left > 0 {
        match stream.read(&mut dropped).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}

/// Waits after a fault that passes, such as no free file descriptor.
async fn recover(error: std::io::Error) -> Result<(), Error> {
    /// EMFILE, ENFILE, ENOMEM and ENOBUFS of Linux.
    const SHORTAGES: [i32; 4] = [24, 23, 12, 105];
    match error.kind() {
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted => Ok(()),
        _ if error.raw_os_error().is_some_and(|code| SHORTAGES.contains(&code)) => {
            tracing::warn!(%error, "cannot accept connections for now");
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok(())
        }
        _ => Err(Error::Accept(error)),
    }
}
