//! What the edge owes its clients, dialect by dialect.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod allocator;
mod any_bytes;
mod any_dialect;
mod any_envelope;
mod any_version;
mod batches;
mod bounds;
mod checklist;
mod every_path;
mod fixtures;
mod fuzz;
mod hostile_shapes;
mod http;
mod limits;
mod lists;
mod long_bodies;
mod memory;
mod per_app;
mod real_events;
mod refusals;
mod sealed;
mod sentry;

use crate::batch::{Batch, Items};
use crate::dialect::inflate::{inflate, short};
use crate::dialect::sentry as sentry_dialect;
use crate::dialect::{Received, app_key, native, native_connection};
use crate::encoded::EncodedRecord;
use crate::off_worker::SHORT_BODY;
use crate::rejection::Rejection;
use schemas::record::{Connection, RawReport};
use std::borrow::Cow;
use std::cell::RefCell;

/// What the headers of a request say about its body.
#[derive(Debug, Clone, Copy, Default)]
struct Shape<'a> {
    content_type: Option<&'a str>,
    encoding: Option<&'a str>,
}

/// A body, unpacked as the recipe does it.
fn unpacked<'a>(body: &'a [u8], encoding: Option<&str>) -> Result<Cow<'a, [u8]>, Rejection> {
    short(body, encoding, SHORT_BODY)?.map_or_else(|| inflate(body, encoding), Ok)
}

fn native_reports(body: &[u8], shape: Shape<'_>, received: &Received) -> Result<Items<EncodedRecord>, Rejection> {
    native::parse(&unpacked(body, shape.encoding)?, shape.content_type, received)
}

fn native_connections(body: &[u8], shape: Shape<'_>, received: &Received) -> Result<Items<EncodedRecord>, Rejection> {
    native_connection::parse(&unpacked(body, shape.encoding)?, shape.content_type, received)
}

fn read_envelope(body: &[u8], encoding: Option<&str>, received: &Received) -> Result<Batch, Rejection> {
    sentry_dialect::read_envelope(&unpacked(body, encoding)?, received)
}

fn read_store(body: &[u8], encoding: Option<&str>, received: &Received) -> Result<Batch, Rejection> {
    sentry_dialect::read_store(&unpacked(body, encoding)?, received)
}

/// An error of the app-key dialect, of whatever app.
fn parse_error(body: &[u8], received: &Received) -> Result<RawReport, Rejection> {
    app_key::parse_error(body, &|_| Ok(received.clone()))
}

/// A heartbeat of the app-key dialect, of whatever app.
fn parse_heartbeat(body: &[u8], received: &Received) -> Result<Connection, Rejection> {
    app_key::parse_heartbeat(body, &|_| Ok(received.clone()))
}

/// The key that a body of the app-key dialect names.
fn key_in(body: &[u8]) -> Result<String, Rejection> {
    let found = RefCell::new(String::new());
    let refused = app_key::parse_error(body, &|key| {
        key.clone_into(&mut found.borrow_mut());
        Err(Rejection::UnknownApp)
    });
    match refused {
        Err(Rejection::UnknownApp) => Ok(found.into_inner()),
        other => other.map(|report| panic!("taken without a sender: {report:?}")),
    }
}

/// What the server knows in every test of a dialect.
fn received() -> Received {
    Received {
        app_id: "a1b2c3d4e5".to_owned(),
        received_at: 1_763_700_009_999,
        client_ip: "203.0.113.9".to_owned(),
        user_agent: "okhttp/4.12".to_owned(),
        locale: "zh-CN".to_owned(),
        nonce: 7,
        sealed_as: String::new(),
    }
}

/// The reports of a request, decoded.
fn records(items: Items<EncodedRecord>) -> Items<RawReport> {
    items.into_iter().map(|item| item.map(|encoded| encoded.record().unwrap())).collect()
}

/// The connections of a request, decoded.
fn connections(items: Items<EncodedRecord>) -> Items<Connection> {
    items.into_iter().map(|item| item.map(|encoded| encoded.record().unwrap())).collect()
}
