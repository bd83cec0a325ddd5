//! `aftershock broker` and `aftershock engine`: the embedded engines as processes of their own.

use crate::listen::{ListenError, bind};
use crate::pages;
use crate::permissions::OPERATOR;
use crate::standalone::{Hello, lifeline};
use embedded_engine as engine;
use embedded_log::{self as broker, Account};
use service::config::Secret;
use service::shutdown::{Shutdown, signals};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::net::TcpListener;

/// The variable by which standalone hands the broker its accounts, as JSON.
pub const BROKER_ACCOUNTS: &str = "AFTERSHOCK_BROKER_ACCOUNTS";

/// Arguments of both.
#[derive(Clone, Debug, clap::Args)]
pub struct ProcessArguments {
    /// Folder of its files; made if absent
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    pub listen: String,
    /// Live and die with the process at the other end of stdin
    #[arg(long)]
    pub attached: bool,
}

/// Arguments of the engine; passwords come by the environment.
#[derive(Clone, Debug, clap::Args)]
pub struct EngineArguments {
    #[command(flatten)]
    pub place: ProcessArguments,
    /// The engine's library, libchdb.so
    #[arg(long, value_name = "FILE")]
    pub library: PathBuf,
}

/// Why an embedded engine does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("the address it listens on is unknown: {0}")]
    Address(#[source] std::io::Error),
    #[error("{0} is not set: without a password anybody on this machine could read and change everything")]
    NoPassword(&'static str),
    #[error("{BROKER_ACCOUNTS} holds no accounts: {0}")]
    Accounts(#[source] serde_json::Error),
    #[error(transparent)]
    Broker(#[from] broker::Error),
    #[error(transparent)]
    Engine(#[from] engine::Error),
}

/// Runs the broker until it is asked to finish. Its one account is `AFTERSHOCK_BROKER_USER` (`aftershock` unless told) with
/// `AFTERSHOCK_BROKER_PASSWORD` of the environment; standalone hands it several.
///
/// # Errors
/// There is no password, it cannot listen, or its files cannot be used.
pub async fn broker(place: ProcessArguments) -> Result<(), Error> {
    let accounts = broker_accounts()?;
    let (listener, address, shutdown) = begin("broker", &place).await?;
    let config = broker::Config { accounts, ..broker::Config::new(address, place.dir) };
    broker::run(config, listener, async move { shutdown.triggered().await }).await?;
    Ok(())
}

fn broker_accounts() -> Result<Vec<Account>, Error> {
    if let Ok(accounts) = std::env::var(BROKER_ACCOUNTS) {
        return serde_json::from_str(&accounts).map_err(Error::Accounts);
    }
    let user = std::env::var("AFTERSHOCK_BROKER_USER").unwrap_or_else(|_| OPERATOR.to_owned());
    Ok(vec![Account::operator(&user, Secret::new(password("AFTERSHOCK_BROKER_PASSWORD")?))])
}

/// A password by the environment: arguments are seen by every user of the machine.
fn password(variable: &'static str) -> Result<String, Error> {
    std::env::var(variable).ok().filter(|password| !password.is_empty()).ok_or(Error::NoPassword(variable))
}

/// Runs the engine until it is asked to finish. Its accounts are `AFTERSHOCK_ENGINE_USER`, `…_PASSWORD`, `…_READ_USER` and
/// `…_READ_PASSWORD` of the environment.
///
/// # Errors
/// There is no password, it cannot listen, or the library or its files cannot be used.
pub async fn engine(arguments: EngineArguments) -> Result<(), Error> {
    let EngineArguments { place, library } = arguments;
    let writer = password("AFTERSHOCK_ENGINE_PASSWORD")?;
    let read_user = std::env::var("AFTERSHOCK_ENGINE_READ_USER").unwrap_or_default();
    let read_password = if read_user.is_empty() { String::new() } else { password("AFTERSHOCK_ENGINE_READ_PASSWORD")? };
    let (listener, _, shutdown) = begin("engine", &place).await?;
    let plain = engine::Config::new(place.dir, library);
    let config = engine::Config {
        user: std::env::var("AFTERSHOCK_ENGINE_USER").unwrap_or(plain.user),
        password: writer,
        read_user,
        read_password,
        ..plain
    };
    engine::run(config, listener, async move { shutdown.triggered().await }).await?;
    engine::leave()
}

/// Keeps memory small, takes the port, says which, and begins to watch for the end.
async fn begin(name: &'static str, place: &ProcessArguments) -> Result<(TcpListener, SocketAddr, Shutdown), Error> {
    pages::keep_small();
    let (trigger, shutdown) = Shutdown::new();
    if place.attached {
        lifeline::attach(trigger.clone());
    }
    signals(trigger);
    let listener = bind(name, &place.listen).await?;
    let address = listener.local_addr().map_err(Error::Address)?;
    let line = serde_json::to_string(&Hello { listen: address }).map_err(|error| Error::Address(error.into()))?;
    // Nobody may be reading; that is no reason to stop.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
    Ok((listener, address, shutdown))
}
