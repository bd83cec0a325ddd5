//! `aftershock ingest`, `processor` and `query`: one role in this process, given the addresses of log and tables.

use crate::listen::{ListenError, bind};
use crate::role::{NoAddress, Role, log, tables};
use crate::settings::Settings;
use crate::standalone::{Handover, Hello, Sockets, lifeline};
use crate::{pages, permissions};
use service::credentials::Keyring;
use service::descriptors;
use service::http::Listeners;
use service::shutdown::{Shutdown, Trigger, signals};
use std::io::Write;
use tokio::net::TcpListener;

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
    #[error(transparent)]
    NoAddress(#[from] NoAddress),
    #[error(transparent)]
    Credentials(#[from] service::credentials::Error),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("[clickhouse] {0}")]
    Tables(#[source] service::clickhouse::AddressError),
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
            let tables = checked_tables(&settings)?;
            let [listener] = exactly(role, listen(role, &settings, sockets).await?)?;
            processor::run(settings.processor, kafka, tables, listener, shutdown).await?;
        }
        Role::Query => {
            let (tables, keyring) = (checked_tables(&settings)?, keyring()?);
            let listeners = both(role, listen(role, &settings, sockets).await?)?;
            query::run(settings.query, kafka, tables, keyring, listeners, shutdown).await?;
        }
    }
    Ok(())
}

/// Where the tables are, with certificate authorities that can be read.
fn checked_tables(settings: &Settings) -> Result<service::clickhouse::Config, Error> {
    let tables = tables(settings)?;
    tables.check().map_err(Error::Tables)?;
    Ok(tables)
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
