//! `aftershock ingest`, `processor` and `query`: one role in this process, given the addresses of log and tables.

use std::io::Write;

use service::credentials::Keyring;
use service::descriptors;
use service::http::{Listeners, Tls};
use service::shutdown::{Shutdown, Trigger, signals};
use tokio::net::TcpListener;

use crate::pages;
use crate::permissions;
use crate::settings::Settings;
use crate::standalone::{Handover, Hello, Sockets, bind, lifeline};

/// The roles that need nothing but addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Ingest,
    Processor,
    Query,
}

/// A port that a role listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// As the ready line calls it.
    pub name: &'static str,
    /// As it is configured.
    pub address: String,
    /// What its address begins with.
    pub scheme: &'static str,
}

/// Where a role's settings and ports come from.
#[derive(Debug)]
pub enum Start {
    /// It was started by somebody, and takes its ports itself.
    Alone(Box<Settings>),
    /// Standalone has started it and handed both over.
    Attached(Box<Handover>),
}

/// Why a role does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("[{section}] {key} is missing in the configuration: a role by itself must be told {what} (standalone brings its own)")]
    NoAddress { section: &'static str, key: &'static str, what: &'static str },
    #[error(transparent)]
    Credentials(#[from] service::credentials::Error),
    #[error(transparent)]
    Listen(#[from] crate::standalone::Error),
    #[error("the address it listens on is unknown: {0}")]
    Address(#[source] std::io::Error),
    #[error("what standalone hands over cannot be used: {0}")]
    Handover(#[source] std::io::Error),
    #[error("{role} has {count} ports, which is not as many as it listens on")]
    Ports { role: &'static str, count: usize },
    #[error(transparent)]
    Ingest(#[from] ingest::Error),
    #[error(transparent)]
    Processor(#[from] processor::Error),
    #[error(transparent)]
    Query(#[from] query::Error),
}

impl Role {
    /// All of them, in the order of the data.
    pub const ALL: [Role; 3] = [Role::Ingest, Role::Processor, Role::Query];

    /// The name, as the subcommand and the section of the configuration have it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Ingest => "ingest",
            Role::Processor => "processor",
            Role::Query => "query",
        }
    }

    /// Whether the configuration says where all is that this role stands on.
    ///
    /// # Errors
    /// It does not.
    pub fn addressed(self, settings: &Settings) -> Result<(), Error> {
        log(settings)?;
        match self {
            Role::Ingest => Ok(()),
            Role::Processor | Role::Query => tables(settings).map(drop),
        }
    }

    /// The ports it listens on, that for its clients first.
    pub fn ports(self, settings: &Settings) -> Vec<Port> {
        let Settings { ingest, processor, query, .. } = settings;
        let port = |name, address: &dyn ToString, tls: Option<&Tls>| Port { name, address: address.to_string(), scheme: scheme(tls) };
        match self {
            Role::Ingest => {
                vec![port("ingest", &ingest.listen, ingest.tls.as_ref()), port("ingest_admin", &ingest.admin_listen, None)]
            }
            Role::Processor => vec![port("processor", &processor.listen, None)],
            Role::Query => vec![port("query", &query.listen, query.tls.as_ref()), port("query_admin", &query.admin_listen, None)],
        }
    }
}

/// What the address of a server begins with.
pub fn scheme(tls: Option<&Tls>) -> &'static str {
    if tls.is_some() { "https" } else { "http" }
}

/// Where the log is.
///
/// # Errors
/// The configuration does not say.
pub fn log(settings: &Settings) -> Result<service::kafka::Config, Error> {
    if settings.embeds_log() {
        return Err(Error::NoAddress { section: "kafka", key: "brokers", what: "where the log is" });
    }
    Ok(settings.kafka.clone())
}

/// Where the tables are.
///
/// # Errors
/// The configuration does not say.
pub fn tables(settings: &Settings) -> Result<service::clickhouse::Config, Error> {
    if settings.embeds_tables() {
        return Err(Error::NoAddress { section: "clickhouse", key: "url", what: "where the tables are" });
    }
    Ok(settings.clickhouse.clone())
}

/// Runs `role` until it is asked to end.
///
/// # Errors
/// It cannot start or cannot go on.
pub async fn run(role: Role, start: Start) -> Result<(), Error> {
    let (trigger, shutdown) = Shutdown::new();
    signals(trigger.clone());
    descriptors::raise_limit();
    pages::keep_freed();
    let (settings, sockets) = begin(start, trigger);
    let kafka = permissions::log_of(role, &log(&settings)?);
    let keyring = || -> Result<Keyring, Error> {
        let keyring = Keyring::open(&settings.credentials)?;
        tokio::spawn(keyring.clone().follow_hangups(shutdown.clone()));
        Ok(keyring)
    };
    match role {
        Role::Ingest => {
            let keyring = keyring()?;
            let listeners = both(role, listen(role, &settings, sockets).await?)?;
            ingest::run(settings.ingest, kafka, keyring, listeners, shutdown).await?;
        }
        Role::Processor => {
            let tables = tables(&settings)?;
            let [listener] = exactly(role, listen(role, &settings, sockets).await?)?;
            processor::run(settings.processor, kafka, tables, listener, shutdown).await?;
        }
        Role::Query => {
            let (tables, keyring) = (tables(&settings)?, keyring()?);
            let listeners = both(role, listen(role, &settings, sockets).await?)?;
            query::run(settings.query, kafka, tables, keyring, listeners, shutdown).await?;
        }
    }
    Ok(())
}

/// Begins to watch for the parent's end where there is one.
fn begin(start: Start, trigger: Trigger) -> (Settings, Option<Sockets>) {
    match start {
        Start::Alone(settings) => (*settings, None),
        Start::Attached(handover) => {
            lifeline::attach(trigger);
            (handover.settings, Some(handover.sockets))
        }
    }
}

/// Takes the ports, or what was handed over, and says on stdout which, for whoever asked for port 0.
async fn listen(role: Role, settings: &Settings, sockets: Option<Sockets>) -> Result<Vec<TcpListener>, Error> {
    let (mut listeners, mut urls) = (Vec::new(), serde_json::Map::new());
    match sockets {
        Some(sockets) => listeners = sockets.open().map_err(Error::Handover)?,
        None => {
            for port in role.ports(settings) {
                let listener = bind(port.name, &port.address).await?;
                let address = listener.local_addr().map_err(Error::Address)?;
                urls.insert(port.name.to_owned(), format!("{}://{address}", port.scheme).into());
                listeners.push(listener);
            }
        }
    }
    let line = match (listeners.first(), urls.is_empty()) {
        (Some(first), true) => serde_json::to_string(&Hello { listen: first.local_addr().map_err(Error::Address)? }),
        _ => serde_json::to_string(&urls),
    };
    let line = line.map_err(|error| Error::Address(error.into()))?;
    // Nobody may be reading; that is no reason to stop.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
    Ok(listeners)
}

fn exactly<const COUNT: usize>(role: Role, listeners: Vec<TcpListener>) -> Result<[TcpListener; COUNT], Error> {
    listeners.try_into().map_err(|listeners: Vec<_>| Error::Ports { role: role.name(), count: listeners.len() })
}

fn both(role: Role, listeners: Vec<TcpListener>) -> Result<Listeners, Error> {
    let [public, admin] = exactly(role, listeners)?;
    Ok(Listeners { public, admin })
}
