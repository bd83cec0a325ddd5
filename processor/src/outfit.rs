//! What workers are given.

use crate::Config;
use crate::bound::Errand;
use crate::dead_letter::DeadLetters;

/// What a worker works with besides its partition.
#[derive(Clone)]
pub struct Outfit {
    pub config: Config,
    pub tables: service::clickhouse::Config,
    pub duty: Duty,
}

/// What a worker is there for.
#[derive(Clone)]
pub enum Duty {
    /// To follow the log without end; what cannot be read leaves as a dead letter.
    Follow(DeadLetters),
    /// To fold again what was folded before, up to an end. The dead letters of it are in the log already.
    Replay(Errand),
}
