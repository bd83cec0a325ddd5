//! `aftershock standalone`: everything on one machine.
//!
//! ```text
//! lock the data folder → credentials → take the ports → start broker and engine (processes) → topics and tables
//!     → ingest, processor, query (in this process) → ready: a line on stdout, standalone.json → … → stop in the order of the data
//! ```
//!
//! The services do not know of it: they are given addresses. Start at [`run`]; [`engines`] is what listens behind the addresses,
//! [`child`] keeps a process alive, [`services`] are the three roles. Invariants: one standalone for each data folder; children
//! die with it however it dies; whatever killed it, the next start needs no hand.

mod alone;
mod child;
mod engines;
pub mod lifeline;
mod lock;
mod running;
mod services;
mod welcome;

use std::convert::Infallible;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use service::credentials::{Credentials, Keyring};
use service::shutdown::{Shutdown, signals};

use crate::descriptors;
use crate::pages;
use crate::role::Role;
use crate::settings::Settings;
use engines::Engines;
use services::{Listeners, Services, Urls};
use welcome::Welcome;

pub use alone::Alone;
pub use child::Hello;
pub use running::{Ready, Running};
pub use services::bind;

/// Why standalone does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Lock(#[from] lock::LockError),
    #[error(transparent)]
    Child(#[from] child::ChildError),
    #[error(transparent)]
    Credentials(#[from] service::credentials::Error),
    #[error(transparent)]
    Tls(#[from] service::http::TlsError),
    #[error("{role} cannot listen on {address}: {source}")]
    Listen { role: &'static str, address: String, source: std::io::Error },
    #[error(transparent)]
    Engine(#[from] crate::engine::Error),
    #[error("a file of the data folder: {0}")]
    File(#[source] std::io::Error),
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    #[error("the log: {0}")]
    Log(#[from] service::kafka::Error),
    #[error("the tables: {0}")]
    Tables(#[from] service::clickhouse::Error),
    #[error("{name} is not ready: {missing}")]
    NotReady { name: &'static str, missing: String },
    #[error("ingest: {0}")]
    Ingest(#[from] ingest::Error),
    #[error("processor: {0}")]
    Processor(#[from] processor::Error),
    #[error("query: {0}")]
    Query(#[from] query::Error),
    #[error("{0} has ended by itself")]
    Ended(&'static str),
    #[error("a task broke off: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Runs until it is asked to end or one of the services cannot go on.
///
/// # Errors
/// It cannot start, or a service cannot go on.
pub async fn run(mut settings: Settings) -> Result<(), Error> {
    let dir = settings.data.dir.clone();
    settings.ingest.disk.folder.get_or_insert_with(|| dir.clone());
    let _lock = lock::take(&dir)?;
    let (trigger, shutdown) = Shutdown::new();
    tokio::spawn(signals(trigger));
    descriptors::raise_limit();
    pages::keep_freed();
    let fresh = credentials(&settings.credentials)?;
    let keyring = Keyring::open(&settings.credentials)?;
    tokio::spawn(keyring.clone().follow_hangups(shutdown.clone()));
    let listeners = Listeners::bind(&settings).await?;

    let starting = tokio::select! {
        started = Engines::start(&settings) => started,
        () = shutdown.triggered() => return Ok(()),
    };
    let mut engines = starting?;
    let urls = listeners.urls(&settings)?;
    let begun = Begun { settings: &settings, keyring: &keyring, urls: &urls, fresh };
    let served = begun.serve(&mut engines, listeners, &shutdown).await;
    engines.stop().await;
    served
}

/// What is settled once the engines run.
struct Begun<'a> {
    settings: &'a Settings,
    keyring: &'a Keyring,
    urls: &'a Urls,
    /// The credentials were made at this start.
    fresh: bool,
}

impl Begun<'_> {
    /// Runs the services until one ends or all are asked to.
    async fn serve(&self, engines: &mut Engines, listeners: Listeners, shutdown: &Shutdown) -> Result<(), Error> {
        let Settings { topics, retention, .. } = self.settings;
        processor::migrate(&engines.kafka, &engines.clickhouse, topics, retention).await?;
        let mut services = Services::start(self.settings, engines, self.keyring, listeners);
        let ended = tokio::select! {
            ended = services.ended() => Err(ended),
            announced = self.announce(engines) => announced.map(|never| match never {}),
            () = shutdown.triggered() => Ok(()),
        };
        let removed = Running::remove(&self.settings.data.dir).map_err(Error::File);
        let stopped = services.stop().await;
        ended.and(removed).and(stopped)
    }

    /// Says that all is ready once it is, and keeps what it says true.
    async fn announce(&self, engines: &mut Engines) -> Result<Infallible, Error> {
        services::ready(self.urls, self.settings).await?;
        let dir = &self.settings.data.dir;
        self.running(engines).write(dir).map_err(Error::File)?;
        eprint!("{}", self.welcome());
        let mut line = serde_json::to_string(&self.running(engines).ready).map_err(|error| Error::File(error.into()))?;
        line.push('\n');
        // Nobody may be reading; that is no reason to stop.
        drop(std::io::stdout().lock().write_all(line.as_bytes()).and_then(|()| std::io::stdout().flush()));
        loop {
            engines.changed().await;
            self.running(engines).write(dir).map_err(Error::File)?;
        }
    }

    fn running(&self, engines: &Engines) -> Running {
        let (kafka, clickhouse) = (&engines.kafka, &engines.clickhouse);
        Running {
            ready: Ready {
                ready: true,
                ingest: self.urls.ingest.clone(),
                query: self.urls.query.clone(),
                kafka: kafka.brokers.clone(),
                clickhouse: clickhouse.url.clone(),
            },
            processor: self.urls.processor.clone(),
            kafka_properties: running::exposed(&kafka.properties),
            kafka_roles: [Role::Ingest, Role::Processor, Role::Query]
                .map(|role| (role.name().to_owned(), running::exposed(&engines.kafka_for(role).properties)))
                .into(),
            clickhouse_user: clickhouse.user.clone(),
            clickhouse_password: clickhouse.password.expose().clone(),
            clickhouse_read_user: clickhouse.read_user.clone(),
            clickhouse_read_password: clickhouse.read_password.expose().clone(),
            credentials: absolute(&self.settings.credentials),
            ingest_certificate: self.settings.ingest.tls.as_ref().map(|tls| absolute(&tls.certificate)),
            query_certificate: self.settings.query.tls.as_ref().map(|tls| absolute(&tls.certificate)),
            processes: engines.processes(),
        }
    }

    fn welcome(&self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let day = self.settings.query.time_zone.day_label(i64::try_from(now).unwrap_or(0));
        let today = (format!("{day}00"), format!("{day}23"));
        let credentials = self.keyring.current();
        Welcome { urls: self.urls, credentials: &credentials, file: &self.settings.credentials, fresh: self.fresh, today }.text()
    }
}

/// For readers who run elsewhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Makes credentials where none are; true when they are new.
fn credentials(file: &Path) -> Result<bool, Error> {
    if file.exists() {
        return Ok(false);
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(Error::File)?;
    }
    Credentials::generate()?.create(file)?;
    tracing::info!(file = %file.display(), "credentials made");
    Ok(true)
}
