//! `aftershock ingest`, `processor` and `query`: one role in this process, given the addresses of log and tables.

use std::io::Write;

use service::credentials::Keyring;
use service::http::Tls;
use service::shutdown::{Shutdown, signals};
use tokio::net::TcpListener;

use crate::descriptors;
use crate::pages;
use crate::permissions;
use crate::settings::Settings;
use crate::standalone::bind;

/// The roles that need nothing but addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Ingest,
    Processor,
    Query,
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
    #[error(transparent)]
    Ingest(#[from] ingest::Error),
    #[error(transparent)]
    Processor(#[from] processor::Error),
    #[error(transparent)]
    Query(#[from] query::Error),
}

impl Role {
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

    fn listen(self, settings: &Settings) -> String {
        match self {
            Role::Ingest => settings.ingest.listen.to_string(),
            Role::Processor => settings.processor.listen.to_string(),
            Role::Query => settings.query.listen.to_string(),
        }
    }

    /// What its address begins with.
    fn scheme(self, settings: &Settings) -> &'static str {
        match self {
            Role::Ingest => scheme(settings.ingest.tls.as_ref()),
            Role::Processor => scheme(None),
            Role::Query => scheme(settings.query.tls.as_ref()),
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
pub async fn run(role: Role, settings: Settings) -> Result<(), Error> {
    let (trigger, shutdown) = Shutdown::new();
    tokio::spawn(signals(trigger));
    descriptors::raise_limit();
    pages::keep_freed();
    let kafka = permissions::log_of(role, &log(&settings)?);
    let keyring = || -> Result<Keyring, Error> {
        let keyring = Keyring::open(&settings.credentials)?;
        tokio::spawn(keyring.clone().follow_hangups(shutdown.clone()));
        Ok(keyring)
    };
    match role {
        Role::Ingest => {
            let keyring = keyring()?;
            let listener = listen(role, &settings).await?;
            ingest::run(settings.ingest, kafka, keyring, listener, shutdown).await?;
        }
        Role::Processor => {
            let tables = tables(&settings)?;
            let listener = listen(role, &settings).await?;
            processor::run(settings.processor, kafka, tables, listener, shutdown).await?;
        }
        Role::Query => {
            let (tables, keyring) = (tables(&settings)?, keyring()?);
            let listener = listen(role, &settings).await?;
            query::run(settings.query, kafka, tables, keyring, listener, shutdown).await?;
        }
    }
    Ok(())
}

/// Takes the port and says on stdout which, for whoever asked for port 0.
async fn listen(role: Role, settings: &Settings) -> Result<TcpListener, Error> {
    let listener = bind(role.name(), &role.listen(settings)).await?;
    let address = listener.local_addr().map_err(Error::Address)?;
    let line = serde_json::json!({ role.name(): format!("{}://{address}", role.scheme(settings)) });
    // Nobody may be reading; that is no reason to stop.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
    Ok(listener)
}
