//! `aftershock broker` and `aftershock engine`: the embedded engines as processes of their own.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use service::shutdown::{Shutdown, signals};
use tokio::net::TcpListener;

use crate::standalone::{Hello, bind, lifeline};
use crate::{broker, engine, pages, standalone};

/// What both take.
#[derive(Clone, Debug, clap::Args)]
pub struct Place {
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

/// What the engine takes besides; passwords come by the environment.
#[derive(Clone, Debug, clap::Args)]
pub struct EngineArguments {
    #[command(flatten)]
    pub place: Place,
    /// The engine's library, libchdb.so
    #[arg(long, value_name = "FILE")]
    pub library: PathBuf,
}

/// Why an embedded engine does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Listen(#[from] standalone::Error),
    #[error("the address it listens on is unknown: {0}")]
    Address(#[source] std::io::Error),
    #[error(transparent)]
    Broker(#[from] broker::Error),
    #[error(transparent)]
    Engine(#[from] engine::Error),
}

/// Runs the broker until it is asked to finish.
///
/// # Errors
/// It cannot listen, or its files cannot be used.
pub async fn broker(place: Place) -> Result<(), Error> {
    let (listener, address, shutdown) = begin("broker", &place).await?;
    broker::run(broker::Config::new(address, place.dir), listener, async move { shutdown.triggered().await }).await?;
    Ok(())
}

/// Runs the engine until it is asked to finish. Its accounts are `AFTERSHOCK_ENGINE_USER`, `…_PASSWORD`, `…_READ_USER` and
/// `…_READ_PASSWORD` of the environment.
///
/// # Errors
/// It cannot listen, or the library or its files cannot be used.
pub async fn engine(arguments: EngineArguments) -> Result<(), Error> {
    let EngineArguments { place, library } = arguments;
    let (listener, _, shutdown) = begin("engine", &place).await?;
    let plain = engine::Config::new(place.dir, library);
    let variable = |name: &str| std::env::var(format!("AFTERSHOCK_ENGINE_{name}")).unwrap_or_default();
    let config = engine::Config {
        user: std::env::var("AFTERSHOCK_ENGINE_USER").unwrap_or(plain.user),
        password: variable("PASSWORD"),
        read_user: variable("READ_USER"),
        read_password: variable("READ_PASSWORD"),
        ..plain
    };
    engine::run(config, listener, async move { shutdown.triggered().await }).await?;
    engine::leave()
}

/// Keeps memory small, takes the port, says which, and begins to watch for the end.
async fn begin(name: &'static str, place: &Place) -> Result<(TcpListener, SocketAddr, Shutdown), Error> {
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
