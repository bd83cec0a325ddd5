//! A small client for commands and tests that speak to a running service.
//!
//! Connections are kept and used again; every request has one deadline from its start to the last byte of the answer.

use super::{TlsError, pinned};
use ::http::{HeaderMap, Method, Request, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::path::Path;
use std::time::Duration;

/// Answers longer than this are refused rather than kept in memory.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// How long an unused connection stays open. Servers here close idle connections after 75 s, so the client closes first.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Sends requests over HTTP/1.1. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Pool<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeout: Duration,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no answer. Any status is an answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is no URL of the form `http://host:port/path`, or `https://` of it.
    #[error("{0} is not an http address")]
    Address(String),
    /// No connection, or it broke before the answer was there.
    #[error("no answer from {url}: {reason}")]
    Connection { url: String, reason: String },
    /// The answer was not complete in time.
    #[error("no answer from {url} within {timeout:?}")]
    Timeout { url: String, timeout: Duration },
    /// The answer is longer than this client reads.
    #[error("the answer from {0} is too long")]
    TooLong(String),
}

impl Client {
    /// A client whose requests take at most `timeout` each. It speaks to `http://` addresses only: it knows no certificate.
    pub fn new(timeout: Duration) -> Self {
        Client::over(timeout, pinned::nobody())
    }

    /// A client that also speaks to the `https://` server that has exactly the certificate in this PEM file, whatever name it is
    /// called by: good for a server that the same configuration describes.
    ///
    /// # Errors
    /// There is no certificate in the file.
    pub fn trusting(timeout: Duration, certificate: &Path) -> Result<Self, TlsError> {
        Ok(Client::over(timeout, pinned::only(certificate)?))
    }

    fn over(timeout: Duration, tls: rustls::ClientConfig) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(timeout));
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector);
        let pool = Pool::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE_TIMEOUT).build(connector);
        Self { pool, timeout }
    }

    /// Sends one request and reads its answer whole.
    ///
    /// # Errors
    /// There is no answer; see [`ClientError`].
    pub async fn send(&self, method: Method, url: &str, headers: HeaderMap, body: impl Into<Bytes>) -> Result<Answer, ClientError> {
        let request = request(method, url, headers, body.into())?;
        match tokio::time::timeout(self.timeout, self.exchange(request, url)).await {
            Ok(answer) => answer,
            Err(_) => Err(ClientError::Timeout { url: without_query(url), timeout: self.timeout }),
        }
    }

    /// A `GET` without headers of its own.
    ///
    /// # Errors
    /// There is no answer; see [`ClientError`].
    pub async fn get(&self, url: &str) -> Result<Answer, ClientError> {
        self.send(Method::GET, url, HeaderMap::new(), Bytes::new()).await
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, url: &str) -> Result<Answer, ClientError> {
        let failed = |reason: String| ClientError::Connection { url: without_query(url), reason };
        let response = self.pool.request(request).await.map_err(|error| failed(innermost(&error)))?;
        let (parts, body) = response.into_parts();
        let body = match Limited::new(body, MAX_ANSWER_BYTES).collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(ClientError::TooLong(without_query(url))),
            Err(error) => return Err(failed(innermost(error.as_ref()))),
        };
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

fn request(method: Method, url: &str, headers: HeaderMap, body: Bytes) -> Result<Request<Full<Bytes>>, ClientError> {
    let wrong = || ClientError::Address(without_query(url));
    let address: Uri = url.parse().map_err(|_| wrong())?;
    if !matches!(address.scheme_str(), Some("http" | "https")) || address.host().is_none() {
        return Err(wrong());
    }
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = address;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Queries carry signatures, which belong in no message.
fn without_query(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

/// The cause says what happened (`connection refused`), the errors around it only where.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Accepts connections and answers each request with `reply` (none: never).
    async fn server(reply: Option<&'static str>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/a?secret=1", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut bytes = [0; 4096];
                    while matches!(stream.read(&mut bytes).await, Ok(1..)) {
                        match reply {
                            Some(reply) => drop(stream.write_all(reply.as_bytes()).await),
                            None => std::future::pending().await,
                        }
                    }
                });
            }
        });
        url
    }

    #[tokio::test]
    async fn reads_status_headers_and_body() {
        let url = server(Some("HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\ncontent-length: 6\r\n\r\n\u{7a0d}\u{540e}")).await;
        let client = Client::new(Duration::from_secs(5));
        for _ in 0..2 {
            let answer = client.send(Method::POST, &url, HeaderMap::new(), "x").await.expect("an answer");
            assert_eq!((answer.status, &answer.headers["retry-after"]), (StatusCode::TOO_MANY_REQUESTS, &"3".parse().unwrap()));
            assert_eq!(answer.body, "稍后");
        }
    }

    #[tokio::test]
    async fn a_silent_server_is_given_up_and_no_query_is_told() {
        let url = server(None).await;
        let error = Client::new(Duration::from_millis(50)).get(&url).await.expect_err("no answer");
        assert!(matches!(error, ClientError::Timeout { .. }), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[tokio::test]
    async fn says_why_there_is_no_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let error = Client::new(Duration::from_secs(5)).get(&format!("http://{address}/")).await.expect_err("nobody there");
        assert!(error.to_string().contains("refused"), "{error}");
        let error = Client::new(Duration::from_secs(5)).get("ftp://127.0.0.1/").await.expect_err("not http");
        assert!(matches!(error, ClientError::Address(_)), "{error}");
    }
}
