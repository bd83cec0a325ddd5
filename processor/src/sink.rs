//! The tables: one slice is one insert is one part.
//!
//! A slice that may have been inserted before is looked up first: any row of its range there, and it is done. Otherwise it is inserted with
//! a token and read back; where nothing is seen, the token was there without its part (a kill can leave that), and the slice is inserted
//! again with `:2`, and so on. The token alone stops the late insert of a worker that lost its partition.

mod check;
mod daily_tables;
mod migrations;
mod table_error;

pub use daily_tables::{DailyTables, TableDay};
pub use migrations::{Entry, MigrationTable};
pub use table_error::{Blame, TableError};

use std::marker::PhantomData;
use std::time::Duration;

use clickhouse::{Client, Row};
use schemas::row::Table;
use serde::Deserialize;
use service::clickhouse::Config;

use crate::dedupe::{ALLOWANCE_MS, Id, Ids};
use crate::error::Error;

/// Insertions of one slice before giving up: each one that does not appear needs a kill at the wrong moment.
const ATTEMPTS: u32 = 9;
/// Blocks of an insert hold at least this many rows: above any slice, so that a slice is one block and one part.
const BLOCK_ROWS: &str = "1048576";

/// A parameter of a query stays below ClickHouse's `http_max_field_value_size`.
const IDS_A_QUERY: usize = 3_000;

/// Offsets of one partition, both included, within one log day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub first: i64,
    pub last: i64,
    pub log_day: u16,
}

/// A table, seen from one partition of the log.
pub struct Sink<T> {
    client: Client,
    /// `database.table`.
    table: String,
    topic: String,
    generation: u16,
    partition: u32,
    timeout: Duration,
    rows: PhantomData<fn(T)>,
}

/// Where a sink's rows come from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub generation: u16,
}

/// Whether a slice can have left a token or a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// This worker is the first to insert it.
    Fresh,
    /// It may have been inserted before.
    Unknown,
}

#[derive(Row, Deserialize)]
struct Delivered {
    id: Id,
    appended_at: i64,
}

#[derive(Row, Deserialize)]
struct OnlyId {
    id: Id,
}

impl<T: Table> Sink<T> {
    /// Connects with the first call.
    #[must_use]
    pub fn new(tables: &Config, origin: Origin<'_>, timeout: Duration) -> Self {
        Self {
            client: tables.writer(),
            table: format!("{}.{}", tables.database, <T as Table>::NAME),
            topic: origin.topic.to_owned(),
            generation: origin.generation,
            partition: u32::try_from(origin.partition).unwrap_or_default(),
            timeout,
            rows: PhantomData,
        }
    }

    /// Puts the rows of a slice into the table exactly once. Returns false where they were there already.
    ///
    /// # Errors
    /// The outcome is unknown: to be called again with [`History::Unknown`].
    pub async fn put(&self, range: Range, rows: &[T], history: History) -> Result<bool, Error> {
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

    /// What makes two insertions of a slice equal: `topic:partition:first-last@generation`, from the second attempt on with its number.
    #[must_use]
    pub fn token(&self, range: Range, attempt: u32) -> String {
        let base = format!("{}:{}:{}-{}@{}", self.topic, self.partition, range.first, range.last, self.generation);
        if attempt <= 1 { base } else { format!("{base}:{attempt}") }
    }

    /// Whether the table holds any row of the range.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn holds(&self, range: Range) -> Result<bool, TableError> {
        let sql = format!(
            "select toUInt8(1) from {} where log_day = toDate({{day:UInt16}}) and log_generation = {{generation:UInt16}} \
             and log_partition = {{partition:UInt32}} and log_offset between {{first:UInt64}} and {{last:UInt64}} limit 1",
            self.table
        );
        let query = self.query(&sql).param("day", range.log_day).param("first", range.first).param("last", range.last);
        Ok(self.within(query.fetch_optional::<u8>()).await?.is_some())
    }

