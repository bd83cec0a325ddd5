//! The three roles, each a process of its own that is kept alive: nothing that ends, fills or occupies one of them reaches another.

use super::child::Child;
use super::engines::Engines;
use super::error::Error;
use super::handover;
use super::running::Processes;
use super::spec::{NICENESS, Spec};
use super::urls::Urls;
use crate::listen::bind;
use crate::role::Role;
use crate::settings::Settings;
use service::http::{Client, StatusCode};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Time for the services to become able to do their work.
const READY_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// What a role may need beside its drain to finish: the rest of a slice, the last acknowledgements.
const FINISH_MARGIN: Duration = Duration::from_secs(10);

/// The ports, taken before anything is started: a port in use is said at once.
pub struct Listeners(BTreeMap<Role, Vec<TcpListener>>);

/// The services as they run.
pub struct Services {
    ingest: Child,
    processor: Child,
    query: Child,
}

impl Listeners {
    /// Takes the ports that the configuration names, and says where they are.
    ///
    /// # Errors
    /// One of them cannot be had.
    pub async fn bind(settings: &Settings) -> Result<(Self, Urls), Error> {
        let (mut listeners, mut urls) = (BTreeMap::new(), BTreeMap::new());
        for role in Role::ALL {
            let mut taken = Vec::new();
            for port in role.ports(settings) {
                let listener = bind(port.name, &port.address).await?;
                let address = listener.local_addr().map_err(Error::File)?;
                urls.insert(port.name, format!("{}://{address}", port.scheme));
                taken.push(listener);
            }
            listeners.insert(role, taken);
        }
        let mut url = |name: &str| urls.remove(name).unwrap_or_default();
        let urls = Urls {
            ingest: url("ingest"),
            ingest_admin: url("ingest_admin"),
            processor: url("processor"),
            query: url("query"),
            query_admin: url("query_admin"),
        };
        Ok((Self(listeners), urls))
    }
}

impl Services {
    /// Starts the three.
    ///
    /// # Errors
    /// One of them cannot be kept.
    pub fn start(settings: &Settings, engines: &Engines, listeners: Listeners) -> Result<Self, Error> {
        let mut listeners = listeners.0;
        let mut start = |role: Role, niceness: i32, finish: Duration| -> Result<Child, Error> {
            let sockets = listeners.remove(&role).unwrap_or_default();
            let told = handover::line(role, settings, &engines.kafka_for(role), &engines.clickhouse, &sockets);
            let told = told.map_err(|error| Error::File(error.into()))?;
            Ok(Child::start(Spec { name: role.name(), sockets, told, niceness, finish: finish + FINISH_MARGIN, ..Spec::default() })?)
        };
        let Settings { ingest, processor, query, .. } = settings;
        Ok(Self {
            ingest: start(Role::Ingest, 0, *ingest.limits.drain + *ingest.publish.ack_timeout)?,
            processor: start(Role::Processor, NICENESS, *processor.http.drain + *processor.table_timeout)?,
            query: start(Role::Query, NICENESS, *query.http.drain)?,
        })
    }

    /// Waits until all can do their work. A processor that cannot keeps nobody from sending and asking: the reports wait in the log. Nor does an edge
    /// that refuses for want of room: it takes reports again by itself.
    ///
    /// # Errors
    /// Edge or query cannot in time; says what it misses.
    pub async fn ready(&self, urls: &Urls, disk: &ingest::Disk) -> Result<(), Error> {
        let folds = async {
            // A halted stream waits for an operator, not for this start; everything else works.
            if let Err(error) = ready(&self.processor, &urls.processor, |missing| missing.contains(" is halted: ")).await {
                tracing::error!(%error, "reports are accepted and wait in the log");
            }
            Ok(())
        };
        let (accepts, answers) =
            (ready(&self.ingest, &urls.ingest_admin, |_| is_full(disk)), ready(&self.query, &urls.query_admin, |_| false));
        tokio::try_join!(accepts, answers, folds).map(drop)
    }

    /// The process ids as they are now, beside those of the others.
    pub fn processes(&self, others: Processes) -> Processes {
        Processes { ingest: self.ingest.pid(), processor: self.processor.pid(), query: self.query.pid(), ..others }
    }

    /// Resolves when one of them was started again.
    pub async fn changed(&mut self) {
        tokio::select! {
            () = self.ingest.turn() => {}
            () = self.processor.turn() => {}
            () = self.query.turn() => {}
        }
    }

    /// Has those that have credentials read them again.
    pub async fn reload(&self) {
        tokio::join!(self.ingest.reload(), self.query.reload());
    }

    /// Asks one after the other to finish, in the order of the data, and waits for each.
    pub async fn stop(self) {
        for role in [self.ingest, self.processor, self.query] {
            role.stop().await;
        }
    }
}

/// Waits until a role can do its work, or what it misses is excused.
async fn ready(role: &Child, url: &str, is_excused: impl Fn(&str) -> bool) -> Result<(), Error> {
    let answers = async {
        let (client, asked) = (Client::new(Duration::from_secs(10)), Instant::now());
        loop {
            let missing = match client.get(&format!("{url}/readyz")).await {
                Ok(answer) if answer.status == StatusCode::OK => break Ok(()),
                Ok(answer) => String::from_utf8_lossy(&answer.body).trim().to_owned(),
                Err(error) => error.to_string(),
            };
            if is_excused(&missing) {
                break Ok(());
            }
            if asked.elapsed() > READY_TIMEOUT {
                break Err(Error::NotReady { name: role.name(), missing });
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    };
    tokio::select! {
        answers = answers => answers?,
        error = role.failing() => return Err(error.into()),
    }
    role.has_answered();
    Ok(())
}

/// Whether the edge refuses for want of room on the disk.
fn is_full(disk: &ingest::Disk) -> bool {
    let space = disk.folder.as_deref().and_then(|folder| service::disk::space(folder).ok());
    space.is_some_and(|space| disk.shortage(space).is_some())
}
