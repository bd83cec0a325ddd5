//! The three services in this process, each with its own end, so that they leave in the order of the data: edge, processor, query.

use std::time::{Duration, Instant};

use service::credentials::Keyring;
use service::http::{Client, StatusCode, Tls, TlsError};
use service::shutdown::{Shutdown, Trigger};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Error;
use super::engines::Engines;
use crate::role::{self, scheme};
use crate::settings::Settings;

/// Time for the services to become able to do their work.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// The ports, taken before anything is started: a port in use is said at once.
pub struct Listeners {
    pub ingest: TcpListener,
    pub processor: TcpListener,
    pub query: TcpListener,
}

/// Where the services answer, `http://host:port`, or `https://` of it.
#[derive(Clone, Debug)]
pub struct Urls {
    pub ingest: String,
    pub processor: String,
    pub query: String,
}

/// The services as they run.
pub struct Services {
    ingest: Role,
    processor: Role,
    query: Role,
}

struct Role {
    name: &'static str,
    end: Trigger,
    task: JoinHandle<Result<(), Error>>,
}

impl Listeners {
    /// Takes the ports that the configuration names.
    ///
    /// # Errors
    /// One of them cannot be had.
    pub async fn bind(settings: &Settings) -> Result<Self, Error> {
        Ok(Self {
            ingest: bind("ingest", &settings.ingest.listen.to_string()).await?,
            processor: bind("processor", &settings.processor.listen.to_string()).await?,
            query: bind("query", &settings.query.listen.to_string()).await?,
        })
    }

    /// Where they are.
    ///
    /// # Errors
    /// The system does not say.
    pub fn urls(&self, settings: &Settings) -> Result<Urls, Error> {
        let url = |listener: &TcpListener, tls: Option<&Tls>| {
            listener.local_addr().map(|address| format!("{}://{address}", scheme(tls))).map_err(Error::File)
        };
        let (ingest, query) = (settings.ingest.tls.as_ref(), settings.query.tls.as_ref());
        Ok(Urls { ingest: url(&self.ingest, ingest)?, processor: url(&self.processor, None)?, query: url(&self.query, query)? })
    }
}

impl Services {
    /// Starts the three.
    pub fn start(settings: &Settings, engines: &Engines, keyring: &Keyring, listeners: Listeners) -> Self {
        let Listeners { ingest, processor, query } = listeners;
        let (kafka, clickhouse) = (|role| engines.kafka_for(role), &engines.clickhouse);
        Self {
            ingest: role("ingest", |end| {
                let run = ingest::run(settings.ingest.clone(), kafka(role::Role::Ingest), keyring.clone(), ingest, end);
                tokio::spawn(async move { Ok(run.await?) })
            }),
            processor: role("processor", |end| {
                let run = processor::run(settings.processor.clone(), kafka(role::Role::Processor), clickhouse.clone(), processor, end);
                tokio::spawn(async move { Ok(run.await?) })
            }),
            query: role("query", |end| {
                let run = query::run(settings.query.clone(), kafka(role::Role::Query), clickhouse.clone(), keyring.clone(), query, end);
                tokio::spawn(async move { Ok(run.await?) })
            }),
        }
    }

    /// Resolves when one of them ends, which none should before it is asked to.
    pub async fn ended(&mut self) -> Error {
        let (name, result) = tokio::select! {
            result = &mut self.ingest.task => (self.ingest.name, result),
            result = &mut self.processor.task => (self.processor.name, result),
            result = &mut self.query.task => (self.query.name, result),
        };
        match result {
            Ok(Ok(())) => Error::Ended(name),
            Ok(Err(error)) => error,
            Err(error) => error.into(),
        }
    }

    /// Asks one after the other to finish, and waits for each. Gives the first error.
    ///
    /// # Errors
    /// One of them did not end well.
    pub async fn stop(self) -> Result<(), Error> {
        let mut ended = Ok(());
        for role in [self.ingest, self.processor, self.query] {
            role.end.fire();
            // One that has ended already told its error in `ended`.
            if role.task.is_finished() {
                continue;
            }
            let result = role.task.await.map_err(Error::from).flatten();
            tracing::info!(role = role.name, "role finished");
            ended = ended.and(result);
        }
        ended
    }
}

fn role(name: &'static str, start: impl FnOnce(Shutdown) -> JoinHandle<Result<(), Error>>) -> Role {
    let (end, shutdown) = Shutdown::new();
    Role { name, end, task: start(shutdown) }
}

/// Waits until all can do their work.
///
/// # Errors
/// One of them cannot in time; says what it misses.
pub async fn ready(urls: &Urls, settings: &Settings) -> Result<(), Error> {
    let (ingest, query) = (settings.ingest.tls.as_ref(), settings.query.tls.as_ref());
    for (name, url, tls) in [("ingest", &urls.ingest, ingest), ("processor", &urls.processor, None), ("query", &urls.query, query)] {
        let client = client(Duration::from_secs(10), tls)?;
        let asked = Instant::now();
        loop {
            let missing = match client.get(&format!("{url}/readyz")).await {
                Ok(answer) if answer.status == StatusCode::OK => break,
                // A halted stream waits for an operator, not for this start; everything else works.
                Ok(answer) if String::from_utf8_lossy(&answer.body).contains(" is halted: ") => break,
                Ok(answer) => String::from_utf8_lossy(&answer.body).trim().to_owned(),
                Err(error) => error.to_string(),
            };
            // The others can do their work all the same, and the edge takes reports again by itself.
            if name == "ingest" && is_full(&settings.ingest.disk) {
                break;
            }
            if asked.elapsed() > PATIENCE {
                return Err(Error::NotReady { name, missing });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Whether the edge refuses for want of room on the disk.
fn is_full(disk: &ingest::Disk) -> bool {
    let space = disk.folder.as_deref().and_then(|folder| service::disk::space(folder).ok());
    space.is_some_and(|space| disk.shortage(space).is_some())
}

/// A client of a server of this configuration.
///
/// # Errors
/// Its certificate cannot be read.
fn client(timeout: Duration, tls: Option<&Tls>) -> Result<Client, TlsError> {
    tls.map_or_else(|| Ok(Client::new(timeout)), |tls| Client::trusting(timeout, &tls.certificate))
}

/// Listens on `address` for `role`.
///
/// # Errors
/// The address cannot be had.
pub async fn bind(role: &'static str, address: &str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| Error::Listen { role, address: address.to_owned(), source })
}
