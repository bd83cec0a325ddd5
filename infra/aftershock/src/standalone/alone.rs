//! The tables of a data folder without anything that uses them, for as long as a command needs them.

use std::fs::File;

use service::clickhouse;

use super::engines::Engines;
use super::{Error, lock};
use crate::settings::Settings;

/// The engine, started for a command. No standalone can start on the folder meanwhile.
pub struct Alone {
    engines: Engines,
    _lock: File,
}

impl Alone {
    /// Takes the folder and starts the engine on it.
    ///
    /// # Errors
    /// A standalone runs on the folder, or the engine does not start.
    pub async fn start(settings: &Settings) -> Result<Self, Error> {
        let lock = lock::take(&settings.data.dir)?;
        Ok(Self { engines: Engines::tables(settings).await?, _lock: lock })
    }

    /// Where the tables are, with the account that may write.
    pub fn clickhouse(&self) -> &clickhouse::Config {
        &self.engines.clickhouse
    }

    /// Closes the tables.
    pub async fn stop(self) {
        self.engines.stop().await;
    }
}
