//! The embedded log: a single-node broker that speaks the Kafka protocol.
//!
//! It serves one machine. An acknowledgement means that the record is on disk; whatever kills the process, the next
//! start finds everything acknowledged once and in order. There is no replication and there are no transactions:
//! who needs them points `kafka.brokers` at Apache Kafka, and nothing else changes.
//!
//! ```text
//! server (connections) → route (which request) → api/* (one file per family)
//!     → catalog, topic → storage/partition → storage (segments on disk)
//!     → coordinator, group, member (consumer groups) → offsets → journal
//! ```
//!
//! Start reading at [`run`], then `route.rs`. Invariants: who has not shown by SCRAM whose account it is may ask for the
//! versions and nothing else (`access.rs` says what an account may do); nothing is acknowledged or readable before it is synced;
//! a client's claim of a length or a count is checked before memory is given for it.

mod access;
mod accounts;
mod admission;
mod api;
mod buffers;
mod call;
mod catalog;
mod clock;
mod coordinator;
mod disk;
#[cfg(test)]
mod fuzz;
mod group;
mod member;
mod node;
mod offset_journal;
mod offsets;
mod producer_id;
mod route;
mod scram;
mod server;
mod shape;
mod storage;
mod topic;
mod unread;
mod walk;

pub use access::{ANY, Account, Grant, Operation, Resource};

use node::Node;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How the broker runs. `Config::new` gives what suits one machine.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens; the command line's business, [`run`] is given a listener.
    pub listen: SocketAddr,
    /// What clients are told to connect to; none = the address they came to.
    pub advertised: Option<(String, u16)>,
    /// Where its files are.
    pub dir: PathBuf,
    /// Who may come in, and what each may do. None = nobody.
    pub accounts: Vec<Account>,
    /// Partitions of a topic whose maker does not say.
    pub default_partitions: i32,
    /// Whether asking for a topic makes it.
    pub auto_create: bool,
    /// Partitions of all topics together.
    pub max_partitions: i32,
    /// Connections of accounts at the same time; more are closed.
    pub max_connections: usize,
    /// Connections before authentication; where there are more, the oldest is closed.
    pub max_unauthenticated: usize,
    /// How long a connection may take to authenticate.
    pub authentication: Duration,
    /// A connection that is silent for longer is closed.
    pub idle_timeout: Duration,
    /// Greatest request, bytes.
    pub max_request_bytes: usize,
    /// Requests in memory at the same time, bytes; more wait in their sockets.
    pub request_memory: usize,
    /// Greatest answer to a fetch, bytes; a single batch may be larger.
    pub max_fetch_bytes: usize,
    /// Records on their way from the files to consumers, bytes; more wait.
    pub fetch_memory: usize,
    /// Shortest session of a group member.
    pub min_session: Duration,
    /// Longest session of a group member.
    pub max_session: Duration,
    /// How long an empty group waits for more members before its first generation.
    pub initial_rebalance_delay: Duration,
    /// Greatest metadata of a commit, bytes.
    pub max_commit_metadata: usize,
    /// How often retention is looked after.
    pub housekeeping: Duration,
    /// An idempotent producer that is silent for longer is forgotten.
    pub producer_expiry: Duration,
    /// How long a stop waits for requests under way.
    pub drain: Duration,
}

impl Config {
    /// A broker that listens on `listen` and keeps its files in `dir`.
    pub fn new(listen: SocketAddr, dir: PathBuf) -> Config {
        const MIB: usize = 1024 * 1024;
        Config {
            listen,
            advertised: None,
            dir,
            accounts: Vec::new(),
            default_partitions: 4,
            auto_create: false,
            max_partitions: 4_096,
            max_connections: 16_384,
            max_unauthenticated: 1_024,
            authentication: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(600),
            max_request_bytes: 32 * MIB,
            request_memory: 64 * MIB,
            max_fetch_bytes: 8 * MIB,
            fetch_memory: 32 * MIB,
            min_session: Duration::from_secs(6),
            max_session: Duration::from_secs(1_800),
            initial_rebalance_delay: Duration::from_millis(50),
            max_commit_metadata: 4_096,
            housekeeping: Duration::from_secs(30),
            producer_expiry: Duration::from_secs(7 * 86_400),
            drain: Duration::from_secs(5),
        }
    }
}

/// Why the broker cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Two brokers on one directory would destroy each other's files.
    #[error("another broker uses {0}")]
    Locked(PathBuf),
    /// The files cannot be opened or written.
    #[error("data directory {dir}: {cause}")]
    Storage {
        /// Which directory.
        dir: PathBuf,
        /// What went wrong.
        cause: io::Error,
    },
    /// The listener failed.
    #[error("listener: {0}")]
    Listener(#[source] io::Error),
    /// A task of the broker ended that must not.
    #[error("a task of the broker ended: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Serves until `shutdown` completes, then finishes what is under way, syncs and returns.
///
/// It needs a multi-threaded runtime. What a former process left behind, it recovers by itself.
pub async fn run(config: Config, listener: TcpListener, shutdown: impl Future<Output = ()> + Send) -> Result<(), Error> {
    service::descriptors::raise_limit();
    let (node, journal_task) = Node::open(Arc::new(config)).await?;
    let groups = tokio::spawn(node.groups.clone().watch());
    let housekeeping = tokio::spawn(node::housekeeping_loop(node.clone()));
    tracing::info!(kafka.topics = node.catalog.all().len(), "the log is open");
    let served = server::serve(&node, listener, shutdown).await;
    groups.abort();
    let _ = groups.await;
    housekeeping.await?;
    let partitions = node.catalog.partitions();
    tokio::task::spawn_blocking(move || partitions.iter().for_each(|partition| partition.finish())).await?;
    drop(node);
    journal_task.await?;
    served
}
