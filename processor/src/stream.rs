//! The streams: which records of the log become which rows.

use crate::dedupe::DedupeKey;
use crate::fault_injection;
use crate::group::{self, Grouping, Subject};
use crate::project::Rules;
use schemas::record::{Connection, IssueChange, RawReport, Record, RejectedReport};
use schemas::row::{ConnectionRow, GroupingColumns, IssueChangeRow, OccurrenceRow, Position, RejectedReportRow, Table};
use serde::Serialize;

/// Bytes that an item of a list of texts takes beside its text, with the allocator's overhead.
const ITEM_BYTES: usize = 48;

/// A topic that is folded into a table. Rows depend on the record, its position and the rules of projects only, so equal logs give equal tables.
pub trait Stream: Send + 'static {
    type Record: Record + Send;
    type Row: Table + Serialize;

    /// Whether a window of ids is kept in memory. Without it every id is looked up.
    const REMEMBERS: bool;
    /// Whether retention takes from the topic, so that a replay folds some log days of the table and keeps the others.
    const IS_DAILY: bool;
    /// The rows that may have a twin, as a condition in SQL.
    const TWIN_FILTER: &'static str;

    /// The key by which re-deliveries of a record are recognised.
    fn dedupe_key(record: &Self::Record, appended_at: i64) -> DedupeKey;

    /// Bytes that the lists of a record take in memory beside their texts.
    #[must_use]
    fn list_bytes(_: &Self::Record) -> usize {
        0
    }

    /// The row of a record that is delivered for the first time. `rules` are the rules of the projects.
    fn row(position: Position, record: Self::Record, rules: &Rules) -> Self::Row;
}

/// A stream without its types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamSpec {
    pub topic: &'static str,
    pub table: &'static str,
    /// The column of the id that re-deliveries share.
    pub id: &'static str,
    /// See [`Stream::IS_DAILY`].
    pub is_daily: bool,
    /// See [`Stream::TWIN_FILTER`].
    pub twin_filter: &'static str,
}

impl StreamSpec {
    const fn of<S: Stream>() -> Self {
        Self { topic: S::Record::TOPIC, table: <S::Row as Table>::NAME, id: S::Row::ID, is_daily: S::IS_DAILY, twin_filter: S::TWIN_FILTER }
    }
}

/// Every stream.
pub const STREAMS: [StreamSpec; 4] = [
    StreamSpec::of::<Occurrences>(),
    StreamSpec::of::<Connections>(),
    StreamSpec::of::<RejectedReports>(),
    StreamSpec::of::<IssueChanges>(),
];

const NAMED_OR_DATED: &str = "event_id != '' or occurred_at is not null";

/// `raw-reports` → `occurrences`: each report in its issue.
pub struct Occurrences;
/// `connections` → `connections`.
pub struct Connections;
/// `issue-changes` → `issue_changes`.
pub struct IssueChanges;
/// `rejected-reports` → `rejected_reports`.
pub struct RejectedReports;

impl Stream for Occurrences {
    type Record = RawReport;
    type Row = OccurrenceRow;
    const REMEMBERS: bool = true;
    const IS_DAILY: bool = true;
    const TWIN_FILTER: &'static str = NAMED_OR_DATED;

    fn dedupe_key(record: &RawReport, appended_at: i64) -> DedupeKey {
        DedupeKey { id: record.report_id.0, occurred_at: record.occurred_at, is_named: !record.event_id.is_empty(), appended_at }
    }

    fn list_bytes(record: &RawReport) -> usize {
        let lists = [&record.fingerprint, &record.tags, &record.truncated].map(Vec::len).iter().sum::<usize>();
        let files = record.threads.len() + record.attachments.len();
        let pairs = record.user_key.len() + record.server_key.len();
        lists * ITEM_BYTES + (files + pairs) * 2 * ITEM_BYTES
    }

    fn row(position: Position, record: RawReport, rules: &Rules) -> OccurrenceRow {
        fault_injection::trigger(&record.exp_message);
        let grouping = group::group_with(&subject(&record), rules);
        let columns = columns(&record, grouping, rules.stamp());
        OccurrenceRow::new(position, record, columns)
    }
}

impl Stream for Connections {
    type Record = Connection;
    type Row = ConnectionRow;
    const REMEMBERS: bool = true;
    const IS_DAILY: bool = true;
    const TWIN_FILTER: &'static str = NAMED_OR_DATED;

    fn dedupe_key(record: &Connection, appended_at: i64) -> DedupeKey {
        DedupeKey { id: record.connection_id.0, occurred_at: record.occurred_at, is_named: !record.event_id.is_empty(), appended_at }
    }

    fn row(position: Position, record: Connection, _: &Rules) -> ConnectionRow {
        ConnectionRow::new(position, record)
    }
}

