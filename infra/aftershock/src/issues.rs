//! What `suggest` and `link` read: issues as the tables have them, and what is stated about them already.

use query::alias::{Aliases, Fact};
use service::clickhouse::Config;
use service::config::Secret;
use service::kafka;

use crate::settings::Settings;
use crate::standalone::Running;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("nothing runs on {0}: start it with `aftershock standalone --data {0}`, or set clickhouse.url and kafka.brokers")]
    NotRunning(String),
    #[error("cannot read {file}: {source}")]
    Unreadable { file: String, source: std::io::Error },
    #[error(transparent)]
    Tables(#[from] service::clickhouse::Error),
    #[error(transparent)]
    Log(#[from] kafka::Error),
    #[error(transparent)]
    Record(#[from] schemas::record::Error),
    #[error("a row of the tables cannot be read: {0}")]
    Row(#[source] serde_json::Error),
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

    /// The apps that have reports, or the one that is named.
    ///
    /// # Errors
    /// The tables give no answer.
    pub async fn apps(&self, named: Option<&str>) -> Result<Vec<String>, Error> {
        if let Some(app) = named {
            return Ok(vec![app.to_owned()]);
        }
        let sql = "select distinct toString(app_id) as app from occurrences order by app";
        Ok(self.tables.reader().query_raw(sql).fetch_all().await.map_err(service::clickhouse::Error::from)?)
    }

    /// What is stated about the issues of an app and platform.
    ///
    /// # Errors
    /// The tables give no answer.
    pub async fn aliases(&self, app: &str, platform: u8) -> Result<Aliases, Error> {
        let sql = "select hex(issue_id), value, author, toUnixTimestamp64Milli(changed_at) from issue_changes \
            where app_id = {app:String} and platform_id = {platform:UInt8} and kind = 'alias' \
            order by log_generation, appended_at, log_partition, log_offset";
        let rows =
            self.tables.reader().query_raw(sql).param("app", app).param("platform", platform).fetch_all::<(String, String, String, i64)>();
        let rows = rows.await.map_err(service::clickhouse::Error::from)?;
        let fact = |(issue, value, author, changed_ms)| Fact { issue, value, author, changed_ms };
        Ok(Aliases::fold(&rows.into_iter().map(fact).collect::<Vec<_>>()))
    }
}
