//! Where `suggest` and `link` find the tables and the log. What they read and state of issues goes through `query::issue`.

use crate::settings::Settings;
use crate::standalone::Running;
use query::issue::IssueReader;
use service::clickhouse::Config;
use service::config::Secret;
use service::kafka;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("nothing runs on {0}: start it with `aftershock standalone --data {0}`, or set clickhouse.url and kafka.brokers")]
    NotRunning(String),
    #[error("cannot read {file}: {source}")]
    Unreadable { file: String, source: std::io::Error },
    #[error(transparent)]
    Query(#[from] query::Error),
    #[error(transparent)]
    Group(#[from] crate::group::Error),
    #[error(transparent)]
    Pipe(#[from] std::io::Error),
}

/// Where log and tables are.
pub struct Engines {
    pub tables: Config,
    pub log: kafka::Config,
}

impl Engines {
    /// Those of the configuration, and where it names none those of the standalone that runs on the data folder.
    ///
    /// # Errors
    /// Nothing runs there.
    pub fn find(settings: &Settings) -> Result<Self, Error> {
        let mut found = Self { tables: settings.clickhouse.clone(), log: settings.kafka.clone() };
        if !settings.embeds_tables() && !settings.embeds_log() {
            return Ok(found);
        }
        let dir = settings.data.dir.display().to_string();
        let running = Running::read(&settings.data.dir).map_err(|source| Error::Unreadable { file: dir.clone(), source })?;
        let running = running.ok_or(Error::NotRunning(dir))?;
        if settings.embeds_tables() {
            found.tables.url = running.ready.clickhouse;
            found.tables.user = running.clickhouse_user;
            found.tables.password = Secret::new(running.clickhouse_password);
            found.tables.read_user = running.clickhouse_read_user;
            found.tables.read_password = Secret::new(running.clickhouse_read_password);
        }
        if settings.embeds_log() {
            found.log.brokers = running.ready.kafka;
        }
        Ok(found)
    }

    /// What is read of issues there.
    pub fn reader(&self) -> IssueReader {
        IssueReader::new(&self.tables)
    }

    /// The app that is named, or all that have reports.
    ///
    /// # Errors
    /// The tables give no answer.
    pub async fn apps(&self, named: Option<&str>) -> Result<Vec<String>, Error> {
        match named {
            Some(app) => Ok(vec![app.to_owned()]),
            None => Ok(self.reader().apps().await?),
        }
    }
}
