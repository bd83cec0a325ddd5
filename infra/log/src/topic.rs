//! A topic: its name, id, configuration and partitions, and the file that keeps them.

use crate::disk;
use crate::storage::LogSettings;
use crate::storage::partition::Partition;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// The configuration keys a topic may set, with their defaults; Kafka's names and meanings.
pub const KEYS: &[(&str, &str)] = &[
    ("cleanup.policy", "delete"),
    ("delete.retention.ms", "86400000"),
    ("max.compaction.lag.ms", "9223372036854775807"),
    ("max.message.bytes", "16777216"),
    ("message.timestamp.type", "CreateTime"),
    ("min.cleanable.dirty.ratio", "0.5"),
    ("min.compaction.lag.ms", "0"),
    ("retention.bytes", "-1"),
    ("retention.ms", "604800000"),
    ("segment.bytes", "67108864"),
    ("segment.ms", "604800000"),
];

/// Keys of Kafka that are accepted and kept but mean nothing on one node.
const IGNORED: &[&str] = &[
    "compression.type",
    "file.delete.delay.ms",
    "flush.messages",
    "flush.ms",
    "index.interval.bytes",
    "message.downconversion.enable",
    "message.format.version",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "message.timestamp.difference.max.ms",
    "min.insync.replicas",
    "preallocate",
    "segment.index.bytes",
    "segment.jitter.ms",
    "unclean.leader.election.enable",
];

/// What a client set for a topic, by key.
pub type Overrides = BTreeMap<String, String>;

/// Checks keys and values, as messages for the client.
pub fn resolve(overrides: &Overrides) -> Result<LogSettings, String> {
    for key in overrides.keys() {
        if !KEYS.iter().any(|(known, _)| known == key) && !IGNORED.contains(&key.as_str()) {
            return Err(format!("Unknown topic config name: {key}"));
        }
    }
    let policy = value(overrides, "cleanup.policy");
    let policies: Vec<&str> = policy.split(',').map(str::trim).collect();
    if !policies.iter().all(|policy| matches!(*policy, "delete" | "compact")) {
        return Err(format!("Invalid value {policy} for configuration cleanup.policy"));
    }
    let append_time = match value(overrides, "message.timestamp.type") {
        "CreateTime" => false,
        "LogAppendTime" => true,
        other => return Err(format!("Invalid value {other} for configuration message.timestamp.type")),
    };
    let (least_lag, most_lag) = (number(overrides, "min.compaction.lag.ms", 0)?, number(overrides, "max.compaction.lag.ms", 1)?);
    if least_lag > most_lag {
        return Err(format!("conflict topic setting min.compaction.lag.ms ({least_lag}) > max.compaction.lag.ms ({most_lag})"));
    }
    Ok(LogSettings {
        retention_ms: Some(number(overrides, "retention.ms", -1)?).filter(|kept| *kept >= 0),
        retention_bytes: u64::try_from(number(overrides, "retention.bytes", -1)?).ok(),
        segment_bytes: number(overrides, "segment.bytes", 14)?.unsigned_abs(),
        segment_ms: number(overrides, "segment.ms", 1)?,
        max_batch_bytes: usize::try_from(number(overrides, "max.message.bytes", 0)?).unwrap_or(0),
        append_time,
        delete: policies.contains(&"delete"),
        compact: policies.contains(&"compact"),
        min_dirty_per_mille: per_mille(overrides, "min.cleanable.dirty.ratio")?,
        min_compaction_lag_ms: least_lag,
        max_compaction_lag_ms: most_lag,
        delete_retention_ms: number(overrides, "delete.retention.ms", 0)?,
    })
}

/// The value in force for a key.
pub fn value<'a>(overrides: &'a Overrides, key: &str) -> &'a str {
    let default = KEYS.iter().find(|(known, _)| *known == key).map_or("", |(_, default)| default);
    overrides.get(key).map_or(default, String::as_str)
}

fn number(overrides: &Overrides, key: &str, least: i64) -> Result<i64, String> {
    let text = value(overrides, key);
    let number = text.parse::<i64>().ok().filter(|number| *number >= least);
    number.ok_or_else(|| format!("Invalid value {text} for configuration {key}"))
}

fn per_mille(overrides: &Overrides, key: &str) -> Result<u64, String> {
    let text = value(overrides, key);
    let ratio = text.parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.map(|ratio| (ratio * 1_000.0) as u64).ok_or_else(|| format!("Invalid value {text} for configuration {key}"))
}

/// Whether a name may be a topic's, by Kafka's rule.
pub fn is_valid_name(name: &str) -> bool {
    let legal = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
    (1..=249).contains(&name.len()) && name != "." && name != ".." && name.bytes().all(legal)
}

/// What is kept of a topic beside its logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its id; a later topic of the same name has another.
    pub id: u128,
    /// How many partitions it has.
    pub partitions: i32,
    /// What was configured.
    pub overrides: Overrides,
}

