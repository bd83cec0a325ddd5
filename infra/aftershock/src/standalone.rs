//! `aftershock standalone`: everything on one machine.
//!
//! ```text
//! lock the data folder → credentials → take the ports → start broker and engine → topics and tables
//!     → start ingest, processor, query → ready: a line on stdout, standalone.json → … → stop in the order of the data
//! ```
//!
//! Each of the five is a process. The services do not know of it: they are given addresses. Start at [`run`]; [`engines`] is what listens behind the
//! addresses, [`services`] are the three roles, [`child`] keeps a process alive, [`handover`] is what a role is given. Invariants: one standalone for each
//! data folder; children die with it however it dies; whatever killed it, the next start needs no hand; once it is ready no child is given up.

mod child;
mod engines;
mod error;
mod exclusive;
mod fork;
mod handover;
mod keeper;
pub mod lifeline;
mod lock;
mod running;
mod services;
mod spec;
mod urls;
mod welcome;

pub use error::Error;
pub use exclusive::ExclusiveEngines;
pub use handover::{Handover, Sockets};
pub use running::{Ready, Running};
pub use spec::Hello;

use crate::role::Role;
use crate::settings::Settings;
use engines::Engines;
use service::credentials::{Credentials, Keyring};
use service::shutdown::{Shutdown, signals};
use services::{Listeners, Services};
use std::convert::Infallible;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::signal::unix::{SignalKind, signal};
use urls::Urls;
use welcome::Welcome;

/// Runs until it is asked to end.
///
/// # Errors
/// It cannot start.
pub async fn run(mut settings: Settings) -> Result<(), Error> {
    let dir = settings.data.dir.clone();
    settings.ingest.disk.folder.get_or_insert_with(|| dir.clone());
    let _lock = lock::take(&dir)?;
    let (trigger, shutdown) = Shutdown::new();
    signals(trigger);
    let fresh = credentials(&settings.credentials)?;
    let keyring = Keyring::open(&settings.credentials)?;
    tokio::spawn(keyring.clone().follow_hangups(shutdown.clone()));
    for tls in [&settings.ingest.tls, &settings.query.tls].into_iter().flatten() {
        tls.check()?;
    }
    let (listeners, urls) = Listeners::bind(&settings).await?;

    let starting = tokio::select! {
        started = Engines::start(&settings) => started,
        () = shutdown.triggered() => return Ok(()),
    };
    let mut engines = starting?;
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
    /// Runs the services until all are asked to end.
    async fn serve(&self, engines: &mut Engines, listeners: Listeners, shutdown: &Shutdown) -> Result<(), Error> {
        let Settings { topics, retention, .. } = self.settings;
        processor::migrate(&engines.kafka, &engines.clickhouse, topics, retention).await?;
        let mut services = Services::start(self.settings, engines, listeners)?;
        let ended = tokio::select! {
            announced = self.announce(engines, &mut services) => announced.map(|never| match never {}),
            () = shutdown.triggered() => Ok(()),
        };
        let removed = Running::remove(&self.settings.data.dir).map_err(Error::File);
        services.stop().await;
        ended.and(removed)
    }

    /// Says that all is ready once it is, keeps what it says true, and hands each SIGHUP on.
    async fn announce(&self, engines: &mut Engines, services: &mut Services) -> Result<Infallible, Error> {
        let mut hangups = signal(SignalKind::hangup()).map_err(Error::Hangups)?;
        services.ready(self.urls, &self.settings.ingest.disk).await?;
        let dir = &self.settings.data.dir;
        let running = self.running(engines, services);
        running.write(dir).map_err(Error::File)?;
        eprint!("{}", self.welcome());
        let mut line = serde_json::to_string(&running.ready).map_err(|error| Error::File(error.into()))?;
        line.push('\n');
        // Nobody may be reading; that is no reason to stop.
        drop(std::io::stdout().lock().write_all(line.as_bytes()).and_then(|()| std::io::stdout().flush()));
        loop {
            tokio::select! {
                () = engines.changed() => {}
                () = services.changed() => {}
                _ = hangups.recv() => {
                    services.reload().await;
                    continue;
                }
            }
            self.running(engines, services).write(dir).map_err(Error::File)?;
        }
    }

    fn running(&self, engines: &Engines, services: &Services) -> Running {
        let (kafka, clickhouse) = (&engines.kafka, &engines.clickhouse);
        Running {
            ready: Ready {
                ready: true,
                ingest: self.urls.ingest.clone(),
                query: self.urls.query.clone(),
                kafka: kafka.brokers.clone(),
                clickhouse: clickhouse.url.clone(),
                ingest_admin: self.urls.ingest_admin.clone(),
                processor: self.urls.processor.clone(),
                query_admin: self.urls.query_admin.clone(),
            },
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
            processes: services.processes(engines.processes()),
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
