//! The table `schema_migrations`, which records the migrations of a database.

use super::TableError;
use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};
use service::clickhouse::Config;

/// A migration that was applied, or retention that was set.
#[derive(Debug, Clone, PartialEq, Eq, Row, Serialize, Deserialize)]
pub struct AppliedMigration {
    /// Number of the migration; 0 for retention.
    pub number: u32,
    pub name: String,
    /// The statements that were run.
    pub statement: String,
}

/// The migrations of one database.
pub struct MigrationTable {
    client: Client,
    database: String,
}

impl MigrationTable {
    /// The migrations of a database that exists. `database` is a plain name.
    #[must_use]
    pub fn of(tables: &Config, database: &str) -> Self {
        Self { client: tables.server(), database: database.to_owned() }
    }

    /// Whether a database exists and records its migrations. `database` is a plain name.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn is_there(tables: &Config, database: &str) -> Result<bool, TableError> {
        let sql = format!("select count() > 0 from system.tables where database = '{database}' and name = 'schema_migrations'");
        Ok(tables.server().query_raw(&sql).fetch_one::<bool>().await?)
    }

    /// Makes the database and the table of migrations where they are missing. `database` is a plain name.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn open(tables: &Config, database: &str) -> Result<Self, TableError> {
        // The database of the tables may not exist yet.
        let journal = Self { client: tables.writer().with_database("default"), database: database.to_owned() };
        journal.run(&format!("create database if not exists {database} engine = Atomic")).await?;
        let table = format!(
            "create table if not exists {database}.schema_migrations (\
             number UInt32 comment 'of the migration; 0 = retention', \
             name String comment 'of the migration', \
             statement String comment 'what was run', \
             applied_at DateTime64(3, 'UTC') default now64(3) comment 'when it was run') \
             engine = MergeTree order by number"
        );
        journal.run(&table).await?;
        Ok(journal)
    }

    /// The applied migrations, oldest first.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn entries(&self) -> Result<Vec<AppliedMigration>, TableError> {
        let sql = format!("select number, name, statement from {}.schema_migrations order by applied_at, number", self.database);
        Ok(self.client.query_raw(&sql).fetch_all().await?)
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn run(&self, statement: &str) -> Result<(), TableError> {
        Ok(self.client.query_raw(statement).execute().await?)
    }

    /// Records a migration as applied.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn note(&self, entry: &AppliedMigration) -> Result<(), TableError> {
        let table = format!("{}.schema_migrations", self.database);
        let mut insert = self.client.insert_unescaped::<AppliedMigration>(&table).await?.with_setting("async_insert", "0");
        insert.write(entry).await?;
        Ok(insert.end().await?)
    }
}
