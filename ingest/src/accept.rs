//! The recipe by which every dialect's reports are taken: authenticate, read, throttle, publish.

use crate::aside::aside;
use crate::authenticate::Caller;
use crate::dialect::{Items, Received};
use crate::edge::Edge;
use crate::origin::Origin;
use crate::rejection::Rejection;
use crate::throttle::WithoutDevice;
use schemas::digest;
use schemas::record::{Connection, RawReport, Record};
use service::credentials::Credentials;
use service::http::Request;

/// The edge's promise that a report is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Equality of delivery: the record's key.
    pub id: [u8; 16],
    /// The number that dialect 1 answers with; 0 for a connection.
    pub content_id: u64,
}

/// A record that clients send.
pub(crate) trait Item: Record + Send + Sync {
    /// The metric that counts it.
    const METRIC: (&'static str, &'static str);

    /// The app and the device, which may be empty.
    fn sender(&self) -> (&str, &str);

    fn receipt(&self) -> Receipt;
}

/// What differs from endpoint to endpoint.
pub(crate) struct Way<R> {
    /// The dialect's name.
    pub(crate) dialect: &'static str,
    /// Who sends.
    pub(crate) identify: fn(&Credentials, &Request) -> Result<Caller, Rejection>,
    /// What they send.
    pub(crate) read: fn(&Request, &Received) -> Result<Items<R>, Rejection>,
    /// What is limited where they name no device.
    pub(crate) without_device: WithoutDevice,
}

/// Takes a request: what came of each of its items, or why none was looked at.
pub(crate) async fn accept<R: Item>(edge: &Edge, way: &Way<R>, request: &Request) -> Result<Items<Receipt>, Rejection> {
    let begun = edge.tally.begin::<R>(way.dialect, request.body.len());
    let answer = follow(edge, way, request).await;
    begun.end(&answer);
    answer
}

/// Takes a request of one item.
pub(crate) async fn accept_one<R: Item>(edge: &Edge, way: &Way<R>, request: &Request) -> Result<Receipt, Rejection> {
    let items = accept(edge, way, request).await?;
    items.into_iter().next().unwrap_or_else(|| Err(Rejection::invalid("the body holds no item")))
}

/// Counts a request whose body is larger than the endpoint reads.
pub(crate) fn too_large<R: Item>(edge: &Edge, way: &Way<R>, limit: usize) -> Rejection {
    let rejection = Rejection::TooLarge(format!("the body is larger than {limit} bytes"));
    edge.tally.begin::<R>(way.dialect, 0).end(&Err(rejection.clone()));
    rejection
}

/// Devices are named inside of the report, so limits come after reading; unsealing has its place before it.
async fn follow<R: Item>(edge: &Edge, way: &Way<R>, request: &Request) -> Result<Items<Receipt>, Rejection> {
    let caller = (way.identify)(&edge.keyring.current(), request)?;
    let origin = Origin::of(request, &edge.proxies);
    let received = edge.receive(caller, &origin);
    let mut items = aside(request, || (way.read)(request, &received))?;
    edge.throttles.admit(&mut items, &origin, way.without_device);
    Ok(edge.publisher.publish(items).await)
}

impl Item for RawReport {
    const METRIC: (&'static str, &'static str) = ("aftershock_reports_total", "Reports by dialect, outcome and reason.");

    fn sender(&self) -> (&str, &str) {
        (&self.app_id, &self.device_id)
    }

    fn receipt(&self) -> Receipt {
        Receipt { id: self.report_id.0, content_id: digest::content_id(&self.digest) }
    }
}

impl Item for Connection {
    const METRIC: (&'static str, &'static str) = ("aftershock_connections_total", "Connections by dialect, outcome and reason.");

    fn sender(&self) -> (&str, &str) {
        (&self.app_id, &self.device_id)
    }

    fn receipt(&self) -> Receipt {
        Receipt { id: self.connection_id.0, content_id: 0 }
    }
}
