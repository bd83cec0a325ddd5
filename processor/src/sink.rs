//! The sink puts slices into their table: one slice is one insert and one part.
//!
//! A slice that may have been inserted before is looked up first. If the table has any row of its range, the slice is done. Otherwise it is inserted
//! with a token and read back. If no row appears, the server had the token without its part, which a kill can cause; the slice is inserted again
//! with another token (`:2`, and so on). The token also stops a late insert of a worker that lost its partition.

mod check;
mod daily_tables;
mod migrations;
mod partition_table;
mod table_error;

pub use daily_tables::{DailyTables, TableDay};
pub use migrations::{AppliedMigration, MigrationTable};
pub use partition_table::{BEFORE, PartitionTable};
pub use table_error::{Blame, TableError};

use crate::error::Error;
use crate::log_partition::LogPartition;
use schemas::row::Table;
use service::clickhouse::Config;
use std::marker::PhantomData;
use std::time::Duration;

/// Inserts of one slice before giving up. Each insert that does not appear needs a kill at the wrong moment.
const ATTEMPTS: u32 = 9;
/// Rows of a block of an insert: more than any slice has, so that a slice is one block and one part.
const BLOCK_ROWS: &str = "1048576";

/// The offsets of a slice, both included, and its log day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SliceRange {
    pub first: i64,
    pub last: i64,
    pub log_day: u16,
}

/// Puts slices of one partition of the log into their table.
pub struct Sink<T> {
    table: PartitionTable,
    rows: PhantomData<fn(T)>,
}

/// Whether a slice may have been inserted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// No worker has inserted it.
    Fresh,
    /// A worker may have inserted it.
    Unknown,
}

impl<T: Table> Sink<T> {
    /// A sink that connects with the first call.
    #[must_use]
    pub fn new(tables: &Config, partition: LogPartition, timeout: Duration) -> Self {
        Self { table: PartitionTable::new::<T>(tables, partition, timeout), rows: PhantomData }
    }

    /// The table as it is seen from the partition.
    #[must_use]
    pub fn table(&self) -> &PartitionTable {
        &self.table
    }

    /// Puts the rows of a slice into the table exactly once. Returns false where they were there already.
    ///
    /// # Errors
    /// The outcome is unknown. The next call is with [`History::Unknown`].
    pub async fn put(&self, range: SliceRange, rows: &[T], history: History) -> Result<bool, Error> {
        if history == History::Unknown && self.holds(range).await? {
            return Ok(false);
        }
        if rows.is_empty() {
            return Ok(true);
        }
        for attempt in 1..=ATTEMPTS {
            self.insert(range, rows, attempt).await?;
            if history == History::Fresh || self.holds(range).await? {
                return Ok(true);
            }
            tracing::warn!(table = <T as Table>::NAME, token = self.token(range, attempt), "a token was there without its part");
        }
        Err(Error::Vanished { table: <T as Table>::NAME, token: self.token(range, ATTEMPTS), attempts: ATTEMPTS })
    }

    /// The token of an insert: `topic:partition:first-last@generation`, from the second attempt on with the attempt's number. The server drops a
    /// second insert with the same token.
    #[must_use]
    pub fn token(&self, range: SliceRange, attempt: u32) -> String {
        let LogPartition { topic, number, generation } = self.table.partition;
        let base = format!("{topic}:{number}:{}-{}@{generation}", range.first, range.last);
        if attempt <= 1 { base } else { format!("{base}:{attempt}") }
    }

    /// Whether the table holds any row of the range.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn holds(&self, range: SliceRange) -> Result<bool, TableError> {
        let sql = format!(
            "select toUInt8(1) from {} where log_day = toDate({{day:UInt16}}) and log_generation = {{generation:UInt16}} \
             and log_partition = {{partition:UInt32}} and log_offset between {{first:UInt64}} and {{last:UInt64}} limit 1",
            self.table.name
        );
        let query = self.table.query(&sql).param("day", range.log_day).param("first", range.first).param("last", range.last);
        Ok(self.table.within(query.fetch_optional::<u8>()).await?.is_some())
    }

    /// The highest offset of this partition in the table, if `since` is given of log days from then on.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn highest(&self, since: Option<u16>) -> Result<Option<i64>, TableError> {
        // A filter by day is not in the projection, so it is there only where it is needed.
        let days = since.map(|day| format!("and log_day >= toDate({day})")).unwrap_or_default();
        let sql = format!(
            "select max(log_offset) from {} where log_generation = {{generation:UInt16}} and log_partition = {{partition:UInt32}} {days} \
             group by log_generation, log_partition",
            self.table.name
        );
        let highest = self.table.within(self.table.query(&sql).fetch_optional::<u64>()).await?;
        Ok(highest.map(|offset| i64::try_from(offset).unwrap_or(i64::MAX)))
    }

    async fn insert(&self, range: SliceRange, rows: &[T], attempt: u32) -> Result<(), TableError> {
        let token = self.token(range, attempt);
        let mut settings: Vec<(&str, &str)> = one_part().to_vec();
        settings.push(("insert_deduplication_token", &token));
        self.write(&self.table.name, rows, &settings).await
    }

    async fn write(&self, table: &str, rows: &[T], settings: &[(&str, &str)]) -> Result<(), TableError> {
        let send = async {
            let mut insert = self.table.client.insert_unescaped::<T>(table).await?;
            for (name, value) in settings {
                insert = insert.with_setting(*name, *value);
            }
            for row in rows {
                insert.write(row).await?;
            }
            insert.end().await
        };
        self.table.within(send).await
    }
}

/// Settings that make an insert one block and one part, written before it is acknowledged.
fn one_part() -> [(&'static str, &'static str); 8] {
    [
        ("async_insert", "0"),
        ("insert_deduplicate", "1"),
        ("max_insert_threads", "1"),
        ("max_insert_block_size", BLOCK_ROWS),
        ("min_insert_block_size_rows", BLOCK_ROWS),
        ("min_insert_block_size_bytes", "0"),
        ("input_format_parallel_parsing", "0"),
        ("max_partitions_per_insert_block", "1"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::row::ConnectionRow;

    #[test]
    fn the_token_names_the_slice_and_the_attempt() {
        let partition = LogPartition { topic: "connections", number: 3, generation: 2 };
        let sink = Sink::<ConnectionRow>::new(&Config::default(), partition, Duration::from_secs(1));
        let range = SliceRange { first: 5, last: 17, log_day: 20_000 };
        assert_eq!(sink.token(range, 1), "connections:3:5-17@2");
        assert_eq!(sink.token(range, 2), "connections:3:5-17@2:2");
    }
}
