//! `GET /v1/admin/pipeline`: how far the tables are behind the log.

use crate::envelope::Bare;
use crate::error::Error;
use crate::operation::{AdminAsked, AdminOperation, Writes};
use crate::sql;
use crate::store::Row;
use crate::zone::rfc3339;
use schemars::JsonSchema;
use schemas::commit_note::CommitNote;
use schemas::record::TABLE_TOPICS;
use serde::{Deserialize, Serialize};
use service::kafka::Admin;
use std::collections::HashMap;

/// The state of the pipeline. It reads the log's offsets, which are the journal's.
pub struct Pipeline;

/// What is in the log and not yet in the tables.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "pipeline.State")]
pub struct PipelineState {
    /// Records not yet in the tables; 0 = all that was acknowledged before the question can be queried.
    lag: i64,
    /// Append time up to which everything is in the tables, RFC 3339.
    complete_through: String,
    partitions: Vec<Partition>,
}

/// A partition of the log.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "pipeline.Partition")]
pub struct Partition {
    topic: &'static str,
    partition: i32,
    /// The first offset that is not known to be in the tables. A slice that is being worked on is not.
    committed: i64,
    /// The offset that the next record will have.
    end: i64,
    lag: i64,
    /// Why the processor does not go on with this partition until somebody acts, a stable code; null where it does.
    halted: Option<String>,
}

/// A row of `pipeline.sql`.
#[derive(Debug, Clone, Row, Deserialize)]
struct LastRow {
    topic: String,
    log_partition: u32,
    appended_ms: i64,
}

impl AdminOperation for Pipeline {
    const PATH: &'static str = "/v1/admin/pipeline";
    const SUMMARY: &'static str = "How far the tables are behind the log (Bearer)";
    type Uses = Writes;
    type Envelope = Bare;
    type Parameters = ();
    type Answer = PipelineState;

    async fn answer(writes: &Writes, asked: AdminAsked<Self>) -> Result<PipelineState, Error> {
        let partitions = partitions(&writes.journal.offsets).await?;
        let lag = partitions.iter().map(|partition| partition.lag).sum();
        let last_rows = match lag {
            0 => Vec::new(),
            _ => writes.reads.store.fetch::<LastRow>(sql!("pipeline.sql")).await?,
        };
        // Asked before the ends were read: what came later may not be in the tables.
        Ok(PipelineState { lag, complete_through: rfc3339(complete_through(&partitions, &last_rows, asked.now)), partitions })
    }
}

async fn partitions(log: &Admin) -> Result<Vec<Partition>, Error> {
    let mut known = Vec::new();
    for topic in TABLE_TOPICS {
        for partition in 0..log.partitions(topic).await? {
            known.push((topic, partition));
        }
    }
    let asked: Vec<_> = known.iter().map(|(topic, partition)| ((*topic).to_owned(), *partition)).collect();
    // Committed first: what is folded meanwhile makes the lag look larger, never smaller.
    let committed = log.committed(log.processor_group(), &asked).await?;
    let mut partitions = Vec::with_capacity(known.len());
    for ((topic, partition), committed) in known.into_iter().zip(committed) {
        let (low, end) = log.watermarks(topic, partition).await?;
        let halted = committed.as_ref().and_then(|(offset, metadata)| halted(*offset, metadata));
        let committed = committed.map_or(low, |(offset, _)| offset.max(low));
        partitions.push(Partition { topic, partition, committed, end, lag: (end - committed).max(0), halted });
    }
    Ok(partitions)
}

/// Why a stream is halted, by what its processor has committed.
fn halted(offset: i64, metadata: &str) -> Option<String> {
    match CommitNote::read(offset, metadata) {
        Some(note) => note.halted,
        // No processor goes on from what it has not written.
        None => Some("foreign_metadata".to_owned()),
    }
}

/// Now, where nothing is behind; else the earliest of the last rows of the partitions that are, where a partition without a row counts as
/// one of which nothing is there. Unix milliseconds.
fn complete_through(partitions: &[Partition], last_rows: &[LastRow], now: i64) -> i64 {
    let rows: HashMap<(&str, i64), i64> =
        last_rows.iter().map(|row| ((row.topic.as_str(), i64::from(row.log_partition)), row.appended_ms)).collect();
    let behind = partitions.iter().filter(|partition| partition.lag > 0);
    let through = behind.map(|partition| rows.get(&(partition.topic, i64::from(partition.partition))).copied().unwrap_or(0));
    through.min().map_or(now, |through| through.min(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(topic: &'static str, partition: i32, lag: i64) -> Partition {
        Partition { topic, partition, committed: 10, end: 10 + lag, lag, halted: None }
    }

    fn last_row(topic: &str, log_partition: u32, appended_ms: i64) -> LastRow {
        LastRow { topic: topic.to_owned(), log_partition, appended_ms }
    }

    #[test]
    fn only_partitions_that_are_behind_hold_the_time_back() {
        let rows = [last_row(TABLE_TOPICS[0], 0, 100), last_row(TABLE_TOPICS[0], 1, 200), last_row(TABLE_TOPICS[1], 0, 50)];
        let state = |lags: [i64; 3]| {
            let partitions =
                [partition(TABLE_TOPICS[0], 0, lags[0]), partition(TABLE_TOPICS[0], 1, lags[1]), partition(TABLE_TOPICS[1], 0, lags[2])];
            complete_through(&partitions, &rows, 1_000)
        };
        assert_eq!(state([0, 0, 0]), 1_000);
        assert_eq!(state([0, 1, 0]), 200);
        assert_eq!(state([5, 1, 0]), 100);
        assert_eq!(state([5, 1, 9]), 50);
        assert_eq!(complete_through(&[partition(TABLE_TOPICS[2], 3, 1)], &rows, 1_000), 0);
    }

    #[test]
    fn the_statement_names_every_topic_that_becomes_a_table() {
        for topic in TABLE_TOPICS {
            assert!(include_str!("pipeline.sql").contains(&format!("select '{topic}' as topic")), "{topic}");
        }
    }

    #[test]
    fn a_halted_stream_is_told_from_one_at_work() {
        assert_eq!(halted(7, ""), None);
        assert_eq!(halted(7, "aftershock/1 end=19"), None);
        assert_eq!(halted(7, "aftershock/2 end=19 attempts=0 halted=nothing_valid"), Some("nothing_valid".to_owned()));
        assert_eq!(halted(7, "别人写的"), Some("foreign_metadata".to_owned()));
    }
}
