//! All topics of the broker: found by name or id, made, grown, configured and deleted, one change at a time.

use crate::storage::LogSettings;
use crate::storage::partition::Partition;
use crate::topic::{self, Description, Overrides, Topic};
use crate::{clock, disk};
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::Semaphore;

/// Partitions that sync at the same time.
const PARALLEL_SYNCS: usize = 16;
/// Threads that open logs at start.
const OPENING_THREADS: usize = 4;

/// Why a change of topics is refused.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// There is a topic of that name.
    #[error("Topic '{0}' already exists.")]
    Exists(String),
    /// There is none.
    #[error("This server does not host this topic-partition.")]
    Unknown,
    /// The name cannot be one.
    #[error("Topic name is invalid: '{0}'")]
    Name(String),
    /// Too few or too many partitions, or fewer than there are.
    #[error("{0}")]
    Partitions(String),
    /// A configuration key or value is wrong.
    #[error("{0}")]
    Config(String),
    /// The disk refused.
    #[error("{0}")]
    Storage(#[from] io::Error),
}

/// The topics.
#[derive(Debug)]
pub struct Catalog {
    dir: PathBuf,
    max_partitions: i32,
    topics: RwLock<HashMap<String, Arc<Topic>>>,
    change: Mutex<()>,
    syncs: Arc<Semaphore>,
}

