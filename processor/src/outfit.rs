//! What workers are given.

use std::sync::Arc;

use crate::Config;
use crate::bound::Errand;
use crate::budget::Budget;
use crate::dead_letter::DeadLetters;
use crate::error::Error;
use crate::project::Rules;

/// What a worker works with besides its partition.
#[derive(Clone)]
pub struct Outfit {
    pub config: Config,
    pub tables: service::clickhouse::Config,
    pub duty: Duty,
    pub rules: Arc<Rules>,
    /// Shared with the workers of all other partitions.
    pub budget: Budget,
}

impl Outfit {
    /// Everything, with the rules of `config` compiled.
    ///
    /// # Errors
    /// Rules that cannot be used.
    pub fn new(config: Config, tables: service::clickhouse::Config, duty: Duty) -> Result<Self, Error> {
        let rules = Rules::new(&config.grouping).map_err(|wrong| Error::Grouping(wrong.join("; ")))?;
        Ok(Self { config, tables, duty, rules: Arc::new(rules), budget: Budget::default() })
    }
}

/// What a worker is there for.
#[derive(Clone)]
pub enum Duty {
    /// To follow the log without end; what cannot be read leaves as a dead letter.
    Follow(DeadLetters),
    /// To fold again what was folded before, up to an end. The dead letters of it are in the log already.
    Replay(Errand),
}
