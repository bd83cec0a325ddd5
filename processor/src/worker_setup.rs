//! What workers are given.

use std::sync::Arc;

use crate::Config;
use crate::dead_letter::DeadLetters;
use crate::error::Error;
use crate::memory_budget::MemoryBudget;
use crate::project::Rules;
use crate::range::ReplayRanges;

/// What a worker works with besides its partition.
#[derive(Clone)]
pub struct WorkerSetup {
    pub config: Config,
    pub tables: service::clickhouse::Config,
    pub mode: Mode,
    pub rules: Arc<Rules>,
    /// Shared with the workers of all other partitions.
    pub budget: MemoryBudget,
}

impl WorkerSetup {
    /// Everything, with the rules of `config` compiled.
    ///
    /// # Errors
    /// Rules that cannot be used.
    pub fn new(config: Config, tables: service::clickhouse::Config, mode: Mode) -> Result<Self, Error> {
        let rules = Rules::new(&config.grouping).map_err(|wrong| Error::Grouping(wrong.join("; ")))?;
        Ok(Self { config, tables, mode, rules: Arc::new(rules), budget: MemoryBudget::default() })
    }
}

/// What a worker is there for.
#[derive(Clone)]
pub enum Mode {
    /// To follow the log without end; what cannot be read leaves as a dead letter.
    Follow(DeadLetters),
    /// To fold again what was folded before, up to an end. The dead letters of it are in the log already.
    Replay(ReplayRanges),
}