impl Catalog {
    /// Opens all topics below `dir` and sweeps away what was half made or half deleted. Blocks.
    pub fn open(dir: &Path, max_partitions: i32) -> io::Result<Catalog> {
        disk::create_dir(dir)?;
        let catalog = Catalog {
            dir: dir.to_owned(),
            max_partitions,
            topics: RwLock::default(),
            change: Mutex::default(),
            syncs: Arc::new(Semaphore::new(PARALLEL_SYNCS)),
        };
        let mut found = Vec::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            match Description::read(&path)? {
                Some(description) => found.push((path, description)),
                None => remove_tree(&path)?,
            }
        }
        for (path, description) in found {
            let topic = catalog.open_topic(path, description)?;
            catalog.write().insert(topic.name.clone(), Arc::new(topic));
        }
        Ok(catalog)
    }

    fn open_topic(&self, dir: PathBuf, description: Description) -> io::Result<Topic> {
        let settings = topic::resolve(&description.overrides).map_err(|cause| io::Error::new(io::ErrorKind::InvalidData, cause))?;
        let partitions = self.open_partitions(&dir, 0..description.partitions, &Arc::new(settings))?;
        Ok(Topic::new(dir, description, partitions))
    }

    /// Opens partitions, some at a time: a log is read through from its last segment on.
    fn open_partitions(&self, dir: &Path, indexes: std::ops::Range<i32>, settings: &Arc<LogSettings>) -> io::Result<Vec<Arc<Partition>>> {
        let indexes: Vec<i32> = indexes.collect();
        let mut opened = Vec::with_capacity(indexes.len());
        for some in indexes.chunks(OPENING_THREADS) {
            let results: Vec<io::Result<Arc<Partition>>> = std::thread::scope(|scope| {
                let open = |index: &i32| {
                    let dir = dir.join(index.to_string());
                    scope.spawn(move || {
                        disk::create_dir(&dir)?;
                        Partition::open(&dir, settings.clone(), self.syncs.clone(), clock::now())
                    })
                };
                let threads: Vec<_> = some.iter().map(open).collect();
                let lost = |_| Err(io::Error::other("a thread that opened a log ended"));
                threads.into_iter().map(|thread| thread.join().unwrap_or_else(lost)).collect()
            });
            for result in results {
                opened.push(result?);
            }
        }
        Ok(opened)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<String, Arc<Topic>>> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<String, Arc<Topic>>> {
        self.topics.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The topic of a name.
    pub fn by_name(&self, name: &str) -> Option<Arc<Topic>> {
        self.read().get(name).cloned()
    }

    /// The topic of an id.
    pub fn by_id(&self, id: u128) -> Option<Arc<Topic>> {
        self.read().values().find(|topic| topic.id == id).cloned()
    }

    /// All topics, by name.
    pub fn all(&self) -> Vec<Arc<Topic>> {
        let mut topics: Vec<_> = self.read().values().cloned().collect();
        topics.sort_by(|one, other| one.name.cmp(&other.name));
        topics
    }

    /// Whether a topic could be made so; its settings if so.
    pub fn check(&self, name: &str, partitions: i32, overrides: &Overrides) -> Result<LogSettings, CatalogError> {
        if !topic::is_valid_name(name) {
            return Err(CatalogError::Name(name.to_owned()));
        }
        if self.by_name(name).is_some() {
            return Err(CatalogError::Exists(name.to_owned()));
        }
        self.check_count(partitions)?;
        topic::resolve(overrides).map_err(CatalogError::Config)
    }

    fn check_count(&self, more: i32) -> Result<(), CatalogError> {
        if more < 1 {
            return Err(CatalogError::Partitions("Number of partitions must be larger than 0.".to_owned()));
        }
        let present: i32 = self.read().values().map(|topic| topic.count()).sum();
        if present.saturating_add(more) > self.max_partitions {
            return Err(CatalogError::Partitions(format!("This broker keeps at most {} partitions.", self.max_partitions)));
        }
        Ok(())
    }

    /// Makes a topic, durably. Blocks.
    pub fn create(&self, name: &str, partitions: i32, overrides: Overrides) -> Result<Arc<Topic>, CatalogError> {
        let _one_at_a_time = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = self.check(name, partitions, &overrides)?;
        let description = Description { name: name.to_owned(), id: rand::random(), partitions, overrides };
        let dir = self.dir.join(format!("{:032x}", description.id));
        disk::create_dir(&dir)?;
        let opened = self.open_partitions(&dir, 0..partitions, &Arc::new(settings))?;
        description.write(&dir)?;
        let topic = Arc::new(Topic::new(dir, description, opened));
        self.write().insert(name.to_owned(), topic.clone());
        tracing::info!(topic = name, topic.partitions = partitions, "made a topic");
        Ok(topic)
    }

    /// Gives a topic more partitions, durably; `dry` only checks. Blocks.
    pub fn grow(&self, name: &str, count: i32, dry: bool) -> Result<(), CatalogError> {
        let _one_at_a_time = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let topic = self.by_name(name).ok_or(CatalogError::Unknown)?;
        let present = topic.count();
        if count <= present {
            let cause = format!("The topic {name} currently has {present} partition(s); {count} would not be an increase.");
            return Err(CatalogError::Partitions(cause));
        }
        self.check_count(count - present)?;
        let settings = topic::resolve(&topic.overrides()).map_err(CatalogError::Config)?;
        if dry {
            return Ok(());
        }
        let opened = self.open_partitions(&topic.dir, present..count, &Arc::new(settings))?;
        Description { partitions: count, ..topic.description() }.write(&topic.dir)?;
        topic.grow(opened);
        Ok(())
    }

    /// Changes a topic's configuration, durably; `dry` only checks. Blocks.
    pub fn configure(&self, name: &str, dry: bool, change: impl FnOnce(&mut Overrides) -> Result<(), String>) -> Result<(), CatalogError> {
        let _one_at_a_time = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let topic = self.by_name(name).ok_or(CatalogError::Unknown)?;
        let mut overrides = topic.overrides();
        change(&mut overrides).map_err(CatalogError::Config)?;
        let settings = topic::resolve(&overrides).map_err(CatalogError::Config)?;
        if !dry {
            Description { overrides: overrides.clone(), ..topic.description() }.write(&topic.dir)?;
            topic.configure(overrides, settings);
        }
        Ok(())
    }

    /// Deletes a topic. Once its description is gone it stays deleted, whatever happens. Blocks.
    pub fn delete(&self, topic: &Topic) -> Result<(), CatalogError> {
        let _one_at_a_time = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        if self.by_id(topic.id).is_none() {
            return Err(CatalogError::Unknown);
        }
        fs::remove_file(topic::file(&topic.dir))?;
        disk::sync_dir(&topic.dir)?;
        self.write().remove(&topic.name);
        for partition in topic.partitions() {
            partition.close();
        }
        tracing::info!(topic = topic.name, "deleted a topic");
        if let Err(error) = remove_tree(&topic.dir) {
            tracing::warn!(error = %error, "files of a deleted topic are left for the next start");
        }
        Ok(())
    }

    /// Every partition of every topic.
    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        self.all().iter().flat_map(|topic| topic.partitions()).collect()
    }
}

fn remove_tree(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { disk::remove(path) }
}
