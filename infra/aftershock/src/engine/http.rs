//! ClickHouse's HTTP interface: accepts connections, bounds them, and finds the place for each request.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::Config;
use super::execute::Service;
use super::reply::{self, Reply};

/// Largest head of a request; a statement in the URL is part of it.
const HEAD: usize = 1 << 20;
const HEADERS: usize = 100;
/// Pause after an accept that failed, for example because files are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Time for statements that were asked to stop.
const STOPPING: Duration = Duration::from_secs(1);

/// Serves until `shutdown`; then lets open requests end for `config.drain`, and asks what runs longer to stop.
pub async fn serve(config: &Config, listener: TcpListener, service: Arc<Service>, shutdown: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(config.connections.clamp(1, 100_000)));
    let mut shutdown = pin!(shutdown);
    loop {
        let next = async { (connections.clone().acquire_owned().await, listener.accept().await) };
        let (place, accepted) = tokio::select! {
            () = &mut shutdown => break,
            next = next => next,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connection = graceful.watch(connection(config, stream, service.clone()));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
            drop(place);
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
) -> Connection<impl hyper::service::Service<Request<Incoming>, Response = Reply, Error = Infallible, Future: Send> + Send + use<>> {
    // Small replies must not wait for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(route(&service, request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(config.head_timeout)
        .max_buf_size(HEAD)
        .max_headers(HEADERS)
        .half_close(false)
        .serve_connection(TokioIo::new(stream), answer)
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
