//! What the table of a partition says about deliveries.

use super::{ALLOWANCE_MS, Bounds, Id, Ids, Window};
use crate::config::Dedupe;
use crate::log_partition::LogPartition;
use crate::sink::{BEFORE, PartitionTable, TableError};
use clickhouse::Row;
use schemas::row::Table;
use serde::Deserialize;
use service::clickhouse::Config;
use std::time::Duration;

/// A parameter of a query stays below ClickHouse's `http_max_field_value_size`.
const IDS_A_QUERY: usize = 3_000;

/// Looks deliveries up in the table of one partition.
pub struct DedupeTable {
    table: PartitionTable,
    /// The column that holds the equality of delivery.
    id: &'static str,
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

impl DedupeTable {
    /// The table of the rows `T`. A look-up that takes longer than `timeout` fails.
    #[must_use]
    pub fn new<T: Table>(tables: &Config, partition: LogPartition, timeout: Duration) -> Self {
        Self { table: PartitionTable::new::<T>(tables, partition, timeout), id: T::ID }
    }

    /// The window as it was before the offset `first`, whose record the log took at `now`.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn window(&self, dedupe: &Dedupe, now: i64, first: i64) -> Result<Window, TableError> {
        let bounds = Bounds { length_ms: i64::try_from(dedupe.window.as_millis()).unwrap_or(i64::MAX / 4), ids: dedupe.ids };
        let since = now.saturating_sub(bounds.length_ms).saturating_sub(ALLOWANCE_MS).max(0);
        let rows = self.delivered(since, first, dedupe.ids.saturating_add(1)).await?;
        let is_cut = rows.len() > dedupe.ids;
        let is_whole = !is_cut && !self.has_earlier(since, first).await?;
        let begin = match rows.first() {
            _ if is_whole => i64::MIN,
            // The oldest of them may have had companions of the same millisecond.
            Some((_, oldest)) if is_cut => oldest.saturating_add(1),
            _ => since,
        };
        let mut window = Window::new(bounds, begin);
        for (id, appended_at) in rows {
            window.remember(id, appended_at);
        }
        window.forget();
        if begin > i64::MIN {
            for id in self.dated_ahead(begin, first).await? {
                window.note_dated_ahead(&id);
            }
        }
        Ok(window)
    }

    /// Which of these ids were delivered before the slice that begins at `first`.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn known(&self, ids: &[Id], first: i64) -> Result<Ids, TableError> {
        let sql = format!(
            "select {id} as id from {table} where {id} in (select toFixedString(unhex(arrayJoin({{ids:Array(String)}})), 16)) and {BEFORE}",
            id = self.id,
            table = self.table.name
        );
        let mut known = Ids::default();
        for some in ids.chunks(IDS_A_QUERY) {
            let hex: Vec<String> = some.iter().map(const_hex::encode_upper).collect();
            let query = self.table.query(&sql).param("ids", hex).param("first", first);
            let rows = self.table.within(query.fetch_all::<OnlyId>()).await?;
            known.extend(rows.into_iter().map(|row| row.id));
        }
        Ok(known)
    }

    /// Deliveries taken at `since` or later, before the offset `first`: the newest `limit`, oldest first.
    async fn delivered(&self, since: i64, first: i64, limit: usize) -> Result<Vec<(Id, i64)>, TableError> {
        let sql = format!(
            "select {id} as id, appended_at from {table} where log_day >= toDate(fromUnixTimestamp64Milli({{since:Int64}}, 'UTC')) \
             and appended_at >= fromUnixTimestamp64Milli({{since:Int64}}, 'UTC') and {BEFORE} \
             order by appended_at desc, log_offset desc limit {{limit:UInt64}}",
            id = self.id,
            table = self.table.name
        );
        let query = self.table.query(&sql).param("since", since).param("first", first).param("limit", limit);
        let mut rows = self.table.within(query.fetch_all::<Delivered>()).await?;
        rows.reverse();
        Ok(rows.into_iter().map(|row| (row.id, row.appended_at)).collect())
    }

    /// Whether anything was delivered earlier than `since`, before the offset `first`.
    async fn has_earlier(&self, since: i64, first: i64) -> Result<bool, TableError> {
        let sql = format!(
            "select toUInt8(1) from {} where appended_at < fromUnixTimestamp64Milli({{since:Int64}}, 'UTC') and {BEFORE} limit 1",
            self.table.name
        );
        let query = self.table.query(&sql).param("since", since).param("first", first);
        Ok(self.table.within(query.fetch_optional::<u8>()).await?.is_some())
    }

    /// Ids of deliveries that were dated ahead and may still be met by a twin that occurred after `since`.
    async fn dated_ahead(&self, since: i64, first: i64) -> Result<Vec<Id>, TableError> {
        let sql = format!(
            "select {id} as id from {table} where occurred_at > {{since:Int64}} \
             and occurred_at - {ALLOWANCE_MS} > toUnixTimestamp64Milli(appended_at) and {BEFORE}",
            id = self.id,
            table = self.table.name
        );
        let query = self.table.query(&sql).param("since", since).param("first", first);
        Ok(self.table.within(query.fetch_all::<OnlyId>()).await?.into_iter().map(|row| row.id).collect())
    }
}
