//! The three roles of a service: their names, their ports, and the addresses that they need.

use crate::settings::Settings;
use service::http::Tls;

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

/// The configuration lacks an address that a role needs when it runs by itself.
#[derive(Debug, thiserror::Error)]
#[error("[{section}] {key} is missing in the configuration: a role by itself must be told {what} (standalone brings its own)")]
pub struct NoAddress {
    section: &'static str,
    key: &'static str,
    what: &'static str,
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
    pub fn addressed(self, settings: &Settings) -> Result<(), NoAddress> {
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
pub fn log(settings: &Settings) -> Result<service::kafka::Config, NoAddress> {
    if settings.embeds_log() {
        return Err(NoAddress { section: "kafka", key: "brokers", what: "where the log is" });
    }
    Ok(settings.kafka.clone())
}

/// Where the tables are.
///
/// # Errors
/// The configuration does not say.
pub fn tables(settings: &Settings) -> Result<service::clickhouse::Config, NoAddress> {
    if settings.embeds_tables() {
        return Err(NoAddress { section: "clickhouse", key: "url", what: "where the tables are" });
    }
    Ok(settings.clickhouse.clone())
}
