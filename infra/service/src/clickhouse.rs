//! The ClickHouse server: its address, its accounts, and clients for it.

use crate::config::Secret;
use crate::http::{Authorities, TlsError};
use clickhouse::{Client, Compression};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[clickhouse]`: where the tables are and how they are reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address of the HTTP interface, `http://host:port`, or `https://host:port` for TLS. Absent in standalone: the embedded engine.
    pub url: String,
    /// PEM file with the certificate authorities that are trusted to sign the certificate of an `https://` server. Absent: those that the
    /// system trusts. Relative to the folder of the configuration file.
    pub ca_certificate: Option<PathBuf>,
    /// Account that writes; empty: the server's default user.
    pub user: String,
    /// Password of the account that writes.
    pub password: Secret<String>,
    /// Account that only reads; empty: the account that writes.
    pub read_user: String,
    /// Password of the account that only reads.
    pub read_password: Secret<String>,
    /// Database that holds the tables.
    pub database: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            url: String::new(),
            ca_certificate: None,
            user: String::new(),
            password: Secret::default(),
            read_user: String::new(),
            read_password: Secret::default(),
            database: "aftershock".to_owned(),
        }
    }
}

/// Why an address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    #[error("url {0} is not an http:// or https:// address")]
    Scheme(String),
    #[error("ca_certificate: {0}")]
    Authorities(#[from] TlsError),
}

/// A client that reads. To ask it anything takes [`Client`], which only the places that own statements may name.
#[derive(Clone)]
pub struct Reader(Client);

impl From<Reader> for Client {
    fn from(reader: Reader) -> Self {
        reader.0
    }
}

