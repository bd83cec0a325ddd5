//! TLS for a server, as it is configured.

use crate::config::Span;
use rustls::InconsistentKeys;
use rustls::crypto::{CryptoProvider, ring};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    #[error("the system has no certificate authorities that could be trusted")]
    NoAuthorities,
    #[error("no client can encrypt: {0}")]
    Client(String),
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

    /// The error of files that rustls refuses.
    pub(super) fn unusable(&self, error: &rustls::Error) -> TlsError {
        let (certificate, key) = (self.certificate.clone(), self.key.clone());
        match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch { certificate, key },
            error => TlsError::Unusable { certificate, key, reason: error.to_string() },
        }
    }
}

/// The one implementation of the algorithms in this process.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
