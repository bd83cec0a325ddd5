//! TLS handshakes of a server, bounded in number and time.

use super::connection_limit::{ConnectionLimit, refused_connections};
use super::opened::Protocol;
use super::tls::{Tls, TlsError, TlsVersion, provider};
use crate::config::Span;
use crate::reload::Reloaded;
use crate::shutdown::Shutdown;
use crate::telemetry::Counter;
use rustls::ServerConfig;
use rustls::version::{TLS12, TLS13};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What HTTP/2 and HTTP/1.1 are called in a handshake, the preferred first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];
/// How often the certificate's files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// Accepts connections that finish their handshake.
pub(super) struct Handshake {
    acceptor: TlsAcceptor,
    certificate: Arc<Reloaded<Tls>>,
    timeout: Span,
    limit: Arc<ConnectionLimit>,
    failed: Counter,
    refused: Counter,
}

impl Handshake {
    /// Reads the certificate's files.
    pub(super) fn new(tls: &Tls, service: &str) -> Result<Arc<Self>, TlsError> {
        let certificate = Arc::new(Reloaded::open(tls.clone())?);
        let versions: &[_] = match tls.min_version {
            TlsVersion::V1_2 => &[&TLS13, &TLS12],
            TlsVersion::V1_3 => &[&TLS13],
        };
        let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions);
        let builder = builder.map_err(|error| tls.unusable(&error))?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(&certificate) as _);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Arc::new(Handshake {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate,
            timeout: tls.handshake_timeout,
            limit: ConnectionLimit::new(tls.max_handshakes, tls.max_handshakes.div_ceil(4), &[]),
            failed: crate::metrics::HANDSHAKES_FAILED.with([service]),
            refused: refused_connections(service, "handshakes"),
        }))
    }

    /// The encrypted connection and the protocol that was agreed on; `None` where the handshake failed.
    pub(super) async fn accept(&self, stream: TcpStream, peer: SocketAddr) -> Option<(TlsStream<TcpStream>, Protocol)> {
        let Ok(_permit) = self.limit.acquire(peer.ip()) else {
            self.refused.inc();
            return None;
        };
        match tokio::time::timeout(*self.timeout, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(PROTOCOLS[0]);
                Some((stream, if is_http2 { Protocol::Http2 } else { Protocol::Http1 }))
            }
            failed => {
                self.failed.inc();
                if let Ok(Err(error)) = failed {
                    tracing::debug!(%error, "handshake failed");
                }
                None
            }
        }
    }

    /// Keeps the certificate up to date until shutdown.
    pub(super) async fn follow_certificate(&self, shutdown: Shutdown) {
        Arc::clone(&self.certificate).follow(Some(LOOK_INTERVAL), shutdown).await;
    }
}