impl Description {
    /// Writes the description as a whole.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        let mut text = format!("name={}\nid={:032x}\npartitions={}\n", self.name, self.id, self.partitions);
        for (key, value) in &self.overrides {
            text.push_str(&format!("config.{key}={}\n", value.replace(['\n', '\r'], " ")));
        }
        disk::replace(&file(dir), text.as_bytes())
    }

    /// Reads a description; `None` where the file is missing: the topic was not made whole, or is deleted.
    pub fn read(dir: &Path) -> io::Result<Option<Description>> {
        let Some(content) = disk::read_if_there(&file(dir))? else { return Ok(None) };
        let parsed = std::str::from_utf8(&content).ok().and_then(Description::parse);
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged", file(dir).display()));
        parsed.map(Some).ok_or_else(damaged)
    }

    fn parse(text: &str) -> Option<Description> {
        let mut fields: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
        let name = fields.remove("name").filter(|name| is_valid_name(name))?.to_owned();
        let id = u128::from_str_radix(fields.remove("id")?, 16).ok()?;
        let partitions = fields.remove("partitions")?.parse().ok()?;
        let overrides =
            fields.into_iter().filter_map(|(key, value)| Some((key.strip_prefix("config.")?.to_owned(), value.to_owned()))).collect();
        Some(Description { name, id, partitions, overrides })
    }
}

/// The file of a topic's description in its directory.
pub fn file(dir: &Path) -> PathBuf {
    dir.join("topic")
}

/// A topic that is open.
#[derive(Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: u128,
    /// Where its partitions are.
    pub dir: PathBuf,
    overrides: RwLock<Overrides>,
    partitions: RwLock<Vec<Arc<Partition>>>,
}

impl Topic {
    /// A topic with its partitions, opened by the catalog.
    pub fn new(dir: PathBuf, description: Description, partitions: Vec<Arc<Partition>>) -> Topic {
        Topic {
            name: description.name,
            id: description.id,
            dir,
            overrides: RwLock::new(description.overrides),
            partitions: RwLock::new(partitions),
        }
    }

    /// A partition, if there is one of that index.
    pub fn partition(&self, index: i32) -> Option<Arc<Partition>> {
        let partitions = self.partitions.read().unwrap_or_else(PoisonError::into_inner);
        partitions.get(usize::try_from(index).ok()?).cloned()
    }

    /// All partitions, by index.
    pub fn partitions(&self) -> Vec<Arc<Partition>> {
        self.partitions.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many partitions there are.
    pub fn count(&self) -> i32 {
        let partitions = self.partitions.read().unwrap_or_else(PoisonError::into_inner);
        i32::try_from(partitions.len()).unwrap_or(i32::MAX)
    }

    /// What was configured.
    pub fn overrides(&self) -> Overrides {
        self.overrides.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is to be kept of it.
    pub fn description(&self) -> Description {
        Description { name: self.name.clone(), id: self.id, partitions: self.count(), overrides: self.overrides() }
    }

    /// Adds partitions that are open already.
    pub fn grow(&self, more: Vec<Arc<Partition>>) {
        self.partitions.write().unwrap_or_else(PoisonError::into_inner).extend(more);
    }

    /// Takes over a configuration that was kept already.
    pub fn configure(&self, overrides: Overrides, settings: LogSettings) {
        *self.overrides.write().unwrap_or_else(PoisonError::into_inner) = overrides;
        let settings = Arc::new(settings);
        for partition in self.partitions() {
            partition.configure(settings.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_description_survives_and_half_a_topic_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Description::read(dir.path()).unwrap(), None);
        let overrides = Overrides::from([("retention.ms".to_owned(), "5".to_owned())]);
        let description = Description { name: "raw-reports".to_owned(), id: 77, partitions: 4, overrides };
        description.write(dir.path()).unwrap();
        assert_eq!(Description::read(dir.path()).unwrap(), Some(description));
    }

    #[test]
    fn configuration_is_checked_as_kafka_does() {
        let one = |key: &str, value: &str| resolve(&Overrides::from([(key.to_owned(), value.to_owned())]));
        assert!(one("retention.ms", "-1").unwrap().retention_ms.is_none());
        assert_eq!(one("retention.bytes", "10").unwrap().retention_bytes, Some(10));
        assert!(one("message.timestamp.type", "LogAppendTime").unwrap().append_time);
        assert!(one("cleanup.policy", "compact,delete").unwrap().compact);
        for (key, value) in
            [("retention.ms", "x"), ("no.such", "1"), ("cleanup.policy", "burn"), ("segment.ms", "0"), ("min.cleanable.dirty.ratio", "2")]
        {
            assert!(one(key, value).is_err(), "{key}={value}");
        }
        let lags = [("min.compaction.lag.ms", "6"), ("max.compaction.lag.ms", "5")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert!(resolve(&lags.into()).unwrap_err().contains("conflict"));
        assert!(is_valid_name("a.b_c-9") && !is_valid_name("") && !is_valid_name("..") && !is_valid_name("é"));
    }
}
