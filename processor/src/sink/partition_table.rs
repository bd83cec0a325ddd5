//! A table, seen from one partition of the log.

use super::TableError;
use crate::log_partition::LogPartition;
use clickhouse::Client;
use clickhouse::query::Query;
use schemas::row::Table;
use service::clickhouse::Config;
use std::time::Duration;

/// A condition in SQL: the rows before the offset `{first}` in the log. All rows of an earlier generation are.
pub const BEFORE: &str = "(log_generation < {generation:UInt16} or (log_generation = {generation:UInt16} \
     and log_partition = {partition:UInt32} and log_offset < {first:UInt64}))";

/// A table and the partition whose rows are looked at. Statements have the parameters `generation` and `partition`.
#[derive(Clone)]
pub struct PartitionTable {
    pub(super) client: Client,
    /// `database.table`.
    pub(crate) name: String,
    pub(super) partition: LogPartition,
    timeout: Duration,
}

impl PartitionTable {
    /// The table of the rows `T`. A call that takes longer than `timeout` fails.
    #[must_use]
    pub fn new<T: Table>(tables: &Config, partition: LogPartition, timeout: Duration) -> Self {
        Self { client: tables.writer(), name: format!("{}.{}", tables.database, <T as Table>::NAME), partition, timeout }
    }

    pub(crate) fn query(&self, sql: &str) -> Query {
        self.client.query(sql).param("generation", self.partition.generation).param("partition", self.partition.column())
    }

    pub(crate) async fn within<R>(&self, call: impl Future<Output = Result<R, clickhouse::error::Error>>) -> Result<R, TableError> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(TableError::TimedOut(self.timeout)),
        }
    }
}
