//! ClickHouse's HTTP interface: accepts connections, bounds them, and finds the place for each request.

use crate::Config;
use crate::execute::Service;
use crate::reply::{self, Reply};
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use service::connection_slots::{ConnectionSlots, Slot};
use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Largest head of a request; a statement in the URL is part of it.
const MAX_HEAD_BYTES: usize = 1 << 20;
const MAX_HEADERS: usize = 100;
/// Connections that have not named an account yet; the oldest gives way.
const MAX_UNAUTHENTICATED: usize = 256;
/// Pause after an accept that failed, for example because files are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Time for statements that were asked to stop.
const STOPPING: Duration = Duration::from_secs(1);

/// Serves until `shutdown`; then lets open requests end for `config.drain`, and asks what runs longer to stop.
pub async fn serve(config: &Config, listener: TcpListener, service: Arc<Service>, shutdown: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let slots = ConnectionSlots::new(MAX_UNAUTHENTICATED, config.connections.clamp(1, 100_000));
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let slot = Arc::new(slots.take());
        let connection = graceful.watch(connection(config, stream, service.clone(), slot.clone()));
        tokio::spawn(async move {
            tokio::select! {
                () = slot.evicted() => tracing::debug!("a connection without an account gave way"),
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "a connection broke");
                }
            }
        });
    }
    drop(listener);
    let mut ended = pin!(graceful.shutdown());
    if tokio::time::timeout(config.drain, &mut ended).await.is_err() {
        tracing::warn!("statements still run at the end of the drain and are asked to stop");
        service.kill_all().await;
        if tokio::time::timeout(STOPPING, ended).await.is_err() {
            tracing::warn!("connections are still open, they break off");
        }
    }
}

type Connection<S> = http1::Connection<TokioIo<TcpStream>, S>;

fn connection(
    config: &Config,
    stream: TcpStream,
    service: Arc<Service>,
    slot: Arc<Slot>,
) -> Connection<impl hyper::service::Service<Request<Incoming>, Response = Reply, Error = Infallible, Future: Send> + Send + use<>> {
    // Small replies must not wait for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let ours = stream.local_addr().ok().map(|address| address.ip());
    let answer = service_fn(move |mut request: Request<Incoming>| {
        let service = service.clone();
        request.extensions_mut().insert(slot.clone());
        async move {
            Ok::<_, Infallible>(match is_from_a_page(request.headers(), ours) {
                true => reply::text(StatusCode::FORBIDDEN, "Pages of the web are not answered here\n"),
                false => route(&service, request).await,
            })
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(config.head_timeout)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), answer)
}

/// Whether a browser sends this for a page: it says so, or the page came by a name of its own that leads here. Programs that speak to the
/// engine know its address.
fn is_from_a_page(headers: &HeaderMap, ours: Option<IpAddr>) -> bool {
    let Some(host) = headers.get(HOST) else { return headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site") };
    let is_here = host.to_str().is_ok_and(|host| names_this_machine(host, ours));
    headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site") || !is_here
}

/// Whether the host of a request, with or without a port, is this machine's own: loopback, or the address that the client came to.
fn names_this_machine(host: &str, ours: Option<IpAddr>) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or(rest, |(name, _)| name),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    match name.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback() || ours.is_some_and(|ours| ours.to_canonical() == address.to_canonical()),
        Err(_) => name.eq_ignore_ascii_case("localhost"),
    }
}

async fn route(service: &Arc<Service>, request: Request<Incoming>) -> Reply {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/ping" | "/replicas_status" if safe => reply::text(StatusCode::OK, "Ok.\n"),
        "/" if safe && request.uri().query().is_none() && request.headers().get("x-clickhouse-user").is_none() => {
            reply::text(StatusCode::OK, "Ok.\n")
        }
        "/" if safe || request.method() == Method::POST => service.answer(request).await,
        "/" => reply::text(StatusCode::METHOD_NOT_ALLOWED, "GET and POST are answered here\n"),
        path => reply::text(StatusCode::NOT_FOUND, format!("There is no handle {}\n", path.escape_debug())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_host_is_this_machine_or_it_is_not() {
        let ours = Some("192.0.2.7".parse().unwrap());
        for host in
            ["127.0.0.1:8123", "127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8123", "[::1]", "192.0.2.7:8123", "[::ffff:127.0.0.1]:1"]
        {
            assert!(names_this_machine(host, ours), "{host}");
        }
        for host in ["evil.example:8123", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.8", "", ":8123", "[::2]", "闪退"] {
            assert!(!names_this_machine(host, ours), "{host}");
        }
    }

    #[test]
    fn a_page_is_told_from_a_program() {
        let asked = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)));
            is_from_a_page(&headers.collect(), None)
        };
        assert!(!asked(&[("host", "127.0.0.1:1")]) && !asked(&[]));
        assert!(asked(&[("host", "127.0.0.1:1"), ("origin", "null")]), "any origin");
        assert!(asked(&[("host", "127.0.0.1:1"), ("sec-fetch-site", "cross-site")]), "an image has no origin");
        assert!(asked(&[("host", "rebound.example")]) && asked(&[("origin", "http://127.0.0.1:1")]));
    }
}
