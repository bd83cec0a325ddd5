//! The recipe by which every dialect's reports are taken: authenticate, unseal, read, throttle, publish.

use crate::off_worker::aside;
use crate::authenticate::Caller;
use crate::dialect::{Items, Received};
use crate::edge::Edge;
use crate::origin::Origin;
use crate::encoded::Ready;
use crate::rejection::Rejection;
use crate::throttle::{Sender, WithoutDevice};
use crate::unseal::Channel;
use schemas::record::{Category, Connection, RawReport, Record};
use service::credentials::Credentials;
use service::http::Request;
use std::sync::Arc;

/// The edge's promise that a report is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Equality of delivery: the record's key.
    pub id: [u8; 16],
    /// The number that dialect 1 answers with; 0 for a connection.
    pub content_id: u64,
}

/// What is asked of a record that clients send, whether it is read or ready for the log.
pub trait Item: Send + Sync {
    /// The topic it goes to.
    const TOPIC: &'static str;
    /// The metric that counts it.
    const METRIC: (&'static str, &'static str);
    /// Whether an app can insist that it comes sealed.
    const IS_REPORT: bool;

    /// The device, which may be empty.
    fn device(&self) -> &str;

    /// Whether its app ended or hung.
    fn is_fatal(&self) -> bool;

    /// How many it stands for.
    fn count(&self) -> u32;

    fn receipt(&self) -> Receipt;
}

/// How a body is read: that of the request, or what was sealed in it.
pub(crate) type Read<R> = fn(&Request, &[u8], &Received) -> Result<Items<Ready<R>>, Rejection>;

/// What differs from endpoint to endpoint.
pub(crate) struct Way<R> {
    /// The dialect's name.
    pub(crate) dialect: &'static str,
    /// Who sends.
    pub(crate) identify: for<'a> fn(&'a Credentials, &Request) -> Result<Caller<'a>, Rejection>,
    /// What they send.
    pub(crate) read: Read<R>,
    /// What is limited where they name no device.
    pub(crate) without_device: WithoutDevice,
}

/// Takes a request: what came of each of its items, or why none was looked at.
pub(crate) async fn accept<R: Item>(edge: &Edge, way: &Way<R>, request: &Request) -> Result<Items<Receipt>, Rejection> {
    let mut channel = None;
    counted(edge, way, request, &mut channel).await
}

/// Takes a request of one item.
pub(crate) async fn accept_one<R: Item>(edge: &Edge, way: &Way<R>, request: &Request) -> Result<Receipt, Rejection> {
    accept_sealable(edge, way, request).await.map(|(receipt, _)| receipt)
}

/// Takes a request of one item; with the channel that it came through, which the reply goes back by.
pub(crate) async fn accept_sealable<R: Item>(
    edge: &Edge,
    way: &Way<R>,
    request: &Request,
) -> Result<(Receipt, Option<Arc<Channel>>), Rejection> {
    let mut channel = None;
    let items = counted(edge, way, request, &mut channel).await?;
    let receipt = items.into_iter().next().unwrap_or_else(|| Err(Rejection::invalid("the body holds no item")))?;
    Ok((receipt, channel))
}

/// Counts a request whose body is larger than the endpoint reads.
pub(crate) fn too_large<R: Item>(edge: &Edge, way: &Way<R>, limit: usize) -> Rejection {
    let rejection = Rejection::TooLarge(format!("the body is larger than {limit} bytes"));
    edge.tally.begin::<R>(way.dialect, 0).end(&Err(rejection.clone()));
    rejection
}

async fn counted<R: Item>(
    edge: &Edge,
    way: &Way<R>,
    request: &Request,
    channel: &mut Option<Arc<Channel>>,
) -> Result<Items<Receipt>, Rejection> {
    let begun = edge.tally.begin::<R>(way.dialect, request.body.len());
    let answer = follow(edge, way, request, channel).await;
    begun.end(&answer);
    answer
}

/// Devices are named inside of the report, so limits come after reading.
async fn follow<R: Item>(
    edge: &Edge,
    way: &Way<R>,
    request: &Request,
    channel: &mut Option<Arc<Channel>>,
) -> Result<Items<Receipt>, Rejection> {
    let credentials = edge.keyring.current();
    // Dialect 2 names its key in the body.
    let caller = aside(request, || (way.identify)(&credentials, request)).await?;
    caller.may_send(&request.headers, R::IS_REPORT)?;
    edge.disk.admit()?;
    if caller.is_sealed {
        *channel = Some(edge.channels.of(&credentials, caller.app)?);
    }
    let origin = Origin::of(request, &edge.proxies);
    let received = edge.receive(&caller.app.id, &origin);
    let items = aside(request, || match channel {
        Some(channel) => {
            let opened = edge.channels.open(channel, request)?;
            (way.read)(request, &opened.text, &Received { sealed_as: opened.name.to_string(), ..received.clone() })
        }
        None => (way.read)(request, &request.body, &received),
    })
    .await?;
    let sender = Sender { app: caller.app, origin: &origin, without_device: way.without_device, now: received.received_at };
    Ok(settle(edge, items, &sender).await)
}

/// What comes of items that were read: within the limits, in the log.
pub(crate) async fn settle<R: Item>(edge: &Edge, mut items: Items<Ready<R>>, sender: &Sender<'_>) -> Items<Receipt> {
    let admitted = edge.throttles.admit(&mut items, sender);
    let receipts = edge.publisher.publish(items).await;
    if receipts.iter().any(|receipt| matches!(receipt, Err(Rejection::LogUnavailable { .. }))) {
        edge.throttles.give_back(sender.app, admitted);
    }
    receipts
}

impl Item for RawReport {
    const TOPIC: &'static str = <Self as Record>::TOPIC;
    const METRIC: (&'static str, &'static str) = ("aftershock_reports_total", "Reports by dialect, outcome and reason.");
    const IS_REPORT: bool = true;

    fn device(&self) -> &str {
        &self.device_id
    }

    fn is_fatal(&self) -> bool {
        self.category != Category::Error
    }

    fn count(&self) -> u32 {
        1
    }

    fn receipt(&self) -> Receipt {
        Receipt { id: self.report_id.0, content_id: self.content_number() }
    }
}

impl Item for Connection {
    const TOPIC: &'static str = <Self as Record>::TOPIC;
    const METRIC: (&'static str, &'static str) = ("aftershock_connections_total", "Connections by dialect, outcome and reason.");
    const IS_REPORT: bool = false;

    fn device(&self) -> &str {
        &self.device_id
    }

    fn is_fatal(&self) -> bool {
        false
    }

    fn count(&self) -> u32 {
        self.count
    }

    fn receipt(&self) -> Receipt {
        Receipt { id: self.connection_id.0, content_id: 0 }
    }
}