/// The server gave no answer, or an error.
#[derive(Debug, thiserror::Error)]
#[error("clickhouse: {0}")]
pub struct Error(#[from] clickhouse::error::Error);

impl Config {
    /// A client that may write.
    pub fn writer(&self) -> Client {
        self.client(&self.user, &self.password).with_database(&self.database)
    }

    /// A writer without a database, to create one: the server refuses a client that names a missing database.
    pub fn server(&self) -> Client {
        self.client(&self.user, &self.password)
    }

    /// A reader with the account that only reads, or with the one that writes where no other is given.
    pub fn reader(&self) -> Reader {
        Reader(match self.read_user.is_empty() {
            true => self.writer(),
            false => self.client(&self.read_user, &self.read_password).with_database(&self.database),
        })
    }

    /// Whether connections to the server are encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// Says what is wrong with the address and with the certificate authorities, where they are needed.
    ///
    /// # Errors
    /// The address is neither `http://` nor `https://`, or the certificate authorities of an `https://` server cannot be read.
    pub fn check(&self) -> Result<(), AddressError> {
        if self.is_encrypted() {
            return Ok(Authorities::load(self.ca_certificate.as_deref()).map(drop)?);
        }
        if self.url.starts_with("http://") { Ok(()) } else { Err(AddressError::Scheme(self.url.clone())) }
    }

    fn client(&self, user: &str, password: &Secret<String>) -> Client {
        let client = if self.is_encrypted() { self.encrypted() } else { Client::default() };
        let client = client.with_url(&self.url).with_compression(Compression::Lz4);
        // Empty credentials are not sent: the server refuses them, but takes none at all.
        match (user.is_empty(), password.expose().is_empty()) {
            (true, true) => client,
            (false, true) => client.with_user(user),
            (true, false) => client.with_password(password.expose()),
            (false, false) => client.with_user(user).with_password(password.expose()),
        }
    }
}

impl Config {
    /// A client over TLS. Where the certificate authorities cannot be read it trusts no server.
    fn encrypted(&self) -> Client {
        let authorities = Authorities::load(self.ca_certificate.as_deref()).unwrap_or_else(|error| {
            tracing::error!(%error, "no certificate of the tables' server can be trusted");
            Authorities::none()
        });
        match authorities.client() {
            Ok(client) => Client::with_http_client(client),
            Err(error) => {
                tracing::error!(%error, "connections to the tables cannot be encrypted");
                // It refuses an `https://` address.
                Client::default()
            }
        }
    }
}

/// Asks the server for one row.
///
/// # Errors
/// The server is away, refuses the account, or does not answer as ClickHouse does.
pub async fn ping(client: &Client) -> Result<(), Error> {
    client.query("select 1").fetch_one::<u8>().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::http::{Endpoint, HeaderMap, Limits, Method, Options, Request, Response, Router, StatusCode, Tls, serve, text};
    use crate::shutdown::Shutdown;
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    /// Notes who asks, and refuses.
    struct Refusing(Arc<Mutex<Vec<(HeaderMap, String)>>>);

    impl Endpoint for Refusing {
        const METHODS: &'static [Method] = &[Method::POST, Method::GET];
        const PATH: &'static str = "/";
        const SUMMARY: &'static str = "Refuses";
        const TAG: &'static str = "test";
        type Input = Request;
        type Output = Response;
        type Error = Infallible;

        async fn call(&self, request: Request) -> Result<Response, Infallible> {
            self.0.lock().unwrap().push((request.headers, request.query));
            Ok(text(StatusCode::FORBIDDEN, "Code: 516. DB::Exception: refused"))
        }
    }

    #[tokio::test]
    async fn each_client_says_who_it_is() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (trigger, shutdown) = Shutdown::new();
        let router = Router::new("engine").mount(Refusing(Arc::clone(&seen)));
        let server = tokio::spawn(serve(listener, router, Limits::default(), shutdown));
        let open = Config { url, ..Config::default() };
        let closed = Config { user: "w".into(), password: "写".into(), ..open.clone() };
        let split = Config { read_user: "r".into(), read_password: "x".into(), ..closed.clone() };
        for client in [open.reader().0, closed.server(), closed.reader().0, split.reader().0] {
            let error = ping(&client).await.expect_err("it refuses");
            assert!(error.to_string().contains("refused"), "{error}");
        }
        trigger.fire();
        server.await.unwrap().unwrap();
        let seen = seen.lock().unwrap();
        let user = |at: usize| seen[at].0.get("x-clickhouse-user").map(|value| value.to_str().unwrap());
        let database = |at: usize| seen[at].1.contains("database=aftershock");
        assert_eq!([user(0), user(1), user(2), user(3)], [None, Some("w"), Some("w"), Some("r")]);
        assert_eq!([database(0), database(1), database(2), database(3)], [true, false, true, true]);
    }

    #[tokio::test]
    async fn an_encrypted_server_is_asked_where_its_authority_is_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            file
        };
        let made = |name: &str| rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let (own, other) = (made("localhost"), made("localhost"));
        let certificate = write("own.pem", own.cert.pem());
        let tls = Tls::new(&certificate, write("key.pem", own.signing_key.serialize_pem()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (trigger, shutdown) = Shutdown::new();
        let options = Options { tls: Some(tls), ..Options::default() };
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = tokio::spawn(serve(listener, Router::new("engine").mount(Refusing(Arc::clone(&seen))), options, shutdown));
        let config = |host: &str, authority: &std::path::Path| Config {
            url: format!("https://{host}:{port}"),
            ca_certificate: Some(authority.to_owned()),
            ..Config::default()
        };
        let trusted = config("localhost", &certificate);
        trusted.check().unwrap();
        let answer = ping(&trusted.reader().0).await.unwrap_err().to_string();
        assert!(answer.contains("refused"), "by the server itself: {answer}");
        let plain = Config { url: format!("http://localhost:{port}"), ..Config::default() };
        let strangers = [
            config("127.0.0.1", &certificate),
            config("localhost", &write("other.pem", other.cert.pem())),
            config("localhost", &folder.path().join("none.pem")),
            plain,
        ];
        for config in strangers {
            let error = ping(&config.reader().0).await.unwrap_err().to_string();
            assert!(!error.contains("refused"), "{config:?} {error}");
        }
        assert_eq!(seen.lock().unwrap().len(), 1, "nothing was asked of a server that is not trusted");
        trigger.fire();
        server.await.unwrap().unwrap();
    }

    #[test]
    fn an_address_is_checked_with_what_it_needs() {
        let config = |url: &str, authority: Option<&str>| Config {
            url: url.to_owned(),
            ca_certificate: authority.map(Into::into),
            ..Config::default()
        };
        assert!(config("http://a:1", Some("/none.pem")).check().is_ok(), "the file is not needed");
        let error = config("https://a:1", Some("/none.pem")).check().unwrap_err().to_string();
        assert!(error.contains("ca_certificate") && error.contains("/none.pem"), "{error}");
        assert!(config("tcp://a:1", None).check().unwrap_err().to_string().contains("not an http:// or https:// address"));
    }
}
