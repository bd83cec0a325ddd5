//! The broker's parts, shared by all connections.

use crate::accounts::Accounts;
use crate::buffers::Buffers;
use crate::catalog::Catalog;
use crate::coordinator::{Coordinator, SessionLimits};
use crate::disk::{self, DirLock};
use crate::offset_journal::OffsetJournal;
use crate::offsets::OffsetStore;
use crate::producer_id::ProducerIds;
use crate::storage::partition::Upkeep;
use crate::unread::unread;
use crate::{Config, Error, clock};
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// The id of the one node there is.
pub const NODE_ID: i32 = 1;
/// Memory is counted in pieces of this many bytes.
const PIECE: usize = 1024;

/// The parts.
#[derive(Debug)]
pub struct Node {
    /// How it runs.
    pub config: Arc<Config>,
    /// Who may come in.
    pub accounts: Accounts,
    /// Random; clients tell clusters apart by it.
    pub cluster_id: String,
    /// The topics.
    pub catalog: Catalog,
    /// The consumer groups.
    pub groups: Arc<Coordinator>,
    /// Their committed offsets.
    pub offsets: OffsetStore,
    /// Ids for idempotent producers.
    pub producer_ids: ProducerIds,
    /// Memory for requests.
    pub request_memory: Arc<Semaphore>,
    /// Memory for answers to fetches.
    pub buffers: Buffers,
    /// Becomes true when the broker stops; what waits for something new is answered then.
    pub stopping: watch::Sender<bool>,
    _lock: DirLock,
}

impl Node {
    /// Opens everything in the data directory. Returns the task that writes the offsets, too: it ends after the node.
    pub async fn open(config: Arc<Config>) -> Result<(Arc<Node>, JoinHandle<()>), Error> {
        let opened = {
            let config = config.clone();
            tokio::task::spawn_blocking(move || Opened::open(&config)).await?
        };
        let dir = config.dir.clone();
        let opened = opened.map_err(|cause| Error::Storage { dir: dir.clone(), cause })?.ok_or(Error::Locked(dir))?;
        let (offsets, task) = OffsetStore::start(opened.journal);
        let groups = Coordinator::new(SessionLimits {
            session: config.min_session..=config.max_session,
            initial_delay: config.initial_rebalance_delay,
        });
        let node = Node {
            accounts: opened.accounts,
            cluster_id: opened.cluster_id,
            catalog: opened.catalog,
            groups,
            offsets,
            producer_ids: opened.producer_ids,
            request_memory: Arc::new(Semaphore::new(pieces(config.request_memory.max(config.max_request_bytes)) as usize)),
            buffers: Buffers::new(config.fetch_memory),
            config,
            stopping: watch::Sender::new(false),
            _lock: opened.lock,
        };
        Ok((Arc::new(node), task))
    }
}

/// How many pieces of memory so many bytes are.
pub fn pieces(bytes: usize) -> u32 {
    u32::try_from(bytes / PIECE + 1).unwrap_or(u32::MAX)
}

struct Opened {
    lock: DirLock,
    accounts: Accounts,
    cluster_id: String,
    catalog: Catalog,
    producer_ids: ProducerIds,
    journal: OffsetJournal,
}

impl Opened {
    fn open(config: &Config) -> io::Result<Option<Opened>> {
        let dir = &config.dir;
        disk::create_dir(dir)?;
        let Some(lock) = DirLock::take(dir)? else { return Ok(None) };
        Ok(Some(Opened {
            lock,
            accounts: Accounts::new(&config.accounts),
            cluster_id: cluster_id(&dir.join("cluster-id"))?,
            catalog: Catalog::open(&dir.join("topics"), config.max_partitions)?,
            producer_ids: ProducerIds::open(&dir.join("producer-ids"))?,
            journal: OffsetJournal::open(&dir.join("offsets"))?,
        }))
    }
}

fn cluster_id(path: &std::path::Path) -> io::Result<String> {
    let kept = disk::read_if_there(path)?.and_then(|bytes| String::from_utf8(bytes).ok());
    if let Some(id) = kept.filter(|id| !id.is_empty()) {
        return Ok(id);
    }
    let id = format!("{:032x}", rand::random::<u128>());
    disk::replace(path, id.as_bytes())?;
    Ok(id)
}

/// Looks after retention and compaction from time to time, until the broker stops.
pub async fn housekeeping_loop(node: Arc<Node>) {
    let started = Instant::now();
    let mut ticks = tokio::time::interval(node.config.housekeeping);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let expiry = i64::try_from(node.config.producer_expiry.as_millis()).unwrap_or(i64::MAX);
    let mut stopping = node.stopping.subscribe();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        let unread = unread(&node.groups, &node.offsets, started).await;
        let topics = node.catalog.all();
        let now = clock::now();
        let stop = node.stopping.subscribe();
        let tend = move || {
            for topic in topics {
                for (index, partition) in (0..).zip(topic.partitions()) {
                    let unread = unread.get(&(topic.id, index)).copied();
                    partition.tend(&Upkeep { now, silent_since: now.saturating_sub(expiry), unread }, &|| *stop.borrow());
                }
            }
        };
        if tokio::task::spawn_blocking(tend).await.is_err() {
            return;
        }
    }
}
