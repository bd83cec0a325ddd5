//! The accept loop: connections within their bound, and the drain after shutdown.

use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::dispatch::Dispatcher;
use super::{Error, Limits, Router, connection};
use crate::shutdown::Shutdown;
use crate::telemetry::{Counter, Gauge, counter, gauge};

/// Serves `router` on `listener` until `shutdown`, then stops accepting, closes connections that
/// rest, lets requests that have begun end within [`Limits::drain`], and returns.
///
/// # Errors
/// Two endpoints for one method and path, or a listener that is broken for good.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, shutdown: Shutdown) -> Result<(), Error> {
    let dispatcher = Arc::new(Dispatcher::new(router, limits)?);
    let mut connections = JoinSet::new();
    let meters = Meters::of(dispatcher.service());
    let accepted = accept(&listener, &dispatcher, &shutdown, (&mut connections, &meters)).await;
    drop(listener);
    drain(&mut connections, &dispatcher).await;
    meters.open.set(0);
    accepted
}

struct Meters {
    open: Gauge,
    refused: Counter,
}

impl Meters {
    fn of(service: &str) -> Self {
        let labels = [("service", service)];
        Meters {
            open: gauge("aftershock_http_connections", "Open HTTP connections.", &labels),
            refused: counter("aftershock_http_connections_refused_total", "Connections closed because too many were open.", &labels),
        }
    }
}

async fn accept(
    listener: &TcpListener,
    dispatcher: &Arc<Dispatcher>,
    shutdown: &Shutdown,
    (connections, meters): (&mut JoinSet<()>, &Meters),
) -> Result<(), Error> {
    let mut stop = std::pin::pin!(shutdown.triggered());
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            Some(_) = connections.join_next() => meters.open.add(-1),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() >= dispatcher.limits.max_connections => {
                    meters.refused.inc();
                    refuse(stream);
                }
                Ok((stream, peer)) => {
                    // Without it a small answer waits for the acknowledgement of the one before.
                    let _ = stream.set_nodelay(true);
                    meters.open.add(1);
                    let (dispatcher, shutdown) = (Arc::clone(dispatcher), shutdown.clone());
                    connections.spawn(connection::drive(stream, peer, dispatcher, shutdown));
                }
                Err(error) => recover(error).await?,
            },
        }
    }
}

/// Says 503 if the socket takes it at once; never waits.
fn refuse(stream: TcpStream) {
    const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(BUSY);
    }
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

async fn drain(connections: &mut JoinSet<()>, dispatcher: &Dispatcher) {
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(*dispatcher.limits.drain, ended).await.is_err() {
        let service = dispatcher.service();
        tracing::warn!(service, http.connections = connections.len(), "drain time is over, closing");
        connections.shutdown().await;
    }
}
