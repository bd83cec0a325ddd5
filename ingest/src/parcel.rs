//! The recipe for a request that holds records of two kinds: each kind is limited, put in the log and counted as
//! everywhere; what is not used is counted by its kind.

use crate::accept::{Receipt, settle};
use crate::off_worker::aside;
use crate::authenticate::{by_project, encoding};
use crate::dialect::sentry::{Discarded, Parcel, Unused};
use crate::dialect::{Items, Received, name};
use crate::edge::Edge;
use crate::origin::Origin;
use crate::rejection::Rejection;
use crate::outcomes::Begun;
use crate::throttle::{Sender, WithoutDevice};
use schemas::record::{Connection, RawReport};
use service::http::Request;
use service::telemetry;

/// What came of a parcel.
#[derive(Debug)]
pub(crate) struct Receipts {
    /// The id of its event, in the client's words; empty where it names none.
    pub(crate) event_id: String,
    pub(crate) reports: Items<Receipt>,
    pub(crate) connections: Items<Receipt>,
}

/// How a parcel is read.
pub(crate) type Read = fn(&[u8], Option<&str>, &Received) -> Result<Parcel, Rejection>;

/// Takes a parcel: what came of each of its items, or why none was looked at.
pub(crate) async fn accept(edge: &Edge, read: Read, request: &Request) -> Result<Receipts, Rejection> {
    let reports: Begun<'_, RawReport> = edge.tally.begin(name::SENTRY, request.body.len());
    match follow(edge, read, request).await {
        Ok(receipts) => {
            let of_reports = Ok(receipts.reports);
            reports.end(&of_reports);
            Ok(Receipts { reports: of_reports?, ..receipts })
        }
        Err(rejection) => {
            reports.end(&Err(rejection.clone()));
            Err(rejection)
        }
    }
}

/// Counts a request whose body is larger than the endpoint reads.
pub(crate) fn too_large(edge: &Edge, limit: usize) -> Rejection {
    let rejection = Rejection::TooLarge(format!("the body is larger than {limit} bytes"));
    edge.tally.begin::<RawReport>(name::SENTRY, 0).end(&Err(rejection.clone()));
    rejection
}

async fn follow(edge: &Edge, read: Read, request: &Request) -> Result<Receipts, Rejection> {
    let credentials = edge.keyring.current();
    let caller = by_project(&credentials, request)?;
    caller.may_send(&request.headers, true)?;
    edge.disk.admit()?;
    let origin = Origin::of(request, &edge.proxies);
    let received = edge.receive(&caller.app.id, &origin);
    let parcel = aside(request, || read(&request.body, encoding(request), &received)).await?;
    count(&parcel.unused, &parcel.discarded);
    let connections = (!parcel.connections.is_empty()).then(|| edge.tally.begin::<Connection>(name::SENTRY, 0));
    let sender = Sender { app: caller.app, origin: &origin, without_device: WithoutDevice::Nothing, now: received.received_at };
    let (reports, of_connections) = tokio::join!(settle(edge, parcel.reports, &sender), settle(edge, parcel.connections, &sender));
    let of_connections = Ok(of_connections);
    if let Some(connections) = connections {
        connections.end(&of_connections);
    }
    Ok(Receipts { event_id: parcel.event_id, reports, connections: of_connections? })
}

fn count(unused: &[(Unused, u64)], discarded: &[Discarded]) {
    for (kind, count) in unused {
        let help = "Items of envelopes that were taken and not used, by kind.";
        telemetry::counter("aftershock_unused_items_total", help, &[("kind", kind.name())]).add(*count);
    }
    for Discarded { reason, category, quantity } in discarded {
        let help = "What clients say that they did not send, by their reason and category.";
        telemetry::counter("aftershock_client_discarded_total", help, &[("reason", reason), ("category", category)]).add(*quantity);
    }
}
