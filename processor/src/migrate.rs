//! Migration: topics and tables are made and brought up to date before the services start. It is idempotent.

use crate::error::Error;
use crate::retention::Retention;
use crate::sink::{AppliedMigration, MigrationTable};
use schemars::JsonSchema;
use schemas::migration::{self, FUNCTIONS, MIGRATIONS, Migration};
use schemas::record::TOPICS;
use serde::{Deserialize, Serialize};
use service::config::Span;
use service::kafka::{self, Admin, Creation, MAX_RECORD_BYTES, TopicSpec};
use std::time::Duration;

/// `[topics]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Topics {
    /// Partitions of every topic. The number is fixed when a topic is made.
    pub partitions: i32,
    /// Copies of every partition.
    pub replication: i32,
}

impl Default for Topics {
    fn default() -> Self {
        Self { partitions: 4, replication: 1 }
    }
}

/// What a migration did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Topics that were made.
    pub topics: Vec<String>,
    /// Migrations that were applied, by their numbers.
    pub migrations: Vec<u32>,
    /// Whether the retention of the tables was set.
    pub retention: bool,
}

/// The name under which retention is recorded among the migrations, with the number 0.
const RETENTION: &str = "retention";
/// How long a topic that was just made may take to appear in the metadata.
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);

/// Makes topics and tables that are missing, alters topics to their specification, and sets retention where it has changed.
///
/// # Errors
/// An engine is away or refuses; a topic that exists has another number of partitions.
pub async fn migrate(
    kafka: &kafka::Config,
    tables: &service::clickhouse::Config,
    topics: &Topics,
    retention: &Retention,
) -> Result<Changes, Error> {
    let made = make_topics(&Admin::new(kafka)?, topics, retention).await?;
    let (migrations, retention) = make_tables(tables, retention).await?;
    Ok(Changes { topics: made, migrations, retention })
}

async fn make_topics(admin: &Admin, topics: &Topics, retention: &Retention) -> Result<Vec<String>, Error> {
    let specs = TOPICS.map(|topic| spec(topic, topics, retention));
    let mut made = Vec::new();
    for (name, creation) in admin.create_topics(&specs).await? {
        if creation == Creation::Created {
            tracing::info!(topic = name, partitions = topics.partitions, "topic made");
            made.push(name);
        }
    }
    for (topic, spec) in TOPICS.into_iter().zip(&specs) {
        if made.iter().any(|name| name == topic) {
            continue;
        }
        let found = partitions(admin, topic).await?;
        if found != topics.partitions {
            return Err(Error::Partitions { topic, found, wanted: topics.partitions });
        }
        let settings: Vec<(&str, &str)> = spec.config.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        admin.alter_topic_config(topic, &settings).await?;
    }
    Ok(made)
}

