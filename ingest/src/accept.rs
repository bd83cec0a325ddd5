//! The recipe by which every request of every dialect is taken:
//!
//! ```text
//! authenticate → unseal → read → limit → publish → receipts
//! ```
//!
//! What differs between endpoints is their [`Route`]. A dialect is one function of it, from bytes to a [`Batch`].

use crate::authenticate::{Caller, encoding};
use crate::batch::{Batch, Receipts};
use crate::dialect::inflate::{inflate, short};
use crate::dialect::{Dialect, Identify, Received};
use crate::edge::Edge;
use crate::item::Kind;
use crate::off_worker::SHORT_BODY;
use crate::origin::Origin;
use crate::outcomes::Pending;
use crate::rejection::Rejection;
use crate::throttle::{Sender, Taken, WithoutDevice};
use crate::unseal::Channel;
use service::credentials::{App, Credentials};
use service::http::Request;
use std::cell::OnceCell;
use std::sync::Arc;

/// How the requests of an endpoint are taken.
pub(crate) struct Route {
    pub(crate) dialect: Dialect,
    /// What a request counts as that is refused as a whole.
    pub(crate) kind: Kind,
    /// What is limited where a record names no device.
    pub(crate) without_device: WithoutDevice,
    pub(crate) reading: Reading,
}

/// How a request is authenticated and read.
pub(crate) enum Reading {
    /// The head of the request says who sends: nothing of a stranger's body is read.
    KeyInHead(KeyInHead),
    /// The body names the app's key: who sends is known once it is read.
    KeyInBody(ReadKeyed),
}

/// A dialect whose requests name their app in the head.
pub(crate) struct KeyInHead {
    pub(crate) identify: for<'a> fn(&'a Credentials, &Request) -> Result<Caller<'a>, Rejection>,
    /// Whether a `Content-Encoding` counts.
    pub(crate) may_be_packed: bool,
    /// Bytes of a body, decompressed, up to which it is read on the worker.
    pub(crate) short: usize,
    /// Whether a plain body becomes longer while it is read.
    pub(crate) expands: fn(&[u8]) -> bool,
    /// Reads the body, unpacked and unsealed.
    pub(crate) read: fn(&Request, &[u8], &Received) -> Result<Batch, Rejection>,
}

/// Reads a body that names the app's key.
pub(crate) type ReadKeyed = fn(&[u8], Identify<'_>) -> Result<Batch, Rejection>;

/// What became of a request.
pub(crate) struct Accepted {
    pub(crate) receipts: Receipts,
    /// The device channel that the request came through, which the reply goes back by.
    pub(crate) channel: Option<Arc<Channel>>,
}

/// Takes a request: what became of each of its records, or why none was looked at.
pub(crate) async fn accept(edge: &Edge, route: &Route, request: &Request) -> Result<Accepted, Rejection> {
    let mut pending = edge.outcomes.begin(route.dialect, route.kind, request.body.len());
    let answer = take(edge, route, request, &mut pending).await;
    pending.end(answer.as_ref().map(|accepted| &accepted.receipts));
    answer
}

/// Counts a request whose body is larger than its endpoint takes.
pub(crate) fn too_large(edge: &Edge, route: &Route, limit: usize) -> Rejection {
    let rejection = Rejection::TooLarge(format!("the body is larger than {limit} bytes"));
    edge.outcomes.begin(route.dialect, route.kind, 0).end(Err(&rejection));
    rejection
}

async fn take(edge: &Edge, route: &Route, request: &Request, pending: &mut Pending<'_>) -> Result<Accepted, Rejection> {
    let credentials = edge.keyring.current();
    let visit = Visit { edge, route, request, credentials: &credentials, origin: Origin::of(request, &edge.proxies) };
    let Limited { sender, batch, taken } = match &route.reading {
        Reading::KeyInHead(head) => visit.read_known(head).await?,
        Reading::KeyInBody(read) => visit.read_keyed(*read).await?,
    };
    pending.holds(&batch);
    let receipts = edge.publisher.publish(batch).await;
    edge.throttles.give_back(sender.app, &taken, &receipts);
    Ok(Accepted { receipts, channel: sender.channel })
}

/// A request that is being taken.
struct Visit<'a> {
    edge: &'a Edge,
    route: &'a Route,
    request: &'a Request,
    credentials: &'a Arc<Credentials>,
    origin: Origin,
}

/// A sender that was authenticated and may send.
struct Admitted<'a> {
    app: &'a App,
    channel: Option<Arc<Channel>>,
    /// Unix milliseconds.
    received_at: i64,
}

/// What was read, within the limits of its sender.
struct Limited<'a> {
    sender: Admitted<'a>,
    batch: Batch,
    taken: Taken,
}

impl<'a> Visit<'a> {
    /// The head says who sends.
    async fn read_known(&self, head: &KeyInHead) -> Result<Limited<'a>, Rejection> {
        let (sender, received) = self.admit((head.identify)(self.credentials, self.request)?)?;
        let encoding = encoding(self.request).filter(|_| head.may_be_packed);
        let body = &self.request.body;
        let short = short(body, encoding, head.short)?.filter(|plain| !(head.expands)(plain));
        let is_short = short.is_some();
        let read = || {
            let batch = match &sender.channel {
                Some(channel) => {
                    let opened = self.edge.channels.open(channel, self.request)?;
                    let received = Received { sealed_as: opened.name.to_string(), ..received };
                    (head.read)(self.request, &opened.text, &received)?
                }
                None => (head.read)(self.request, &short.map_or_else(|| inflate(body, encoding), Ok)?, &received)?,
            };
            Ok(self.limit(sender, batch))
        };
        self.run(is_short, read).await
    }

    /// The body says who sends.
    async fn read_keyed(&self, read: ReadKeyed) -> Result<Limited<'a>, Rejection> {
        let read = || {
            let sender = OnceCell::new();
            let batch = read(&self.request.body, &|key| {
                let (admitted, received) = self.admit(Caller::of(self.credentials.app_by_key(key))?)?;
                // A body that names its key twice is the same sender's.
                drop(sender.set(admitted));
                Ok(received)
            })?;
            Ok(self.limit(sender.into_inner().ok_or(Rejection::UnknownApp)?, batch))
        };
        self.run(self.request.body.len() <= SHORT_BODY, read).await
    }

    /// Whether the caller may send; with what the server knows of the request.
    fn admit(&self, caller: Caller<'a>) -> Result<(Admitted<'a>, Received), Rejection> {
        caller.may_send(&self.request.headers, self.route.kind)?;
        self.edge.disk.admit()?;
        let channel = caller.is_sealed.then(|| self.edge.channels.of(self.credentials, caller.app)).transpose()?;
        let received = self.edge.receive(&caller.app.id, &self.origin);
        Ok((Admitted { app: caller.app, channel, received_at: received.received_at }, received))
    }

    /// Devices are named inside of the records, so limits come after reading.
    fn limit(&self, sender: Admitted<'a>, mut batch: Batch) -> Limited<'a> {
        let limited = Sender { app: sender.app, origin: &self.origin, without_device: self.route.without_device, now: sender.received_at };
        let taken = self.edge.throttles.admit(&mut batch, &limited);
        Limited { sender, batch, taken }
    }

    /// Does work here where it is short, else off the worker when it is the client's turn.
    async fn run<T>(&self, is_short: bool, work: impl FnOnce() -> Result<T, Rejection>) -> Result<T, Rejection> {
        if is_short {
            return work();
        }
        let held = self.request.body.len() + SHORT_BODY;
        self.edge.off_worker.run(self.origin.network(), held, work).await?
    }
}
