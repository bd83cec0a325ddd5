//! The tables' server: where it is and how a client of it is made.

use clickhouse::{Client, Compression};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Secret;

/// `[clickhouse]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address of the HTTP interface, `http://host:port`. Absent in standalone: the embedded engine.
    pub url: String,
    /// Who writes; empty: the server's default user.
    pub user: String,
    /// Their password.
    pub password: Secret<String>,
    /// Who reads; empty: the one who writes.
    pub read_user: String,
    /// Their password.
    pub read_password: Secret<String>,
    /// Where the tables are.
    pub database: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            url: String::new(),
            user: String::new(),
            password: Secret::default(),
            read_user: String::new(),
            read_password: Secret::default(),
            database: "aftershock".to_owned(),
        }
    }
}

/// Why the server gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("clickhouse: {0}")]
pub struct Error(#[from] clickhouse::error::Error);

impl Config {
    /// A client that may write.
    pub fn writer(&self) -> Client {
        self.client(&self.user, &self.password).with_database(&self.database)
    }

    /// A writer outside any database, to make one: the server refuses a client of a database that is not there.
    pub fn server(&self) -> Client {
        self.client(&self.user, &self.password)
    }

    /// A client of the read-only pair, or of the writer where none is given.
    pub fn reader(&self) -> Client {
        match self.read_user.is_empty() {
            true => self.writer(),
            false => self.client(&self.read_user, &self.read_password).with_database(&self.database),
        }
    }

    fn client(&self, user: &str, password: &Secret<String>) -> Client {
        let client = Client::default().with_url(&self.url).with_compression(Compression::Lz4);
        // Empty credentials are not sent: the server refuses them, but takes none at all.
        match (user.is_empty(), password.expose().is_empty()) {
            (true, true) => client,
            (false, true) => client.with_user(user),
            (true, false) => client.with_password(password.expose()),
            (false, false) => client.with_user(user).with_password(password.expose()),
        }
    }
}

/// Asks the server for one row.
///
/// # Errors
/// The server is away, refuses the user or answers nonsense.
pub async fn ping(client: &Client) -> Result<(), Error> {
    client.query("select 1").fetch_one::<u8>().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::http::{Endpoint, HeaderMap, Limits, Method, Request, Response, Router, StatusCode, serve, text};
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
        for client in [open.reader(), closed.server(), closed.reader(), split.reader()] {
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
}