/// The number of partitions of a topic, which may not be in the metadata yet.
async fn partitions(admin: &Admin, topic: &str) -> Result<i32, Error> {
    let deadline = tokio::time::Instant::now() + METADATA_TIMEOUT;
    loop {
        match admin.partitions(topic).await {
            Ok(count) => return Ok(count),
            Err(error) if tokio::time::Instant::now() > deadline => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// How a topic is made, and what an existing one is altered to.
fn spec(topic: &str, topics: &Topics, retention: &Retention) -> TopicSpec {
    let config = [("message.timestamp.type", "LogAppendTime".to_owned()), ("max.message.bytes", MAX_RECORD_BYTES.to_string())];
    let config = config.into_iter().chain(retention.topic_settings(topic, topics.partitions));
    TopicSpec {
        name: topic.to_owned(),
        partitions: topics.partitions,
        replication: topics.replication,
        config: config.map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

/// Whether a database has every migration, and retention as it is configured.
///
/// # Errors
/// The tables' server is away or refuses.
pub(crate) async fn is_current(tables: &service::clickhouse::Config, retention: &Retention) -> Result<bool, Error> {
    let database = database(&tables.database)?;
    if !MigrationTable::is_there(tables, database).await? {
        return Ok(false);
    }
    let entries = MigrationTable::of(tables, database).entries().await?;
    let is_applied = |migration: &migration::Migration| entries.iter().any(|entry| entry.number == migration.number);
    Ok(MIGRATIONS.iter().all(is_applied) && is_set(&entries, &retention_entry(database, retention).1))
}

/// Brings the tables of a database up to date. Returns the numbers of the migrations that were applied, and whether retention was set.
pub(crate) async fn make_tables(tables: &service::clickhouse::Config, retention: &Retention) -> Result<(Vec<u32>, bool), Error> {
    let database = database(&tables.database)?;
    let journal = MigrationTable::open(tables, database).await?;
    for function in FUNCTIONS {
        journal.run(function).await?;
    }
    let entries = journal.entries().await?;
    let mut numbers = Vec::new();
    for migration in MIGRATIONS {
        if entries.iter().any(|entry| entry.number == migration.number) {
            continue;
        }
        let entry = AppliedMigration {
            number: migration.number,
            name: migration.name.to_owned(),
            statement: in_database(migration.statement, database),
        };
        for statement in Migration::statements(&entry.statement) {
            journal.run(statement).await?;
        }
        journal.note(&entry).await?;
        tracing::info!(number = migration.number, name = migration.name, "migration applied");
        numbers.push(migration.number);
    }
    let is_set = set_retention(&journal, &entries, database, retention).await?;
    Ok((numbers, is_set))
}

/// Sets retention where it has changed. Returns whether it has.
async fn set_retention(
    journal: &MigrationTable,
    entries: &[AppliedMigration],
    database: &str,
    retention: &Retention,
) -> Result<bool, Error> {
    let (statements, entry) = retention_entry(database, retention);
    if is_set(entries, &entry) {
        return Ok(false);
    }
    for statement in &statements {
        journal.run(statement).await?;
    }
    journal.note(&entry).await?;
    tracing::info!(bodies.days = days(retention.bodies), facts.days = days(retention.facts), "retention set");
    Ok(true)
}

/// The statements that set retention, and their record among the migrations.
fn retention_entry(database: &str, retention: &Retention) -> (Vec<String>, AppliedMigration) {
    let wanted = migration::retention(days(retention.bodies), days(retention.facts));
    let statements: Vec<String> = wanted.iter().map(|statement| in_database(statement, database)).collect();
    let entry = AppliedMigration { number: 0, name: RETENTION.to_owned(), statement: statements.join(";\n") };
    (statements, entry)
}

/// Whether the last retention that was set is this one.
fn is_set(entries: &[AppliedMigration], wanted: &AppliedMigration) -> bool {
    entries.iter().rfind(|entry| entry.name == RETENTION).is_some_and(|last| last == wanted)
}

/// The statement for the tables of another database than `aftershock`.
fn in_database(statement: &str, database: &str) -> String {
    statement.replace("aftershock.", &format!("{database}.")).replace("exists aftershock ", &format!("exists {database} "))
}

fn database(name: &str) -> Result<&str, Error> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_name = !name.is_empty() && name.chars().all(is_letter) && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_name { Ok(name) } else { Err(Error::DatabaseName(name.to_owned())) }
}

/// Whole days, at least one.
fn days(span: Span) -> u32 {
    u32::try_from(span.as_secs() / 86_400).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_go_to_the_configured_database() {
        for migration in MIGRATIONS {
            let statement = in_database(migration.statement, "replay_1");
            assert!(statement.contains("replay_1"), "{}", migration.name);
            assert!(!statement.contains("aftershock"), "{}", migration.name);
            assert_eq!(in_database(migration.statement, "aftershock"), migration.statement);
        }
    }

    #[test]
    fn a_database_has_a_plain_name() {
        assert!(database("aftershock_2").is_ok());
        for name in ["", "1a", "a.b", "a b", "数据", "a;drop"] {
            assert!(database(name).is_err(), "{name}");
        }
    }

    #[test]
    fn retention_is_whole_days_and_at_least_one() {
        assert_eq!(days(Span::seconds(3600)), 1);
        assert_eq!(days(Span::days(90)), 90);
    }
}
