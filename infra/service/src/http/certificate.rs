//! The certificate in force: one value that all handshakes read, replaced whole when its files change.

use std::fmt;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::InconsistentKeys;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::signal::unix::{SignalKind, signal};

use super::tls::{Tls, TlsError, provider};
use crate::shutdown::Shutdown;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(10);
/// Larger files are no certificates.
const LARGEST_FILE: u64 = 1 << 20;

/// A certificate and its key.
pub(super) struct Certificate {
    tls: Tls,
    current: RwLock<Arc<CertifiedKey>>,
    /// What the files looked like when they were last read.
    seen: Mutex<Stamps>,
}

/// Size and time of a file, the certificate's first; none where it cannot be looked at.
type Stamps = [Option<(u64, SystemTime)>; 2];

impl Certificate {
    /// Reads the files.
    pub(super) fn open(tls: &Tls) -> Result<Self, TlsError> {
        let seen = stamps(tls);
        let current = RwLock::new(Arc::new(load(tls)?));
        Ok(Certificate { tls: tls.clone(), current, seen: Mutex::new(seen) })
    }

    /// Reads the files again on SIGHUP, and when they look different, until shutdown.
    pub(super) async fn follow(&self, shutdown: Shutdown) {
        let mut hangups = match signal(SignalKind::hangup()) {
            Ok(hangups) => hangups,
            Err(error) => {
                tracing::error!(%error, "cannot listen for SIGHUP");
                return;
            }
        };
        loop {
            tokio::select! {
                () = shutdown.triggered() => return,
                _ = hangups.recv() => self.reload(),
                () = tokio::time::sleep(LOOK) => self.reload_changed(),
            }
        }
    }

    /// What handshakes are given now.
    pub(super) fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn reload_changed(&self) {
        if *self.seen.lock().unwrap_or_else(PoisonError::into_inner) != stamps(&self.tls) {
            self.reload();
        }
    }

    /// Reads the files again; on an error what was in force stays so.
    pub(super) fn reload(&self) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = stamps(&self.tls);
        let file = self.tls.certificate.display();
        match load(&self.tls) {
            Ok(fresh) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
                tracing::info!(%file, "certificate read again");
            }
            Err(error) => tracing::error!(%error, %file, "certificate unchanged"),
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("tls", &self.tls).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl Tls {
    pub(super) fn unusable(&self, error: &rustls::Error) -> TlsError {
        let (certificate, key) = (self.certificate.clone(), self.key.clone());
        match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch { certificate, key },
            error => TlsError::Unusable { certificate, key, reason: error.to_string() },
        }
    }
}

/// The certificates in a file, the server's own first.
pub(super) fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(file)?;
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        // The parser's own message may quote the file.
        Ok(_) | Err(_) => Err(TlsError::Nothing { file: file.to_owned(), what: "certificate" }),
    }
}

fn load(tls: &Tls) -> Result<CertifiedKey, TlsError> {
    let chain = chain(&tls.certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read(&tls.key)?);
    let key = key.map_err(|_| TlsError::Nothing { file: tls.key.clone(), what: "private key" })?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| tls.unusable(&error))
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { file: file.to_owned(), source };
    if std::fs::metadata(file).map_err(unreadable)?.len() > LARGEST_FILE {
        return Err(unreadable(ErrorKind::FileTooLarge.into()));
    }
    std::fs::read(file).map_err(unreadable)
}

fn stamps(tls: &Tls) -> Stamps {
    let stamp = |metadata: Metadata| Some((metadata.len(), metadata.modified().ok()?));
    [&tls.certificate, &tls.key].map(|file| std::fs::metadata(file).ok().and_then(stamp))
}