    /// The highest offset of this partition in the table; of log days from `since` on, where that is given.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn highest(&self, since: Option<u16>) -> Result<Option<i64>, TableError> {
        // A filter by day is not in the projection, so it is there only where it is needed.
        let days = since.map(|day| format!("and log_day >= toDate({day})")).unwrap_or_default();
        let sql = format!(
            "select max(log_offset) from {} where log_generation = {{generation:UInt16}} and log_partition = {{partition:UInt32}} {days} \
             group by log_generation, log_partition",
            self.table
        );
        let highest = self.within(self.query(&sql).fetch_optional::<u64>()).await?;
        Ok(highest.map(|offset| i64::try_from(offset).unwrap_or(i64::MAX)))
    }

    /// Which of these ids were delivered before the slice that begins at `first`.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn known(&self, ids: &[Id], first: i64) -> Result<Ids, TableError> {
        let sql = format!(
            "select {id} as id from {table} where {id} in (select toFixedString(unhex(arrayJoin({{ids:Array(String)}})), 16)) and {BEFORE}",
            id = T::ID,
            table = self.table
        );
        let mut known = Ids::default();
        for some in ids.chunks(IDS_A_QUERY) {
            let hex: Vec<String> = some.iter().map(|id| id.iter().map(|byte| format!("{byte:02X}")).collect()).collect();
            let query = self.query(&sql).param("ids", hex).param("first", first);
            let rows = self.within(query.fetch_all::<OnlyId>()).await?;
            known.extend(rows.into_iter().map(|row| row.id));
        }
        Ok(known)
    }

    /// Deliveries taken at `since` or later, before the offset `first`: the newest `limit`, oldest first.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn delivered(&self, since: i64, first: i64, limit: usize) -> Result<Vec<(Id, i64)>, TableError> {
        let sql = format!(
            "select {id} as id, appended_at from {table} where log_day >= toDate(fromUnixTimestamp64Milli({{since:Int64}}, 'UTC')) \
             and appended_at >= fromUnixTimestamp64Milli({{since:Int64}}, 'UTC') and {BEFORE} \
             order by appended_at desc, log_offset desc limit {{limit:UInt64}}",
            id = T::ID,
            table = self.table
        );
        let query = self.query(&sql).param("since", since).param("first", first).param("limit", limit);
        let mut rows = self.within(query.fetch_all::<Delivered>()).await?;
        rows.reverse();
        Ok(rows.into_iter().map(|row| (row.id, row.appended_at)).collect())
    }

    /// Whether anything was delivered earlier than `since`, before the offset `first`.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn has_earlier(&self, since: i64, first: i64) -> Result<bool, TableError> {
        let sql = format!(
            "select toUInt8(1) from {} where appended_at < fromUnixTimestamp64Milli({{since:Int64}}, 'UTC') and {BEFORE} limit 1",
            self.table
        );
        let query = self.query(&sql).param("since", since).param("first", first);
        Ok(self.within(query.fetch_optional::<u8>()).await?.is_some())
    }

    /// Ids of deliveries that were dated ahead and may still be met by a twin that occurred after `since`.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn dated_ahead(&self, since: i64, first: i64) -> Result<Vec<Id>, TableError> {
        let sql = format!(
            "select {id} as id from {table} where occurred_at > {{since:Int64}} \
             and occurred_at - {ALLOWANCE_MS} > toUnixTimestamp64Milli(appended_at) and {BEFORE}",
            id = T::ID,
            table = self.table
        );
        let query = self.query(&sql).param("since", since).param("first", first);
        Ok(self.within(query.fetch_all::<OnlyId>()).await?.into_iter().map(|row| row.id).collect())
    }

    async fn insert(&self, range: Range, rows: &[T], attempt: u32) -> Result<(), TableError> {
        let token = self.token(range, attempt);
        let mut settings: Vec<(&str, &str)> = one_part().to_vec();
        settings.push(("insert_deduplication_token", &token));
        self.write(&self.table, rows, &settings).await
    }

    async fn write(&self, table: &str, rows: &[T], settings: &[(&str, &str)]) -> Result<(), TableError> {
        let send = async {
            let mut insert = self.client.insert_unescaped::<T>(table).await?;
            for (name, value) in settings {
                insert = insert.with_setting(*name, *value);
            }
            for row in rows {
                insert.write(row).await?;
            }
            insert.end().await
        };
        self.within(send).await
    }

    fn query(&self, sql: &str) -> clickhouse::query::Query {
        self.client.query(sql).param("generation", self.generation).param("partition", self.partition)
    }

    async fn within<R>(&self, call: impl Future<Output = Result<R, clickhouse::error::Error>>) -> Result<R, TableError> {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(TableError::TimedOut(self.timeout)),
        }
    }
}

/// The rows that come before a slice in the log; of an earlier generation all.
const BEFORE: &str = "(log_generation < {generation:UInt16} or (log_generation = {generation:UInt16} \
     and log_partition = {partition:UInt32} and log_offset < {first:UInt64}))";

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
        let origin = Origin { topic: "connections", partition: 3, generation: 2 };
        let sink = Sink::<ConnectionRow>::new(&Config::default(), origin, Duration::from_secs(1));
        let range = Range { first: 5, last: 17, log_day: 20_000 };
        assert_eq!(sink.token(range, 1), "connections:3:5-17@2");
        assert_eq!(sink.token(range, 2), "connections:3:5-17@2:2");
    }
}