impl Stream for IssueChanges {
    type Record = IssueChange;
    type Row = IssueChangeRow;
    const REMEMBERS: bool = false;
    const IS_DAILY: bool = false;
    const TWIN_FILTER: &'static str = "1";

    fn dedupe_key(record: &IssueChange, appended_at: i64) -> DedupeKey {
        DedupeKey { id: record.change_id.0, occurred_at: None, is_named: true, appended_at }
    }

    fn row(position: Position, record: IssueChange, _: &Rules) -> IssueChangeRow {
        IssueChangeRow::new(position, record)
    }
}

impl Stream for RejectedReports {
    type Record = RejectedReport;
    type Row = RejectedReportRow;
    const REMEMBERS: bool = false;
    const IS_DAILY: bool = true;
    const TWIN_FILTER: &'static str = "1";

    fn dedupe_key(record: &RejectedReport, appended_at: i64) -> DedupeKey {
        DedupeKey { id: schemas::digest::letter_id(&record.key()), occurred_at: None, is_named: true, appended_at }
    }

    fn row(position: Position, record: RejectedReport, _: &Rules) -> RejectedReportRow {
        RejectedReportRow::new(position, record)
    }
}

/// The parts of a report that grouping reads.
#[must_use]
pub fn subject(report: &RawReport) -> Subject<'_> {
    Subject {
        app_id: &report.app_id,
        platform_id: u8::try_from(report.platform_id).unwrap_or_default(),
        category: report.category.name(),
        exception_type: &report.exception_type,
        platform_text: &report.platform,
        exp_name: &report.exp_name,
        exp_message: &report.exp_message,
        stack: &report.call_stack,
        client_fingerprint: &report.fingerprint,
        app_version: &report.version,
    }
}

/// The columns of a grouping. The report's own exception and message stay; grouping fills in what only the stack says.
fn columns(report: &RawReport, grouping: Grouping, rules: u32) -> GroupingColumns {
    let own = |own: &str, found: String| if own.is_empty() { found } else { own.to_owned() };
    GroupingColumns {
        issue_id: grouping.issue_id,
        fingerprint: grouping.fingerprint,
        version: group::VERSION,
        rules,
        basis: grouping.basis,
        signature: grouping.signature,
        key_frame: grouping.key_frame,
        kind: grouping.kind.name().to_owned(),
        is_system_stack: grouping.is_system_stack,
        stack_hash: grouping.stack_hash,
        app_stack_hash: grouping.app_stack_hash,
        message_hash: grouping.message_hash,
        parts: serde_json::to_string(&grouping.parts).unwrap_or_default(),
        exp_name: own(&report.exp_name, grouping.exp_name),
        exp_message: own(&report.exp_message, grouping.exp_message),
    }
}

#[cfg(test)]
mod proportion;

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::ids::ReportId;
    use schemas::record::{Category, TABLE_TOPICS};
    use std::collections::BTreeSet;

    #[test]
    fn every_topic_that_is_consumed_has_its_stream() {
        assert_eq!(BTreeSet::from(STREAMS.map(|stream| stream.topic)), BTreeSet::from(TABLE_TOPICS));
    }

    fn position() -> Position {
        Position { generation: 1, partition: 2, offset: 3, appended_at: 1_763_700_000_000 }
    }

    #[test]
    fn a_report_becomes_an_occurrence_of_its_issue() {
        let report = RawReport {
            report_id: ReportId([9; 16]),
            exp_name: "java.lang.IllegalStateException".to_owned(),
            exp_message: "状态错误 42".to_owned(),
            call_stack: "java.lang.IllegalStateException: 状态错误 42\n\tat com.demo.Main.run(Main.java:7)\n".to_owned(),
            ..RawReport::new("a1b2c3d4e5", "native", Category::Error, 1_763_700_000_000)
        };
        let other = RawReport { exp_message: "状态错误 43".to_owned(), ..report.clone() };
        let row = Occurrences::row(position(), report.clone(), &Rules::default());
        assert_eq!((row.log_generation, row.log_partition, row.log_offset), (1, 2, 3));
        assert_eq!(row.report_id, [9; 16]);
        assert_eq!(row.grouping_version, group::VERSION);
        assert!(row.grouping_parts.starts_with('['), "{}", row.grouping_parts);
        assert_eq!(row.exp_message, "状态错误 42");
        assert_eq!(row.issue_id, Occurrences::row(position(), other, &Rules::default()).issue_id);
        assert_eq!(row, Occurrences::row(position(), report, &Rules::default()), "a pure function");
    }

    #[test]
    fn a_report_without_name_and_date_has_no_twin() {
        let report = RawReport::new("a", "log-message", Category::Error, 5);
        assert!(Occurrences::dedupe_key(&report, 7).is_unique());
        let named = RawReport { event_id: "e".to_owned(), ..report };
        assert!(!Occurrences::dedupe_key(&named, 7).is_unique());
    }
}
