//! TLS for a server: what is configured, and the handshakes, bounded in number and time.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::version::{TLS12, TLS13};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificate::Certificate;
use super::crowd::Crowd;
use crate::config::Span;
use crate::shutdown::Shutdown;
use crate::telemetry::{Counter, counter};

/// What HTTP/2 and HTTP/1.1 are called in a handshake, the better first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Encrypts the connections of a service. The files are read again on SIGHUP and when they change; where what is there then cannot be
/// used, what was in force stays so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file with the certificate, then those that sign it. Relative to the folder of the configuration file.
    pub certificate: PathBuf,
    /// PEM file with the certificate's private key. Relative to the folder of the configuration file.
    pub key: PathBuf,
    /// The oldest version that is spoken, "1.2" or "1.3".
    #[serde(default)]
    pub min_version: TlsVersion,
    /// How long a handshake may take.
    #[serde(default = "handshake_timeout")]
    pub handshake_timeout: Span,
    /// Handshakes at once, a quarter of them from one address; one more is closed.
    #[serde(default = "max_handshakes")]
    pub max_handshakes: usize,
}

/// A version of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TlsVersion {
    #[default]
    #[serde(rename = "1.2")]
    V1_2,
    #[serde(rename = "1.3")]
    V1_3,
}

/// Why a certificate cannot be used. Nothing of a file's content is told.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {}: {source}", file.display())]
    Unreadable { file: PathBuf, source: std::io::Error },
    #[error("{} holds no {what} in PEM form", file.display())]
    Nothing { file: PathBuf, what: &'static str },
    #[error("the key in {} is not that of the certificate in {}", key.display(), certificate.display())]
    Mismatch { certificate: PathBuf, key: PathBuf },
    #[error("{} and {} cannot be used: {reason}", certificate.display(), key.display())]
    Unusable { certificate: PathBuf, key: PathBuf, reason: String },
}

fn handshake_timeout() -> Span {
    Span::seconds(5)
}

fn max_handshakes() -> usize {
    1024
}

impl Tls {
    /// With the defaults of what is not given.
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Tls {
            certificate: certificate.into(),
            key: key.into(),
            min_version: TlsVersion::default(),
            handshake_timeout: handshake_timeout(),
            max_handshakes: max_handshakes(),
        }
    }

    /// The same with its relative paths taken from `folder`.
    #[must_use]
    pub fn within(self, folder: &Path) -> Self {
        Tls { certificate: folder.join(&self.certificate), key: folder.join(&self.key), ..self }
    }

    /// Reads the files as a start would.
    ///
    /// # Errors
    /// They cannot be used; see [`TlsError`].
    pub fn check(&self) -> Result<(), TlsError> {
        Certificate::open(self).map(drop)
    }
}

/// The one implementation of the algorithms.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Lets connections in that finish their handshake.
pub(super) struct Guard {
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
    timeout: Span,
    handshakes: Arc<Crowd>,
    failed: Counter,
    crowded: Counter,
}

impl Guard {
    /// Reads the files.
    pub(super) fn new(tls: &Tls, service: &str) -> Result<Arc<Self>, TlsError> {
        let certificate = Arc::new(Certificate::open(tls)?);
        let versions: &[_] = match tls.min_version {
            TlsVersion::V1_2 => &[&TLS13, &TLS12],
            TlsVersion::V1_3 => &[&TLS13],
        };
        let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions);
        let builder = builder.map_err(|error| tls.unusable(&error))?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(&certificate) as _);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        let refused = |reason| super::serve::refused(service, reason);
        Ok(Arc::new(Guard {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate,
            timeout: tls.handshake_timeout,
            handshakes: Crowd::new(tls.max_handshakes, tls.max_handshakes.div_ceil(4), &[]),
            failed: counter(
                "aftershock_tls_handshakes_failed_total",
                "TLS handshakes that failed or took too long.",
                &[("service", service)],
            ),
            crowded: refused("handshakes"),
        }))
    }

    /// The connection as HTTP has it, and whether it speaks HTTP/2; none where the client did not get so far.
    pub(super) async fn admit(&self, stream: TcpStream, peer: SocketAddr) -> Option<(TlsStream<TcpStream>, bool)> {
        let Ok(_place) = self.handshakes.enter(peer.ip()) else {
            self.crowded.inc();
            return None;
        };
        match tokio::time::timeout(*self.timeout, self.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(PROTOCOLS[0]);
                Some((stream, is_http2))
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
    pub(super) async fn follow(&self, shutdown: Shutdown) {
        self.certificate.follow(shutdown).await;
    }
}
