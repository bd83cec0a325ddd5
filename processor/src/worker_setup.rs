//! The setup that all workers of a process share.

use crate::Config;
use crate::dead_letter::DeadLetters;
use crate::error::Error;
use crate::memory_budget::MemoryBudget;
use crate::project::Rules;
use crate::range::ReplayRanges;
use std::sync::Arc;

/// Configuration, tables, rules and mode of the workers of a process.
#[derive(Clone)]
pub struct WorkerSetup {
    pub config: Config,
    pub tables: service::clickhouse::Config,
    pub mode: Mode,
    pub rules: Arc<Rules>,
    /// Shared by all workers.
    pub budget: MemoryBudget,
}

impl WorkerSetup {
    /// A setup with the rules of `config` compiled.
    ///
    /// # Errors
    /// The rules cannot be used.
    pub fn new(config: Config, tables: service::clickhouse::Config, mode: Mode) -> Result<Self, Error> {
        let rules = Rules::new(&config.grouping).map_err(|wrong| Error::Grouping(wrong.join("; ")))?;
        Ok(Self { config, tables, mode, rules: Arc::new(rules), budget: MemoryBudget::default() })
    }
}

/// What workers do.
#[derive(Clone)]
pub enum Mode {
    /// Follow the log without end, and write dead letters.
    Follow(DeadLetters),
    /// Fold ranges of the log again. Their dead letters are in the log already.
    Replay(ReplayRanges),
}
