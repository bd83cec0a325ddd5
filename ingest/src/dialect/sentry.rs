//! The Sentry dialect: the envelope that Sentry's client libraries send, and the single event of older ones.
//!
//! ```text
//! body ─▶ envelope: items ─▶ event     ─▶ report.rs    (stack.rs prints exceptions) ─▶ RawReport
//!                            session   ─▶ session.rs                                 ─▶ Connection
//!                            the rest  ─▶ counted by kind
//! ```
//!
//! Clients of many years and languages send this: fields are read leniently (`lenient.rs`), and only text that is not a JSON
//! object is refused. A bad item does not affect its neighbours.

mod breadcrumbs;
mod contexts;
mod discarded;
mod envelope;
mod event;
mod frame;
pub(crate) mod key;
mod language;
mod lenient;
mod message;
mod packed_frames;
mod print;
mod print_frame;
mod release;
mod report;
mod session;
mod stack;
mod store;
mod timestamp;
mod unused;
mod values;

pub(crate) use store::is_packed;

use super::bounds::{ATTACHMENT_BYTES, ATTACHMENTS, CLIENT_REPORT_ENTRIES, EVENTS, ID, NAME};
use super::copy_budget::CopyBudget;
use super::cut::{beginning, copied, mark};
use super::{Received, native, object, surrogate};
use crate::batch::{Batch, Unused};
use crate::rejection::Rejection;
use envelope::{Item, ItemHeader};
use event::Event;
use report::Sent;
use schemas::record::{Attachment, RawReport};
use std::borrow::Cow;

/// Reads an envelope.
///
/// # Errors
/// What makes the envelope as a whole unreadable or too large; a bad item is an error in its place.
pub fn read_envelope(body: &[u8], received: &Received) -> Result<Batch, Rejection> {
    let (header, items) = envelope::open(body)?;
    let budget = CopyBudget::of(body.len());
    let mut reading = Reading::new(received, &budget);
    reading.batch.event_id = beginning(&header.event_id.0, ID).to_owned();
    let mut sessions = session::Reader { received, sdk: &header.sdk, budget: &budget, connections: Vec::new(), taken: 0, over: 0 };
    let mut attachments = Vec::new();
    for item in items {
        match item {
            Ok(item) => reading.take(item, &mut sessions, &mut attachments),
            Err(rejection) => reading.refuse(rejection),
        }
    }
    reading.batch.connections = sessions.connections;
    reading.batch.count_unused(Unused::SessionOverBound, sessions.over);
    reading.attach(attachments);
    Ok(reading.done())
}

/// Reads one event as older clients send it: JSON, or Base64 of zlib.
///
/// # Errors
/// A body that is not a JSON object.
pub fn read_store(body: &[u8], received: &Received) -> Result<Batch, Rejection> {
    let plain = store::unpacked(body)?;
    let budget = CopyBudget::of(plain.len());
    let mut reading = Reading::new(received, &budget);
    reading.event(&plain);
    Ok(reading.done())
}

/// A batch that is being read.
struct Reading<'a> {
    received: &'a Received,
    budget: &'a CopyBudget,
    batch: Batch,
    /// The first event and its place among the reports: the files of an envelope belong to it, wherever they stand.
    first: Option<(usize, RawReport)>,
    events: usize,
}

impl<'a> Reading<'a> {
    fn new(received: &'a Received, budget: &'a CopyBudget) -> Self {
        Self { received, budget, batch: Batch::default(), first: None, events: 0 }
    }

