//! Dialect 4: the envelope that Sentry's client libraries send, and the single event of older ones (ingest-protocols,
//! section 4).
//!
//! ```text
//! body ─ inflate ─▶ envelope: frames ─▶ event     ─▶ report.rs    (stack.rs prints exceptions) ─▶ RawReport
//!                                       session   ─▶ session.rs                                 ─▶ Connection
//!                                       the rest  ─▶ counted by kind
//! ```
//!
//! Clients of many years and languages send this: fields are read leniently (`lenient.rs`), and only text that is no JSON
//! object is refused. A bad item costs none of its neighbours.

mod breadcrumbs;
mod discarded;
mod envelope;
mod event;
mod frames;
pub(crate) mod key;
mod language;
mod lenient;
mod message;
mod moment;
mod release;
mod report;
mod session;
mod stack;
mod store;
mod surroundings;
mod unused;
mod values;

pub use discarded::Discarded;
pub use unused::Unused;

use super::inflate::inflate;
use super::native::ATTACHMENTS_LIMIT;
use super::{Items, Received, object, surrogate};
use crate::rejection::Rejection;
use envelope::{Item, ItemHeader};
use event::Event;
use schemas::record::{Attachment, Connection, RawReport};
use std::borrow::Cow;

/// What one request holds.
#[derive(Debug, Default, PartialEq)]
pub struct Parcel {
    /// The id of its event, in the client's words; empty where it names none.
    pub event_id: String,
    pub reports: Items<RawReport>,
    pub connections: Items<Connection>,
    /// Items that were read over, by kind.
    pub unused: Vec<(Unused, u64)>,
    /// What the client says that it did not send.
    pub discarded: Vec<Discarded>,
}

/// Reads an envelope.
///
/// # Errors
/// What makes the envelope as a whole unreadable or too large; a bad item is an error in its place.
pub fn read_envelope(body: &[u8], encoding: Option<&str>, received: &Received) -> Result<Parcel, Rejection> {
    let plain = inflate(body, encoding)?;
    let (header, items) = envelope::open(&plain)?;
    let mut parcel = Parcel { event_id: header.event_id.to_owned(), ..Parcel::default() };
    let mut sessions = session::Reader { received, sdk: &header.sdk, connections: Vec::new(), taken: 0, over: 0 };
    let mut attachments = Vec::new();
    for item in items {
        match item {
            Ok(item) => parcel.take(item, received, (&mut sessions, &mut attachments)),
            Err(rejection) => parcel.reports.push(Err(rejection)),
        }
    }
    parcel.connections = sessions.connections;
    parcel.count(Unused::SessionOverBound, sessions.over);
    parcel.attach(attachments);
    Ok(parcel)
}

/// Reads one event as older clients send it: JSON, or Base64 of zlib.
///
/// # Errors
/// A body that is no JSON object.
pub fn read_store(body: &[u8], encoding: Option<&str>, received: &Received) -> Result<Parcel, Rejection> {
    let plain = store::unpacked(inflate(body, encoding)?)?;
    let mut parcel = Parcel::default();
    parcel.event(&plain, received);
    Ok(parcel)
}

type Aside<'a, 'p, 's> = (&'a mut session::Reader<'s>, &'a mut Vec<Item<'p>>);

impl Parcel {
    fn take<'p>(&mut self, item: Item<'p>, received: &Received, (sessions, attachments): Aside<'_, 'p, '_>) {
        match &*item.header.kind.0 {
            "event" => self.event(item.payload, received),
            "session" => match json(item.payload, |text| Ok(sessions.single(&serde_json::from_str(text)?))) {
                Ok(true) => {}
                Ok(false) => self.count(Unused::SessionUpdate, 1),
                Err(rejection) => sessions.connections.push(Err(rejection)),
            },
            "sessions" => {
                let taken = json(item.payload, |text| {
                    sessions.aggregated(&serde_json::from_str(text)?);
                    Ok(())
                });
                if let Err(rejection) = taken {
                    sessions.connections.push(Err(rejection));
                }
            }
            "client_report" => match json(item.payload, |text| Ok(discarded::counts(&serde_json::from_str(text)?))) {
                Ok(counts) => self.discarded.extend(counts),
                Err(_) => self.count(Unused::Other, 1),
            },
            "attachment" if item.header.attachment_type.0 == "event.minidump" => self.count(Unused::Minidump, 1),
            "attachment" => attachments.push(item),
            kind => self.count(Unused::of(kind), 1),
        }
    }

    fn event(&mut self, payload: &[u8], received: &Received) {
        let nonce = received.nonce_of(self.reports.len());
        let id = self.event_id.clone();
        let report = json(payload, |text| {
            let event: Event<'_> = serde_json::from_str(text)?;
            Ok((event.kind.0 != "transaction").then(|| report::report(&event, &id, received, nonce)))
        });
        match report {
            Ok(Some(report)) => {
                if self.event_id.is_empty() {
                    self.event_id.clone_from(&report.event_id);
                }
                self.reports.push(Ok(report));
            }
            Ok(None) => self.count(Unused::Transaction, 1),
            Err(rejection) => self.reports.push(Err(rejection)),
        }
    }

    /// Files belong to the event they came with, as many as fit.
    fn attach(&mut self, items: Vec<Item<'_>>) {
        let Some(Ok(report)) = self.reports.iter_mut().find(|report| report.is_ok()) else {
            return self.count(Unused::Attachment, items.len() as u64);
        };
        let (mut left, mut over) = (ATTACHMENTS_LIMIT, 0);
        for Item { header: ItemHeader { filename, .. }, payload } in items {
            match left.checked_sub(payload.len()) {
                Some(rest) => {
                    left = rest;
                    report.attachments.push(Attachment { name: filename.0.into_owned(), data: payload.to_vec() });
                }
                None => over += 1,
            }
        }
        if over > 0 {
            report.truncated.push("attachments".to_owned());
        }
        self.count(Unused::Attachment, over);
    }

    fn count(&mut self, kind: Unused, count: u64) {
        if count == 0 {
            return;
        }
        match self.unused.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, so_far)) => *so_far += count,
            None => self.unused.push((kind, count)),
        }
    }
}

/// Reads one JSON object; bytes that are no UTF-8 and lone surrogates become U+FFFD.
fn json<R>(payload: &[u8], mut read: impl FnMut(&str) -> Result<R, serde_json::Error>) -> Result<R, Rejection> {
    // Looking for what is no UTF-8 goes byte by byte; that there is none is seen a word at a time.
    let text = std::str::from_utf8(payload).map_or_else(|_| String::from_utf8_lossy(payload), Cow::Borrowed);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Rejection::invalid("expected a JSON object"));
    }
    read(text).or_else(|error| match surrogate::mend(text) {
        Some(mended) => read(&mended).map_err(|error| object::invalid(&error)),
        None => Err(object::invalid(&error)),
    })
}
