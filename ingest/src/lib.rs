//! The edge: HTTP bytes to the log, and nothing in between that could be done later.
//!
//! The journey of a report:
//!
//! ```text
//! service::http  accepts, bounds, dispatches
//! endpoint       names the request's route ────────┐
//! accept         authenticate → unseal → read → limit → publish → receipts
//!                     │          │        │       │         │
//!                who sends?    device  dialect/ throttle acks=all
//!                              channel  Avro
//! endpoint/      writes the reply of its dialect ──┘
//! ```
//!
//! A request for an update takes no such journey: `releases` keeps the compacted topic in memory, `update` answers out of it.
//!
//! Start at [`run`], then `accept.rs`. `docs/adding-a-dialect.md` lists what a new dialect touches.
//!
//! Invariants: no reply says "accepted" before the log has acknowledged; no database; the clock is read and random numbers are
//! drawn in `edge.rs` only; every record ends in one outcome and is counted; nothing takes longer than a millisecond on an
//! async worker (`off_worker.rs`); content is never logged.

mod accept;
mod authenticate;
mod batch;
mod config;
pub mod dialect;
mod disk;
mod edge;
mod encoded;
mod endpoint;
mod item;
mod metrics;
mod off_worker;
mod origin;
mod outcomes;
mod publish;
mod quota;
mod rejection;
mod releases;
mod throttle;
mod unseal;
mod update;

pub use batch::{Batch, Discarded, Items, Unused};
pub use config::{Config, Disk, LongBodies, Publish, Shortage};
pub use encoded::EncodedRecord;
pub use item::{Kind, Receipt};
pub use metrics::METRICS;
pub use rejection::{Limit, Rejection, Scope};
pub use update::UpdateRequest;

use edge::Edge;
use schemas::record::{Connection, RawReport, Record};
use service::credentials::Keyring;
use service::http::{self, Listeners, Router};
use service::kafka;
use service::shutdown::Shutdown;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The topics that the edge writes.
const TOPICS: [&str; 2] = [RawReport::TOPIC, Connection::TOPIC];
/// How long a readiness check waits for the log.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// Why the edge cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The way to the log cannot be set up.
    #[error("the log: {0}")]
    Log(#[from] kafka::Error),
    /// The server broke.
    #[error("http: {0}")]
    Http(#[from] http::Error),
}

/// Runs the edge until shutdown: no request begins after it, those begun are finished.
///
/// Connections that arrive before the log is reachable wait in the listener's queue; after `publish.ack_timeout` the
/// edge serves all the same, and answers 503. Health and metrics are answered from the start to the end.
///
/// # Errors
/// See [`Error`].
pub async fn run(config: Config, kafka: kafka::Config, keyring: Keyring, listeners: Listeners, shutdown: Shutdown) -> Result<(), Error> {
    let edge = Arc::new(Edge::new(&config, &kafka, keyring)?);
    let served = serve(&edge, &config, listeners.public, shutdown);
    http::with_admin(listeners.admin, admin(&edge), &config.limits, served).await
}

async fn serve(edge: &Arc<Edge>, config: &Config, listener: TcpListener, shutdown: Shutdown) -> Result<(), Error> {
    let warm = async {
        edge.publisher.producer().warm(&TOPICS).await?;
        edge.releases.known(*config.publish.ack_timeout).await
    };
    let warmed = tokio::select! {
        warmed = warm => warmed,
        () = shutdown.triggered() => return Ok(()),
    };
    if let Err(error) = warmed {
        tracing::warn!(%error, "the log is not reachable yet, reports are answered 503 until it is");
    }
    // Not one report is taken on a disk that was full before the start.
    edge.disk.measure().await;
    tokio::select! {
        served = http::serve(listener, router(edge), config.server(), shutdown) => served?,
        never = edge.disk.watch() => match never {},
    }
    if let Err(error) = edge.publisher.producer().flush(*config.publish.ack_timeout).await {
        // Nobody was promised these: their requests were answered 503 or left.
        tracing::warn!(%error, records = edge.publisher.producer().queued(), "records were left behind");
    }
    Ok(())
}

/// Every endpoint of the edge that its clients may ask.
fn router(edge: &Arc<Edge>) -> Router {
    let keyring = edge.keyring.clone();
    let router = Router::new("ingest").cross_origin(move |origin| keyring.current().allows_origin(origin));
    http::alive(endpoint::mount(router, edge))
}

/// Health and metrics, for those who operate the edge.
fn admin(edge: &Arc<Edge>) -> Router {
    let edge = Arc::clone(edge);
    http::health(Router::new("ingest-admin"), move || {
        let edge = Arc::clone(&edge);
        Box::pin(async move {
            edge.disk.ready()?;
            let (producer, releases) = (edge.publisher.producer(), &edge.releases);
            match tokio::time::timeout(READY_TIMEOUT, producer.warm(&TOPICS)).await {
                Ok(Ok(())) if releases.are_known() => Ok(()),
                Ok(Ok(())) => Err("the log: the releases have not been read yet".to_owned()),
                Ok(Err(error)) => Err(format!("the log: {error}")),
                Err(_) => Err("the log does not answer".to_owned()),
            }
        })
    })
}

#[cfg(test)]
mod tests;
