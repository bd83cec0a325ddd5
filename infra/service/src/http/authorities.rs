//! Which certificate authorities a client of ours trusts, and connections to servers that have their certificates.

use super::TlsError;
use super::certificate::chain;
use super::tls::provider;
use hyper::body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// How long an unused connection stays open: ClickHouse closes its end after three seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2);
const KEEPALIVE: Duration = Duration::from_secs(60);

/// The certificate authorities that a client trusts.
#[derive(Clone, Debug)]
pub(crate) struct Authorities(Arc<RootCertStore>);

impl Authorities {
    /// Those in a PEM file, or, without one, those that the system trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` name others).
    ///
    /// # Errors
    /// The file holds none, or the system trusts none.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, TlsError> {
        match file {
            Some(file) => of_file(file),
            None => of_system(),
        }
    }

    /// Trusts no server.
    pub(crate) fn none() -> Self {
        Authorities(Arc::new(RootCertStore::empty()))
    }

    /// A pool of connections over HTTP/1.1 to servers whose certificates they have signed, and to no others.
    ///
    /// # Errors
    /// The algorithms cannot be used.
    pub(crate) fn client<B>(&self) -> Result<Client<HttpsConnector<HttpConnector>, B>, TlsError>
    where
        B: Body + Send,
        B::Data: Send,
    {
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| TlsError::Client(error.to_string()))?;
        let tls = builder.with_root_certificates(Arc::clone(&self.0)).with_no_client_auth();
        let mut connector = HttpConnector::new();
        connector.set_keepalive(Some(KEEPALIVE));
        connector.set_nodelay(true);
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1().wrap_connector(connector);
        Ok(Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE_TIMEOUT).build(connector))
    }
}

fn of_file(file: &Path) -> Result<Authorities, TlsError> {
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(chain(file)?);
    match added {
        0 => Err(TlsError::Nothing { file: file.to_owned(), what: "certificate of an authority" }),
        _ => Ok(Authorities(Arc::new(store))),
    }
}

/// Read once: the store is large, and the system's does not change while a process runs.
fn of_system() -> Result<Authorities, TlsError> {
    static SYSTEM: OnceLock<Authorities> = OnceLock::new();
    if let Some(known) = SYSTEM.get() {
        return Ok(known.clone());
    }
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(found.certs);
    match added {
        0 => Err(TlsError::NoAuthorities),
        _ => Ok(SYSTEM.get_or_init(|| Authorities(Arc::new(store))).clone()),
    }
}
