//! The certificate of a server: read from its files, and replaced as a whole when they change.

use super::tls::{Tls, TlsError, provider};
use crate::reload::{Reloaded, Source};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A larger file is not a certificate.
const MAX_FILE_BYTES: u64 = 1 << 20;

impl Tls {
    /// Reads the files as a start would.
    ///
    /// # Errors
    /// They cannot be used; see [`TlsError`].
    pub fn check(&self) -> Result<(), TlsError> {
        self.read().map(drop)
    }
}

impl Source for Tls {
    type Value = CertifiedKey;
    type Error = TlsError;
    const NAME: &'static str = "certificate";

    fn files(&self) -> Vec<PathBuf> {
        vec![self.certificate.clone(), self.key.clone()]
    }

    fn read(&self) -> Result<CertifiedKey, TlsError> {
        let chain = chain(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?);
        let key = key.map_err(|_| TlsError::Nothing { file: self.key.clone(), what: "private key" })?;
        CertifiedKey::from_der(chain, key, &provider()).map_err(|error| self.unusable(&error))
    }
}

impl ResolvesServerCert for Reloaded<Tls> {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
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

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { file: file.to_owned(), source };
    if std::fs::metadata(file).map_err(unreadable)?.len() > MAX_FILE_BYTES {
        return Err(unreadable(ErrorKind::FileTooLarge.into()));
    }
    std::fs::read(file).map_err(unreadable)
}
