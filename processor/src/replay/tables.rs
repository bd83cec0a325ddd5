//! New tables beside the live ones: they share days with the live tables, are compared with them and exchanged for them.

use crate::log_day::LogDay;
use crate::range::PoisonRecord;
use crate::sink::TableError;
use crate::stream::StreamSpec;
use clickhouse::{Client, Row};
use serde::Deserialize;
use service::clickhouse::Config;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// A comparison that takes more memory than this continues on disk.
const SPILL: &str = "settings max_bytes_before_external_group_by = 1000000000";

/// The live database and a new one beside it.
pub struct ReplayTables {
    client: Client,
    live: String,
    config: Config,
}

/// How the rows of a log day differ between the live table and the new one.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct DayDifference {
    /// The day, as `2026-11-20`.
    pub day: String,
    /// Rows of the live table.
    pub live: u64,
    /// Rows of the new table.
    pub replayed: u64,
    /// Rows that only the live table has.
    pub only_live: u64,
    /// Rows that only the new table has.
    pub only_replayed: u64,
    /// Rows that both tables have with different contents.
    pub changed: u64,
    /// Of these, rows that are in another issue.
    pub regrouped: u64,
}

/// The place of a record that ended a processor, from its dead letter.
#[derive(Row, Deserialize)]
struct DeadLetterSource {
    topic: String,
    partition: u32,
    offset: u64,
    appended_at: i64,
}

impl ReplayTables {
    /// The live database of `tables`, and a new one with this name. Both names are plain.
    #[must_use]
    pub fn new(tables: &Config, name: &str) -> Self {
        let config = Config { database: name.to_owned(), ..tables.clone() };
        Self { client: tables.server(), live: tables.database.clone(), config }
    }

