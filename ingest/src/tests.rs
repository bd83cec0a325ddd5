//! What the edge owes its clients, dialect by dialect.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod allocator;
mod any_bytes;
mod any_dialect;
mod any_envelope;
mod any_version;
mod batches;
mod bounds;
mod fixtures;
mod fuzz;
mod hostile_shapes;
mod http;
mod limits;
mod lists;
mod memory;
mod per_app;
mod real_events;
mod refusals;
mod sealed;
mod sentry;

use crate::dialect::{Items, Received};
use crate::encoded::Ready;
use schemas::record::Record;

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

/// The records of a request, read back from what is ready for the log.
fn records<R: Record>(items: Items<Ready<R>>) -> Items<R> {
    items.into_iter().map(|item| item.map(|ready| ready.record().unwrap())).collect()
}
