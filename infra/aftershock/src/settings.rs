//! The whole configuration: what each crate may be told, and what concerns none of them alone.
//!
//! It is read once; every path in it is resolved then, and the parts are handed down as values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::config;
use std::path::{Path, PathBuf};

/// Everything that can be configured, by section.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Who may send and who may ask. Relative to the folder of the configuration file; without a file, to the data folder.
    pub credentials: PathBuf,
    /// The edge: HTTP in, the log out.
    pub ingest: ingest::Config,
    /// The log in, the tables out.
    pub processor: processor::Config,
    /// The tables in, JSON out.
    pub query: query::Config,
    /// The log.
    pub kafka: service::kafka::Config,
    /// The tables.
    pub clickhouse: service::clickhouse::Config,
    /// How `migrate` makes topics.
    pub topics: processor::Topics,
    /// How long what is kept, and how much of it. A change takes effect at the next `migrate` or start of standalone; of
    /// `table_bytes` at the next start of the processors.
    pub retention: processor::Retention,
    /// The embedded engines.
    pub standalone: Standalone,
    /// What standalone keeps.
    pub data: Data,
}

/// The embedded engines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Standalone {
    /// Address of the embedded broker; port 0 picks a free one.
    pub kafka_listen: String,
    /// Address of the embedded engine's HTTP interface; port 0 picks a free one.
    pub clickhouse_listen: String,
    /// The engine, `libchdb.so`; by default where `make engine` puts it.
    pub engine_library: Option<PathBuf>,
}

/// What standalone keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// Folder of log, tables and generated credentials; only its owner may enter. Relative to the folder of the configuration file;
    /// without a file, to the working directory.
    pub dir: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            credentials: "credentials.toml".into(),
            ingest: ingest::Config::default(),
            processor: processor::Config::default(),
            query: query::Config::default(),
            kafka: service::kafka::Config::default(),
            clickhouse: service::clickhouse::Config::default(),
            topics: processor::Topics::default(),
            retention: processor::Retention::default(),
            standalone: Standalone::default(),
            data: Data::default(),
        }
    }
}

impl Default for Standalone {
    fn default() -> Self {
        Self { kafka_listen: "127.0.0.1:0".into(), clickhouse_listen: "127.0.0.1:0".into(), engine_library: None }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self { dir: "data".into() }
    }
}

impl Settings {
    /// Whether standalone brings the log itself.
    #[must_use]
    pub fn embeds_log(&self) -> bool {
        self.kafka.brokers.trim().is_empty()
    }

    /// Whether standalone brings the tables itself.
    #[must_use]
    pub fn embeds_tables(&self) -> bool {
        self.clickhouse.url.trim().is_empty()
    }

