//! ClickHouse rows to JSON: the signed OpenAPI and the admin queries.
//!
//! ```text
//! request → gate (authentication, rate) → parameters (path, query, body) → operation → store (its .sql) → pure function → envelope
//! ```
//!
//! Start at [`api`], the whole API as a list. Each operation is a file in [`endpoint`] with its SQL beside it; [`operation`] says what one is and
//! what it may use, [`param`] has the blocks of parameters they share, [`issue`] everything about issues. Invariants: no table is ever written here,
//! what is stated goes to the log by [`journal`] and comes back as rows; only [`store`] knows the tables' client; trends and rankings are answered
//! from the roll-ups alone; callers are authenticated before anything of the request is read; no answer is written on an async worker.

pub mod api;
pub mod app_versions;
pub mod authenticate;
pub mod config;
pub mod endpoint;
pub mod envelope;
pub mod error;
pub mod issue;
pub mod journal;
mod metrics;
pub mod operation;
pub mod param;
pub mod releases;
pub mod store;
pub mod trend;
pub mod zone;

pub use config::Config;
pub use error::Error;
pub use metrics::METRICS;

use operation::{Reads, Writes};
use service::credentials::Keyring;
use service::http::Listeners;
use service::shutdown::Shutdown;
use std::sync::Arc;

/// Serves the API until `shutdown`, then lets the requests that have begun end. Health and metrics are served beside it.
///
/// # Errors
/// A property that the log's client does not take, or a listener that broke. The service goes on while tables or log are away.
pub async fn run(
    config: Config,
    kafka: service::kafka::Config,
    clickhouse: service::clickhouse::Config,
    keyring: Keyring,
    listeners: Listeners,
    shutdown: Shutdown,
) -> Result<(), Error> {
    let journal = journal::Journal::new(&kafka, &keyring)?;
    let gate = authenticate::Gate::new(keyring, config.requests_per_minute, config.signature_window.0);
    let store = store::Store::new(clickhouse.reader(), &config.limits, config.require_projections);
    let settings = Arc::new(config::Settings::from(&config));
    let reads = Reads { store: store.clone(), settings, issues: issue::IssueCache::default() };
    let router = api::router(&gate, &Writes { reads, journal });
    let served = async { Ok(service::http::serve(listeners.public, router, config.server(), shutdown).await?) };
    service::http::with_admin(listeners.admin, api::admin(&store), &config.http, served).await
}
