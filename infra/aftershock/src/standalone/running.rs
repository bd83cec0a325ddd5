//! What a running standalone says about itself: the line on stdout and `standalone.json` in the data folder.

use serde::{Deserialize, Serialize};
use service::kafka::Properties;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const FILE: &str = "standalone.json";

/// The line on stdout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    pub ready: bool,
    /// `http://host:port`, or `https://` of it
    pub ingest: String,
    /// `http://host:port`, or `https://` of it
    pub query: String,
    /// `host:port`
    pub kafka: String,
    /// `http://host:port`
    pub clickhouse: String,
    /// Health and metrics of the edge, `http://host:port`.
    pub ingest_admin: String,
    /// Health and metrics of the processor, `http://host:port`.
    pub processor: String,
    /// Health and metrics of query, `http://host:port`.
    pub query_admin: String,
}

/// The file: the line, and what only the owner of the data may know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    #[serde(flatten)]
    pub ready: Ready,
    /// librdkafka's properties of the account that may do everything.
    #[serde(default)]
    pub kafka_properties: BTreeMap<String, String>,
    /// The same of the account of each role, by its name.
    #[serde(default)]
    pub kafka_roles: BTreeMap<String, BTreeMap<String, String>>,
    pub clickhouse_user: String,
    pub clickhouse_password: String,
    pub clickhouse_read_user: String,
    pub clickhouse_read_password: String,
    pub credentials: PathBuf,
    /// The file of the certificate, where the address begins with `https://`.
    #[serde(default)]
    pub ingest_certificate: Option<PathBuf>,
    #[serde(default)]
    pub query_certificate: Option<PathBuf>,
    pub processes: Processes,
}

/// Process ids as they were last; 0 for what is not ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processes {
    pub standalone: u32,
    pub broker: u32,
    pub engine: u32,
    pub ingest: u32,
    pub processor: u32,
    pub query: u32,
}

impl Running {
    /// What the standalone on this data folder wrote; `None` where none runs.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn read(dir: &Path) -> io::Result<Option<Self>> {
        // A file without the lock beside it is a left-over of a standalone that was killed.
        if !super::lock::is_held(dir) {
            return Ok(None);
        }
        match fs::read(dir.join(FILE)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the file so that a reader sees all of it or none.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let new = dir.join("standalone.json.new");
        remove(&new)?;
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.write_all(b"\n")?;
        fs::rename(new, dir.join(FILE))
    }

    /// Removes the file.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn remove(dir: &Path) -> io::Result<()> {
        remove(&dir.join(FILE))
    }
}

/// Properties as the file has them, which only its owner may read.
pub fn exposed(properties: &Properties) -> BTreeMap<String, String> {
    properties.iter().map(|(name, value)| (name.clone(), value.expose().clone())).collect()
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn running() -> Running {
        let url = "http://127.0.0.1:1".to_owned();
        Running {
            ready: Ready {
                ready: true,
                ingest: url.clone(),
                query: url.clone(),
                kafka: "127.0.0.1:2".into(),
                clickhouse: url.clone(),
                ingest_admin: url.clone(),
                processor: url.clone(),
                query_admin: url,
            },
            kafka_properties: [("sasl.password".to_owned(), "密".to_owned())].into(),
            kafka_roles: BTreeMap::new(),
            clickhouse_user: "writer".into(),
            clickhouse_password: "密".into(),
            clickhouse_read_user: "reader".into(),
            clickhouse_read_password: "码".into(),
            credentials: "数据/credentials.toml".into(),
            ingest_certificate: None,
            query_certificate: Some("证书.pem".into()),
            processes: Processes { standalone: 1, broker: 2, engine: 3, ingest: 4, processor: 5, query: 6 },
        }
    }

    #[test]
    fn is_read_only_while_the_lock_is_held() {
        let dir = tempfile::tempdir().unwrap();
        let lock = super::super::lock::take(dir.path()).unwrap();
        assert_eq!(Running::read(dir.path()).unwrap(), None);
        running().write(dir.path()).unwrap();
        running().write(dir.path()).unwrap();
        assert_eq!(Running::read(dir.path()).unwrap(), Some(running()));
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        drop(lock);
        assert_eq!(Running::read(dir.path()).unwrap(), None, "a file left by a killed standalone counts for nothing");
        Running::remove(dir.path()).unwrap();
        Running::remove(dir.path()).unwrap();
    }

    #[test]
    fn the_line_is_what_scripts_expect() {
        let line = serde_json::to_string(&running().ready).unwrap();
        let start = r#"{"ready":true,"ingest":"http://127.0.0.1:1","query":"http://127.0.0.1:1","kafka":"127.0.0.1:2","clickhouse":"http"#;
        assert!(line.starts_with(start), "{line}");
        assert!(["ingest_admin", "processor", "query_admin"].iter().all(|name| line.contains(&format!("\"{name}\":\"http://"))), "{line}");
    }
}