    /// How the new tables are reached.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Removes every database whose name is `prefix` and a hexadecimal number: the new one, and those of replays that were killed.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn remove(&self, prefix: &str) -> Result<(), TableError> {
        let names: Vec<String> = self.client.query_raw("select name from system.databases").fetch_all().await?;
        let is_id = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_hexdigit());
        for name in names.iter().filter(|name| name.strip_prefix(prefix).is_some_and(is_id)) {
            self.run(&format!("drop database if exists {name} sync")).await?;
        }
        Ok(())
    }

    /// Attaches the live days for which `wants` is true to the new table. Their files are shared, not copied.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn attach_live_days(&self, table: &str, wants: impl Fn(u16) -> bool) -> Result<(), TableError> {
        for day in self.days(&self.live, table).await?.into_iter().filter(|day| wants(*day)) {
            let id = LogDay(day).partition_id();
            self.run(&format!("alter table {}.{table} attach partition id '{id}' from {}.{table}", self.config.database, self.live))
                .await?;
        }
        Ok(())
    }

    /// Exchanges a new table and the live one, atomically.
    ///
    /// # Errors
    /// The outcome is unknown.
    pub async fn exchange(&self, table: &str) -> Result<(), TableError> {
        self.run(&format!("exchange tables {}.{table} and {}.{table}", self.live, self.config.database)).await
    }

    /// The highest offset of a generation and partition in the live table.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn highest(&self, table: &str, (generation, partition): (u16, i32)) -> Result<Option<i64>, TableError> {
        let sql = format!(
            "select toInt64(max(log_offset)) from {}.{table} where log_generation = {generation} and log_partition = {partition} \
             group by log_generation, log_partition",
            self.live
        );
        Ok(self.client.query_raw(&sql).fetch_optional().await?)
    }

    /// The last log day of live rows whose records have left the log: those of other generations, and those before the offset `low`.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn last_day_gone(&self, table: &str, (generation, partition): (u16, i32), low: i64) -> Result<Option<u16>, TableError> {
        let sql = format!(
            "select toUInt16(max(log_day)) from {}.{table} where log_generation != {generation} \
             or (log_partition = {partition} and log_offset < {low}) having count() > 0",
            self.live
        );
        Ok(self.client.query_raw(&sql).fetch_optional().await?)
    }

    /// The number of new rows up to the log day `last` whose report the live table has on a later day only.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn twins(&self, stream: &StreamSpec, last: u16) -> Result<u64, TableError> {
        let StreamSpec { table, id, twin_filter, .. } = stream;
        let (live, side) = (&self.live, &self.config.database);
        let place = "(log_generation, log_partition, log_offset)";
        let sql = format!(
            "select count() from {live}.{table} where log_day > toDate({last}) and ({twin_filter}) and {id} in (select {id} from {side}.{table} \
             where log_day <= toDate({last}) and ({twin_filter}) and {place} not in (select {place} from {live}.{table} where log_day <= toDate({last})))"
        );
        Ok(self.client.query_raw(&sql).fetch_one().await?)
    }

    /// The records that ended a processor, from their dead letters.
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn poison_records(&self) -> Result<Vec<PoisonRecord>, TableError> {
        let sql = format!(
            "select distinct toString(source_topic) as topic, source_partition as partition, source_offset as offset, \
             toUnixTimestamp64Milli(source_appended_at) as appended_at from {}.rejected_reports where reason = 'killed_processor'",
            self.live
        );
        let sources = self.client.query_raw(&sql).fetch_all::<DeadLetterSource>().await?;
        let record = |DeadLetterSource { topic, partition, offset, appended_at }| PoisonRecord { topic, partition, offset, appended_at };
        Ok(sources.into_iter().map(record).collect())
    }

    /// Compares the rows of these days. Of the live table only rows before `ends` count (offsets by log partition).
    ///
    /// # Errors
    /// The server is away or refuses.
    pub async fn compare(&self, table: &str, days: &RangeInclusive<u16>, ends: &[i64]) -> Result<Vec<DayDifference>, TableError> {
        let mut all: BTreeSet<u16> = self.days(&self.live, table).await?.into_iter().collect();
        all.extend(self.days(&self.config.database, table).await?);
        let mut reports = Vec::new();
        for day in all.into_iter().filter(|day| days.contains(day)) {
            reports.extend(self.client.query_raw(&self.comparison(table, day, ends)).fetch_all::<DayDifference>().await?);
        }
        Ok(reports)
    }

    fn comparison(&self, table: &str, day: u16, ends: &[i64]) -> String {
        let issue = if table == "occurrences" { "cityHash64(issue_id)" } else { "toUInt64(0)" };
        let rows = |is_new: u8, database: &str, filter: &str| {
            format!(
                "select toUInt8({is_new}) as is_new, log_generation, log_partition, log_offset, cityHash64(tuple(*)) as hash, {issue} as issue \
                 from {database}.{table} where log_day = toDate({day}) {filter}"
            )
        };
        // Where a processor is at work the live table goes on growing.
        let before = format!("and log_offset < arrayElement(cast({ends:?}, 'Array(UInt64)'), log_partition + 1)");
        let (live, side) = (rows(0, &self.live, &before), rows(1, &self.config.database, ""));
        format!(
            "select toString(toDate({day})) as day, countIf(has_live) as live, countIf(has_new) as replayed, \
             countIf(has_live and not has_new) as only_live, countIf(has_new and not has_live) as only_replayed, \
             countIf(has_live and has_new and old_hash != new_hash) as changed, \
             countIf(has_live and has_new and old_issue != new_issue) as regrouped \
             from (select max(is_new = 0) as has_live, max(is_new = 1) as has_new, maxIf(hash, is_new = 0) as old_hash, \
             maxIf(hash, is_new = 1) as new_hash, maxIf(issue, is_new = 0) as old_issue, maxIf(issue, is_new = 1) as new_issue \
             from ({live} union all {side}) group by log_generation, log_partition, log_offset) having live + replayed > 0 {SPILL}"
        )
    }

    async fn days(&self, database: &str, table: &str) -> Result<Vec<u16>, TableError> {
        let sql = format!("select distinct toUInt16(log_day) as day from {database}.{table} order by day");
        Ok(self.client.query_raw(&sql).fetch_all().await?)
    }

    async fn run(&self, statement: &str) -> Result<(), TableError> {
        Ok(self.client.query_raw(statement).execute().await?)
    }
}
