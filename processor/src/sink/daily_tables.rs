//! The tables by log day: how many bytes each day takes, and how a day is dropped.

use super::TableError;
use crate::log_day::LogDay;
use clickhouse::{Client, Row};
use serde::Deserialize;
use service::clickhouse::Config;

/// The tables of topics from which retention takes. Issue changes stay.
const TABLES: &str = "'occurrences', 'connections', 'rejected_reports'";

/// The tables that are partitioned by log day.
pub struct DailyTables {
    client: Client,
    database: String,
}

/// A log day of a table.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct TableDay {
    pub table: String,
    pub day: u16,
    /// Bytes on disk, with roll-ups.
    pub bytes: u64,
}

impl DailyTables {
    /// The tables of a database with a plain name.
    #[must_use]
    pub fn new(tables: &Config) -> Self {
        Self { client: tables.server(), database: tables.database.clone() }
    }

    /// All days of all tables, the oldest first.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn sizes(&self) -> Result<Vec<TableDay>, TableError> {
        let sql = format!(
            "select table, toUInt16(toDate(partition)) as day, sum(bytes_on_disk) as bytes from system.parts \
             where database = {{database:String}} and table in ({TABLES}) and active group by table, day order by day, table"
        );
        Ok(self.client.query(&sql).param("database", &self.database).fetch_all().await?)
    }

    /// Whether a day has the highest offset of a partition. Without that row the table does not show how far the partition was folded.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn holds_a_position(&self, TableDay { table, day, .. }: &TableDay) -> Result<bool, TableError> {
        let place = "log_generation, log_partition";
        let table = format!("{}.{table}", self.database);
        let sql = format!(
            "select count() > 0 from (select {place}, max(log_offset) as last from {table} where log_day = toDate({day}) group by {place}) as day \
             inner join (select {place}, max(log_offset) as highest from {table} group by {place}) as whole using ({place}) where last >= highest"
        );
        Ok(self.client.query_raw(&sql).fetch_one().await?)
    }

    /// Drops a day; it may have been dropped before.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn drop(&self, TableDay { table, day, .. }: &TableDay) -> Result<(), TableError> {
        let id = LogDay(*day).partition_id();
        let sql = format!("alter table {}.{table} drop partition id '{id}' settings max_partition_size_to_drop = 0", self.database);
        Ok(self.client.query_raw(&sql).execute().await?)
    }
}