    fn take<'p>(&mut self, item: Item<'p>, sessions: &mut session::Reader<'_>, attachments: &mut Vec<Item<'p>>) {
        match &*item.header.kind.0 {
            "event" => self.event(item.payload),
            "session" => match json(item.payload, |text| Ok(sessions.single(&serde_json::from_str(text)?))) {
                Ok(true) => {}
                Ok(false) => self.batch.count_unused(Unused::SessionUpdate, 1),
                Err(rejection) => sessions.connections.push(Err(self.budget.shortened(rejection))),
            },
            "sessions" => {
                let taken = json(item.payload, |text| {
                    sessions.aggregated(&serde_json::from_str(text)?);
                    Ok(())
                });
                if let Err(rejection) = taken {
                    sessions.connections.push(Err(self.budget.shortened(rejection)));
                }
            }
            "client_report" => match json(item.payload, |text| Ok(discarded::counts(&serde_json::from_str(text)?))) {
                Ok(counts) => {
                    let room = CLIENT_REPORT_ENTRIES.saturating_sub(self.batch.discarded.len());
                    self.batch.discarded.extend(counts.into_iter().take(room));
                }
                Err(_) => self.batch.count_unused(Unused::Other, 1),
            },
            "attachment" if item.header.attachment_type.0 == "event.minidump" => self.batch.count_unused(Unused::Minidump, 1),
            "attachment" if attachments.len() == ATTACHMENTS => self.batch.count_unused(Unused::Attachment, 1),
            "attachment" => attachments.push(item),
            kind => self.batch.count_unused(unused::unused(kind), 1),
        }
    }

    fn event(&mut self, payload: &[u8]) {
        self.events += 1;
        if self.events > EVENTS {
            return self.refuse(Rejection::TooLarge(format!("more than {EVENTS} events in one envelope")));
        }
        let place = self.batch.reports.len() + usize::from(self.first.is_some());
        let report = json(payload, |text| {
            let event: Event<'_> = serde_json::from_str(text)?;
            let sent = Sent { event_id: &self.batch.event_id, nonce: self.received.nonce_of(place), length: text.len() };
            Ok((event.kind.0 != "transaction").then(|| report::report(&event, sent, self.received)))
        });
        match report {
            Ok(Some(mut report)) => {
                if self.batch.event_id.is_empty() {
                    self.batch.event_id.clone_from(&report.event_id);
                }
                self.budget.charge(&mut report);
                match self.first {
                    None => self.first = Some((place, report)),
                    Some(_) => self.batch.reports.push(self.budget.encoded(Ok(report))),
                }
            }
            Ok(None) => self.batch.count_unused(Unused::Transaction, 1),
            Err(rejection) => self.refuse(rejection),
        }
    }

    fn refuse(&mut self, rejection: Rejection) {
        self.batch.reports.push(Err(self.budget.shortened(rejection)));
    }

    /// Files belong to the event they came with, as many as fit.
    fn attach(&mut self, items: Vec<Item<'_>>) {
        let Some((_, report)) = &mut self.first else { return self.batch.count_unused(Unused::Attachment, items.len() as u64) };
        let (mut left, mut over) = (ATTACHMENT_BYTES, 0);
        for Item { header: ItemHeader { filename, .. }, payload } in items {
            match left.checked_sub(payload.len()) {
                Some(rest) => {
                    left = rest;
                    let name = copied(&filename.0, NAME);
                    report.attachments.push(Attachment { name, data: payload.to_vec() });
                }
                None => over += 1,
            }
        }
        native::cut_short(report);
        self.batch.count_unused(Unused::Attachment, over);
        if over > 0 || self.batch.unused.iter().any(|(kind, _)| *kind == Unused::Attachment) {
            mark("attachments", &mut report.truncated);
        }
    }

    /// The batch, with its first event in its place.
    fn done(mut self) -> Batch {
        if let Some((place, report)) = self.first {
            self.batch.reports.insert(place, self.budget.encoded(Ok(report)));
        }
        self.batch
    }
}

/// Reads one JSON object; bytes that are not UTF-8 and lone surrogates become U+FFFD.
fn json<R>(payload: &[u8], mut read: impl FnMut(&str) -> Result<R, serde_json::Error>) -> Result<R, Rejection> {
    let text = readable(payload)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Rejection::invalid("expected a JSON object"));
    }
    read(text).or_else(|error| match surrogate::mend(text) {
        Some(mended) => read(&mended).map_err(|error| object::invalid(&error)),
        None => Err(object::invalid(&error)),
    })
}

/// The bytes as text. A run of bytes that are not UTF-8 becomes one U+FFFD; a payload that is mostly such bytes is refused.
fn readable(payload: &[u8]) -> Result<Cow<'_, str>, Rejection> {
    // Looking for what is no UTF-8 goes byte by byte; that there is none is seen a word at a time.
    if let Ok(text) = std::str::from_utf8(payload) {
        return Ok(Cow::Borrowed(text));
    }
    // A replacement has three bytes where one may have been: texts would grow.
    let most = payload.len() + payload.len() / 8 + 64;
    let mut text = String::with_capacity(most);
    for chunk in payload.utf8_chunks() {
        text.push_str(chunk.valid());
        let goes_on = chunk.valid().is_empty() && text.ends_with(char::REPLACEMENT_CHARACTER);
        if !chunk.invalid().is_empty() && !goes_on {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        if text.len() > most {
            return Err(Rejection::invalid("not UTF-8"));
        }
    }
    Ok(Cow::Owned(text))
}
