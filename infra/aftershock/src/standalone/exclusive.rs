//! The tables of a data folder, and the log where it is needed too, without anything that uses them, for as long as a command needs them.

use super::engines::Engines;
use super::error::Error;
use super::lock;
use crate::settings::Settings;
use service::{clickhouse, kafka};
use std::fs::File;

/// The engine, perhaps with the broker, started for a command. No standalone can start on the folder meanwhile.
pub struct ExclusiveEngines {
    engines: Engines,
    _lock: File,
}

impl ExclusiveEngines {
    /// Takes the folder and starts the engine on it.
    ///
    /// # Errors
    /// A standalone runs on the folder, or the engine does not start.
    pub async fn start(settings: &Settings) -> Result<Self, Error> {
        let lock = lock::take(&settings.data.dir)?;
        Ok(Self { engines: Engines::tables(settings).await?, _lock: lock })
    }

    /// Takes the folder and starts what of engine and broker is embedded.
    ///
    /// # Errors
    /// A standalone runs on the folder, or one of them does not start.
    pub async fn with_log(settings: &Settings) -> Result<Self, Error> {
        let lock = lock::take(&settings.data.dir)?;
        Ok(Self { engines: Engines::start(settings).await?, _lock: lock })
    }

    /// Where the log is, with the account that may do everything.
    pub fn kafka(&self) -> &kafka::Config {
        &self.engines.kafka
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