    /// Reads `file` and the environment, and resolves the paths; `data` stands for `[data] dir` where it is given.
    ///
    /// # Errors
    /// What of the file or the environment cannot be used, naming it.
    pub fn load(
        file: Option<&Path>,
        data: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, config::Error> {
        let mut settings: Settings = config::load(file, environment)?;
        if settings.processor.retention != processor::Retention::default() {
            let place = file.map_or_else(|| "configuration".to_owned(), |file| file.display().to_string());
            let (key, expected) = ("processor.retention".to_owned(), "unknown field `retention`, it is a section: [retention]".to_owned());
            return Err(config::Error::Key { place, key, expected });
        }
        if settings.processor.group.is_some() {
            let place = file.map_or_else(|| "configuration".to_owned(), |file| file.display().to_string());
            let (key, expected) = ("processor.group".to_owned(), "it is `group` of the section [kafka], which query reads too".to_owned());
            return Err(config::Error::Key { place, key, expected });
        }
        let folder = file.and_then(Path::parent);
        let resolved = |path: &Path| folder.map_or_else(|| path.to_owned(), |folder| folder.join(path));
        settings.data.dir = data.map_or_else(|| resolved(&settings.data.dir), Path::to_owned);
        settings.credentials = folder.unwrap_or(&settings.data.dir).join(&settings.credentials);
        if let Some(folder) = folder {
            for tls in [&mut settings.ingest.tls, &mut settings.query.tls] {
                *tls = tls.take().map(|tls| tls.within(folder));
            }
            settings.clickhouse.ca_certificate = settings.clickhouse.ca_certificate.take().map(|file| folder.join(file));
        }
        settings.ingest.disk.folder = settings.ingest.disk.folder.as_deref().map(resolved);
        settings.standalone.engine_library = settings.standalone.engine_library.as_deref().map(resolved);
        settings.retention = settings.retention.clone().resolved(settings.embeds_log(), settings.embeds_tables());
        settings.processor.retention = settings.retention.clone();
        Ok(settings)
    }

    /// The engine's library: what is configured, else where `make engine` puts it.
    pub fn engine_library(&self) -> PathBuf {
        self.standalone.engine_library.clone().unwrap_or_else(embedded_engine::fetched_library)
    }
}

/// The environment of this process, less what is not text.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use service::config::{Size, Span};

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Settings, config::Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("aftershock.toml");
        std::fs::write(&file, text).unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::load(Some(&file), None, environment).map(|mut settings| {
            settings.credentials = settings.credentials.strip_prefix(folder.path()).unwrap_or(&settings.credentials).to_owned();
            settings.data.dir = settings.data.dir.strip_prefix(folder.path()).unwrap_or(&settings.data.dir).to_owned();
            settings
        })
    }

    #[test]
    fn the_example_of_every_section_is_read() {
        let settings = load(
            "credentials = 'keys.toml'\n\
             [ingest]\nlisten = '127.0.0.1:0'\nreports_per_minute = 60\napp_reports_per_minute = 5\nalways_200 = true\ntrusted_proxies = ['10.0.0.0/8']\n\
             [processor]\nlisten = '127.0.0.1:1'\nslice = { linger = '500ms' }\n\
             [query]\nlisten = '127.0.0.1:2'\nrequests_per_minute = 0\nsignature_window = '60s'\ntime_zone = '+00:00'\n\
             [kafka]\nbrokers = 'kafka:9092'\nproperties = { 'security.protocol' = 'ssl' }\n\
             [clickhouse]\nurl = 'http://tables:8123'\nuser = 'a'\npassword = 'b'\nread_user = 'c'\nread_password = 'd'\n\
             [topics]\npartitions = 8\n[retention]\nlog = '7d'\nbodies = '30d'\nfacts = '90d'\n\
             [standalone]\nkafka_listen = '127.0.0.1:9092'\nclickhouse_listen = '127.0.0.1:8123'\nengine_library = '/opt/libchdb.so'\n\
             [data]\ndir = 'kept'\n",
            &[],
        )
        .unwrap();
        assert_eq!((settings.credentials.to_str(), settings.data.dir.to_str()), (Some("keys.toml"), Some("kept")));
        assert_eq!(settings.kafka.brokers, "kafka:9092");
        assert_eq!((settings.topics.partitions, *settings.retention.log), (8, std::time::Duration::from_secs(7 * 86_400)));
        assert_eq!(settings.processor.slice.linger, Span::millis(500));
        assert_eq!(settings.standalone.engine_library, Some("/opt/libchdb.so".into()));
    }

    #[test]
    fn an_unknown_key_is_named() {
        for (text, key) in [
            ("[ingest]\nlisen = 'x'", "lisen"),
            ("[nothing]\na = 1", "nothing"),
            ("[processor.slice]\nwait = '1s'", "wait"),
            ("[processor.retention]\ntable_bytes = 5", "unknown field `retention`"),
        ] {
            let error = load(text, &[]).expect_err(text).to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let environment =
            [("AFTERSHOCK__TOPICS__PARTITIONS", "12"), ("AFTERSHOCK__KAFKA__BROKERS", "other:1"), ("AFTERSHOCK_LOG", "debug")];
        let settings = load("[topics]\npartitions = 2", &environment).unwrap();
        assert_eq!(settings.topics.partitions, 12);
        assert_eq!(settings.kafka.brokers, "other:1");
        let error = load("", &[("AFTERSHOCK__TOPICS__PARTS", "12")]).expect_err("an unknown key").to_string();
        assert!(error.contains("parts"), "{error}");
    }

    #[test]
    fn what_is_embedded_is_bounded_by_bytes() {
        let bounds = |text: &str| {
            let settings = load(text, &[]).unwrap();
            assert_eq!(settings.processor.retention, settings.retention);
            (settings.retention.log_bytes, settings.retention.table_bytes)
        };
        let gib = |gib: u64| Some(Size(gib << 30));
        assert_eq!(bounds(""), (gib(8), gib(24)));
        // As a process that is started with these settings reads them.
        let settings = load("", &[]).unwrap();
        let handed: processor::Config = serde_json::from_value(serde_json::to_value(&settings.processor).unwrap()).unwrap();
        assert_eq!(handed.retention.table_bound(), Some(24 << 30));
        assert_eq!(bounds("kafka.brokers = 'kafka:9092'"), (gib(0), gib(24)));
        assert_eq!(bounds("clickhouse.url = 'http://tables:8123'\nretention.table_bytes = '2TiB'"), (gib(8), gib(2048)));
    }

    #[test]
    fn the_group_has_one_place_and_its_old_one_is_refused() {
        assert_eq!(load("kafka.group = '处理器'", &[]).unwrap().kafka.group, "处理器");
        let refused = load("processor.group = 'mine'", &[]).unwrap_err().to_string();
        assert!(refused.contains("processor.group") && refused.contains("[kafka]"), "{refused}");
    }

    #[test]
    fn without_a_file_credentials_lie_in_the_data_folder() {
        let settings = Settings::load(None, Some(Path::new("数据")), std::iter::empty()).unwrap();
        assert_eq!(settings.credentials, Path::new("数据/credentials.toml"));
        let settings = Settings::load(None, None, std::iter::empty()).unwrap();
        assert_eq!(settings.credentials, Path::new("data/credentials.toml"));
    }
}
