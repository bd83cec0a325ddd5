//! The accept loop: connections within their bounds, and the drain after shutdown.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::crowd::{Crowd, Full};
use super::dispatch::Dispatcher;
use super::tls::Guard;
use super::{Error, Options, Router, connection};
use crate::shutdown::Shutdown;
use crate::telemetry::{Counter, Gauge, counter, gauge};

/// How long a connection that is refused may take to read so, how much of what it sends is read meanwhile, and how many may at a time.
const LINGER: Duration = Duration::from_secs(1);
const UNREAD: usize = 1 << 20;
const LEAVING: usize = 256;

/// Serves `router` on `listener` until `shutdown`, then stops accepting, closes connections that
/// rest, lets requests that have begun end within [`super::Limits::drain`], and returns.
///
/// # Errors
/// Two endpoints for one method and path, a certificate that cannot be used, or a listener that is broken for good.
pub async fn serve(listener: TcpListener, router: Router, options: impl Into<Options>, shutdown: Shutdown) -> Result<(), Error> {
    let mut options = options.into();
    let (limits, tls) = (&options.limits, options.tls.take());
    let crowd = Crowd::new(limits.max_connections, limits.max_connections_per_address, &options.trusted_proxies);
    let dispatcher = Arc::new(Dispatcher::new(router, options)?);
    let guard = tls.map(|tls| Guard::new(&tls, dispatcher.service())).transpose()?;
    let meters = Meters::of(dispatcher.service());
    let keeper = keep_certificate(guard.clone(), shutdown.clone());
    let mut door =
        Door { listener, crowd, guard, dispatcher, meters, connections: JoinSet::new(), leaving: Arc::new(Semaphore::new(LEAVING)) };
    let accepted = tokio::select! {
        accepted = door.open(&shutdown) => accepted,
        () = keeper => Ok(()),
    };
    door.close().await;
    accepted
}

/// A counter of connections that were not served.
pub(super) fn refused(service: &str, reason: &str) -> Counter {
    let help = "Connections closed before their first request: too many in total (full), of their address (address), or in a handshake (handshakes).";
    counter("aftershock_http_connections_refused_total", help, &[("service", service), ("reason", reason)])
}

/// Where connections come in.
struct Door {
    listener: TcpListener,
    crowd: Arc<Crowd>,
    guard: Option<Arc<Guard>>,
    dispatcher: Arc<Dispatcher>,
    meters: Meters,
    connections: JoinSet<()>,
    /// Places of those that are refused, until they have read so.
    leaving: Arc<Semaphore>,
}

struct Meters {
    open: Gauge,
    full: Counter,
    address: Counter,
}

impl Meters {
    fn of(service: &str) -> Self {
        Meters {
            open: gauge("aftershock_http_connections", "Open HTTP connections.", &[("service", service)]),
            full: refused(service, "full"),
            address: refused(service, "address"),
        }
    }
}

impl Door {
    async fn open(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
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
        let place = match self.crowd.enter(peer.ip()) {
            Ok(place) => place,
            Err(full) => {
                match full {
                    Full::Total => self.meters.full.inc(),
                    Full::Address => self.meters.address.inc(),
                }
                return refuse(stream, self.guard.is_some(), &self.leaving);
            }
        };
        // Without it a small answer waits for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        self.meters.open.add(1);
        let served = connection::drive(stream, peer, (Arc::clone(&self.dispatcher), self.guard.clone()), shutdown.clone());
        self.connections.spawn(async move {
            served.await;
            drop(place);
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
async fn keep_certificate(guard: Option<Arc<Guard>>, shutdown: Shutdown) {
    if let Some(guard) = guard {
        guard.follow(shutdown).await;
    }
    std::future::pending().await
}

/// Says 503 and waits a little until the client has read it: what is closed with something unread in it is reset, and the answer
/// is lost. Says nothing where a handshake would have to come first, or where too many are on their way out already.
fn refuse(stream: TcpStream, is_sealed: bool, leaving: &Arc<Semaphore>) {
    if is_sealed {
        return;
    }
    let Ok(place) = Arc::clone(leaving).try_acquire_owned() else { return };
    tokio::spawn(async move {
        // Whoever does not take it in time is cut.
        let _ = tokio::time::timeout(LINGER, say_busy(stream)).await;
        drop(place);
    });
}

async fn say_busy(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nx-content-type-options: nosniff\r\ncache-control: no-store\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await?;
    stream.shutdown().await?;
    let (mut unread, mut left) = ([0; 4096], UNREAD);
    while left > 0 {
        match stream.read(&mut unread).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}

/// Waits out a fault that passes, such as no free file descriptor.
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
