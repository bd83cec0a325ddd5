//! The embedded ClickHouse: `libchdb` behind ClickHouse's HTTP interface, on one data directory.
//!
//! Run as a process of its own, so that a fault or the memory limit of the engine takes nothing else with it. All others
//! reach it by URL, as they would a server: [`run()`] serves what the `clickhouse` crate, `curl` and other clients expect.
//!
//! Where to start: [`http`] answers requests, [`execute`] carries one statement from its text to its reply, [`library`] is
//! the C interface. Invariants: a statement has a session of its own, so settings never leak; an insert's blocks are cut
//! by the engine and never by the chunks of its body, so one insert is one part; a body that breaks off inserts nothing.

mod admission;
mod body;
mod compression;
mod configuration;
mod encoding;
mod escapes;
mod exception;
mod execute;
mod format;
#[cfg(test)]
mod fuzz;
mod http;
mod kill;
mod library;
mod multipart;
mod progress;
mod reply;
mod request;
mod restriction;
mod run;
mod running;
mod sampling;
mod session;
mod statement;
mod store;
mod token;
mod user;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The release of the library that this code is made for, as its package calls it.
pub const VERSION: &str = "26.7.3-stable.1";

/// What the engine is given.
#[derive(Clone)]
pub struct Config {
    /// Folder of the tables; made if absent. One process at a time.
    pub dir: PathBuf,
    /// The library, `libchdb.so`.
    pub library: PathBuf,
    /// The account that may do everything.
    pub user: String,
    pub password: String,
    /// The account that may only read; an empty name switches it off.
    pub read_user: String,
    pub read_password: String,
    /// Bytes of memory the engine may use; by default a quarter of the machine, within 1 and 8 GiB.
    pub memory: Option<u64>,
    /// Statements that run at the same time; a read-only account gets half of them.
    pub statements: usize,
    /// Statements that may wait for a place, and how long.
    pub waiting: usize,
    pub wait: Duration,
    /// Open connections of accounts. Those that have not named one are few, and the oldest of them gives way.
    pub connections: usize,
    /// A request's head must be there within this time.
    pub head_timeout: Duration,
    /// A request's body may pause, and a client may leave a reply unread, for this long.
    pub body_timeout: Duration,
    /// Time for what runs to end after the shutdown was asked for; then it is asked to stop.
    pub drain: Duration,
    /// What a read-only statement may take.
    pub read_limits: ReadLimits,
}

/// Bounds of one statement of the read-only account.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    pub time: Duration,
    /// Bytes of memory; at most what the engine has.
    pub memory: u64,
    /// Rows and bytes of the result.
    pub result_rows: u64,
    pub result_bytes: u64,
    /// Rows read from tables; 0 = no limit.
    pub rows: u64,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self { time: Duration::from_secs(30), memory: 1 << 30, result_rows: 1_000_000, result_bytes: 256 << 20, rows: 0 }
    }
}

impl Config {
    /// A configuration with the defaults: no read-only account, and `default` without a password, which is no way to serve anybody.
    pub fn new(dir: PathBuf, library: PathBuf) -> Self {
        Self {
            dir,
            library,
            user: "default".into(),
            password: String::new(),
            read_user: String::new(),
            read_password: String::new(),
            memory: None,
            statements: 32,
            waiting: 256,
            wait: Duration::from_secs(10),
            connections: 512,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(60),
            drain: Duration::from_secs(1),
            read_limits: ReadLimits::default(),
        }
    }
}

/// How long each step of closing may take: the last statements' ends, then the tables.
const CLOSING: Duration = Duration::from_secs(3);

/// Why the engine does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the engine library {0} is not there: run `make engine`, or set clickhouse.url to a server")]
    Missing(PathBuf),
    #[error("there is no embedded engine for this platform, only for Linux on x86-64: set clickhouse.url to a server")]
    Platform,
    #[error("the engine library {0} cannot be loaded: {1}; run `make engine` again, or set clickhouse.url to a server")]
    Load(PathBuf, #[source] libloading::Error),
    #[error("another process uses the engine's folder {0}")]
    InUse(PathBuf),
    #[error("the engine's folder {0} cannot be used: {1}")]
    Directory(PathBuf, #[source] std::io::Error),
    #[error("the engine does not open {0}; its reason is on stderr, above")]
    Refused(PathBuf),
    #[error("the engine does not answer: {0}")]
    Start(String),
    #[error("a task of the engine broke off: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Opens the data directory and serves it on `listener` until `shutdown`; then what runs is given `drain` to end.
///
/// One engine per process: after it has ended none can be started again.
pub async fn run(config: Config, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
    let opened = config.clone();
    let store = Arc::new(tokio::task::spawn_blocking(move || store::Store::open(&opened)).await??);
    tracing::info!(engine.version = store.version(), engine.release = store.release(), engine.memory = store.memory(), "engine is open");
    let service = Arc::new(execute::Service::new(config.clone(), store.clone()));
    http::serve(&config, listener, service.clone(), shutdown).await;
    if !service.drained(CLOSING).await {
        tracing::warn!("a statement does not stop, the engine is left as it is");
        return Ok(());
    }
    let (closed, done) = tokio::sync::oneshot::channel();
    // Every acknowledged row is on disk already: closing is a courtesy that may not hold up the end.
    std::thread::spawn(move || {
        store.close();
        closed.send(())
    });
    match tokio::time::timeout(CLOSING, done).await {
        Ok(_) => tracing::info!("engine is closed"),
        Err(_) => tracing::warn!("the tables do not close in time, they are left as they are"),
    }
    Ok(())
}

/// Where `make engine` puts the library: the cache folder of this user.
pub fn fetched_library() -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    cache.unwrap_or_default().join("aftershock/engine").join(VERSION).join("libchdb.so")
}

/// Says whether there can be an engine here: whether its library is there, and if not, what to do.
///
/// # Errors
/// The library was not fetched, or it does not exist for this platform.
pub fn look_for(library: &std::path::Path) -> Result<(), Error> {
    let known = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    match library.exists() {
        true => Ok(()),
        false if known => Err(Error::Missing(library.to_owned())),
        false => Err(Error::Platform),
    }
}

/// Ends the process without the library's destructors, which do not expect their threads to be alive still.
pub fn leave() -> ! {
    library::leave()
}
