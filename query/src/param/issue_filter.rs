//! Which issues a list shows, and in which order.

use super::{Block, Context, Integer, Text};
use crate::error::{Error, invalid};
use crate::store::{Bind, Statement};
use schemars::JsonSchema;
use schemas::time::{DAY_MS, HOUR_MS};
use serde::Deserialize;

/// How an [`IssueFilter`] is spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "IssueFilter")]
pub struct IssueFilterFields {
    /// Order of the list: desc (as where it is absent) or asc.
    sort_order: Option<Text>,
    /// What the list is sorted by: uploadTime (as where it is absent), firstUploadTime, imeiCount or count.
    sort_field: Option<Text>,
    /// Statuses, separated by commas: 0 open, 1 handled, 2 in progress.
    status: Option<Text>,
    /// Only issues with a report in the last so many milliseconds.
    issue_upload_time_relative_millis: Option<Integer>,
    /// Only issues first reported at or after this time, Unix milliseconds.
    issue_first_upload_time_begin_millis: Option<Integer>,
    /// Only issues first reported at or before this time, Unix milliseconds.
    issue_first_upload_time_end_millis: Option<Integer>,
    /// Deprecated: last_1_hour, last_2_day, last_7_day, last_15_day or last_30_day.
    date: Option<Text>,
    /// UNREPORTED or REPORTED: issues without or with a linked ticket.
    tapd_bug_status: Option<Text>,
}

/// Filters and order of a list of issues. Times are Unix milliseconds, inclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueFilter {
    statuses: Vec<i64>,
    last_from: i64,
    first_from: i64,
    first_to: i64,
    /// 0 any, 1 with, 2 without.
    ticket: u8,
    sort: &'static str,
    descending: bool,
}

impl Block for IssueFilter {
    type Fields = IssueFilterFields;

    fn check(fields: IssueFilterFields, context: &Context<'_>) -> Result<Self, Error> {
        let last_from = match (fields.issue_upload_time_relative_millis, &fields.date) {
            (Some(Integer(span)), _) => context.now.saturating_sub(span),
            (None, Some(name)) => context.now - relative(name)?,
            (None, None) => 0,
        };
        let descending = match fields.sort_order.as_deref() {
            None | Some("desc" | "DESC") => true,
            Some("asc" | "ASC") => false,
            Some(_) => return Err(invalid("sortOrder", "expected desc or asc")),
        };
        Ok(Self {
            statuses: statuses(fields.status.as_deref())?,
            last_from,
            first_from: fields.issue_first_upload_time_begin_millis.map_or(0, |time| time.0),
            first_to: fields.issue_first_upload_time_end_millis.map_or(i64::MAX, |time| time.0),
            ticket: ticket(fields.tapd_bug_status.as_deref())?,
            sort: sort(fields.sort_field.as_deref())?,
            descending,
        })
    }
}

impl Bind for IssueFilter {
    const BLOCK: &'static str = "issue_filter";
    const NAMES: &'static [&'static str] = &["statuses", "last_from", "first_from", "first_to", "ticket", "sort", "descending"];

    fn bind(&self, statement: Statement) -> Statement {
        statement
            .integers("statuses", &self.statuses)
            .integer("last_from", self.last_from)
            .integer("first_from", self.first_from)
            .integer("first_to", self.first_to)
            .unsigned("ticket", self.ticket)
            .text("sort", self.sort)
            .flag("descending", self.descending)
    }
}

fn relative(name: &str) -> Result<i64, Error> {
    match name {
        "last_1_hour" => Ok(HOUR_MS),
        "last_2_day" => Ok(2 * DAY_MS),
        "last_7_day" => Ok(7 * DAY_MS),
        "last_15_day" => Ok(15 * DAY_MS),
        "last_30_day" => Ok(30 * DAY_MS),
        _ => Err(invalid("date", "expected last_1_hour, last_2_day, last_7_day, last_15_day or last_30_day")),
    }
}

fn statuses(list: Option<&str>) -> Result<Vec<i64>, Error> {
    let named = list.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
    named.map(|part| part.parse().map_err(|_| invalid("status", "expected a comma list of 0, 1 and 2"))).collect()
}

fn ticket(name: Option<&str>) -> Result<u8, Error> {
    match name {
        None => Ok(0),
        Some("REPORTED") => Ok(1),
        Some("UNREPORTED") => Ok(2),
        Some(_) => Err(invalid("tapdBugStatus", "expected REPORTED or UNREPORTED")),
    }
}

fn sort(field: Option<&str>) -> Result<&'static str, Error> {
    match field {
        None | Some("uploadTime" | "lastestUploadTime" | "latestUploadTime") => Ok("last"),
        Some("firstUploadTime") => Ok("first"),
        Some("imeiCount") => Ok("devices"),
        Some("count" | "crashNum") => Ok("count"),
        Some(_) => Err(invalid("sortField", "expected uploadTime, firstUploadTime, imeiCount or count")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::param::tests::checked;
    use serde_json::json;

    #[test]
    fn bad_filters_are_named() {
        assert!(checked::<IssueFilter>(json!({"status": "0,2", "sortField": "uploadTime", "sortOrder": "desc"})).is_ok());
        assert!(checked::<IssueFilter>(json!({"status": 1, "date": "last_7_day", "issueUploadTimeRelativeMillis": "3600000"})).is_ok());
        for (name, value) in [("status", "open"), ("sortField", "name"), ("sortOrder", "up"), ("date", "yesterday"), ("tapdBugStatus", "x")]
        {
            assert!(checked::<IssueFilter>(json!({name: value})).unwrap_err().starts_with(name), "{name}");
        }
    }
}
