//! `queryIssueList`: the issues of an app, a page at a time.

use super::issue_info::{Issue, issue};
use super::{aliases, app_versions, issue_facts};
use crate::config::Limits;
use crate::envelope::B;
use crate::error::{Error, invalid};
use crate::operation::{Asked, Operation, aside};
use crate::param::{ExceptionTypes, Integer, Target, Text, TextList, Versions, count, offset};
use crate::store::{Row, Statement};
use crate::zone::Zone;
use schemars::JsonSchema;
use schemas::time::{DAY_MS, HOUR_MS};
use serde::{Deserialize, Serialize};
use service::http::Method;

/// Rows of a page where none are asked for.
const PAGE: u32 = 10;

/// The list of issues.
pub struct IssueList {
    pub zone: Zone,
    pub limits: Limits,
}

/// What it takes. Counts are all-time whatever the filters.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueListParameters {
    /// Rows of a page.
    rows: Option<Integer>,
    /// Row offset.
    start: Option<Integer>,
    /// Comma list of exception types; none = all.
    exception_type_list: Option<Text>,
    /// desc (default) or asc.
    sort_order: Option<Text>,
    /// uploadTime (default), firstUploadTime, imeiCount, count.
    sort_field: Option<Text>,
    /// Comma list of 0 open, 1 handled, 2 in progress.
    status: Option<Text>,
    /// Only issues with a report in the last so many milliseconds.
    issue_upload_time_relative_millis: Option<Integer>,
    /// Only issues first reported at or after this, Unix milliseconds.
    issue_first_upload_time_begin_millis: Option<Integer>,
    /// Only issues first reported at or before this.
    issue_first_upload_time_end_millis: Option<Integer>,
    /// Deprecated: last_1_hour, last_2_day, last_7_day, last_15_day, last_30_day.
    date: Option<Text>,
    /// Only issues seen in these versions; `;` between them, `*` wildcard.
    version: Option<Text>,
    /// The same as a list.
    version_list: Option<TextList>,
    /// UNREPORTED or REPORTED: without or with a linked ticket.
    tapd_bug_status: Option<Text>,
}

/// A page of issues.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuePage {
    app_id: String,
    platform_id: String,
    issue_list: Vec<Issue>,
    /// Issues that the filters leave.
    num_found: u64,
}

#[derive(Row, Deserialize)]
struct Found {
    issue: String,
    found: u64,
}

impl Operation for IssueList {
    const METHODS: &'static [Method] = &[Method::POST, Method::GET];
    crate::paths!("queryIssueList");
    const SUMMARY: &'static str = "Issues of an app";
    type Envelope = B;
    type Parameters = IssueListParameters;
    type Answer = IssuePage;

    async fn answer(&self, asked: Asked<IssueListParameters>) -> Result<IssuePage, Error> {
        let Asked { target, parameters, now, store } = asked;
        let rows = count("rows", parameters.rows, PAGE, self.limits.issues)?;
        let start = offset("start", parameters.start)?;
        let statement = statement(&parameters, &target, now)?;
        let versions = Versions::read(parameters.version.as_ref(), parameters.version_list.as_ref())?;
        let versions = app_versions::resolve(&store, &target, versions, app_versions::ALL_TIME).await?;
        let aliases = aliases::fetch(&store, &target).await?;
        let statement = aliases.bind(versions.bind(statement));
        let found: Vec<Found> = store.fetch(statement.clone().unsigned("rows", rows).unsigned("start", start)).await?;
        // Beyond the last page there is no row to tell how many there are.
        let total = match found.first() {
            Some(row) => row.found,
            None if start > 0 => {
                store.first::<Found>(statement.unsigned("rows", 1_u8).unsigned("start", 0_u8)).await?.map_or(0, |row| row.found)
            }
            None => 0,
        };
        let ids: Vec<String> = found.into_iter().map(|row| row.issue).collect();
        let mut known = issue_facts::fetch(&store, &target, &aliases, &ids).await?;
        let (platform, zone) = (target.platform, self.zone);
        let write =
            move || ids.iter().filter_map(|id| known.remove(id)).map(|(facts, stated)| issue(facts, stated, platform, zone)).collect();
        Ok(IssuePage { issue_list: aside(write).await?, num_found: total, platform_id: platform.to_string(), app_id: target.app })
    }
}

fn statement(parameters: &IssueListParameters, target: &Target, now: i64) -> Result<Statement, Error> {
    let types = ExceptionTypes::read(parameters.exception_type_list.as_ref())?;
    let last_from = match (parameters.issue_upload_time_relative_millis, &parameters.date) {
        (Some(Integer(span)), _) => now.saturating_sub(span),
        (None, Some(name)) => now - relative(name)?,
        (None, None) => 0,
    };
    let descending = match parameters.sort_order.as_deref() {
        None | Some("desc" | "DESC") => true,
        Some("asc" | "ASC") => false,
        Some(_) => return Err(invalid("sortOrder", "expected desc or asc")),
    };
    Ok(Statement::new(include_str!("issue_list.sql"))
        .text("app", &target.app)
        .unsigned("platform", target.platform)
        .texts("categories", &types.categories)
        .texts("exception_types", &types.members)
        .integers("statuses", &statuses(parameters.status.as_ref())?)
        .integer("last_from", last_from)
        .integer("first_from", parameters.issue_first_upload_time_begin_millis.map_or(0, |time| time.0))
        .integer("first_to", parameters.issue_first_upload_time_end_millis.map_or(i64::MAX, |time| time.0))
        .unsigned("ticket", ticket(parameters.tapd_bug_status.as_ref())?)
        .text("sort", sort(parameters.sort_field.as_ref())?)
        .flag("descending", descending))
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

fn statuses(list: Option<&Text>) -> Result<Vec<i64>, Error> {
    let named = list.map_or("", |list| list).split(',').map(str::trim).filter(|part| !part.is_empty());
    named.map(|part| part.parse().map_err(|_| invalid("status", "expected a comma list of 0, 1 and 2"))).collect()
}

fn ticket(name: Option<&Text>) -> Result<u8, Error> {
    match name.map(|name| &**name) {
        None => Ok(0),
        Some("REPORTED") => Ok(1),
        Some("UNREPORTED") => Ok(2),
        Some(_) => Err(invalid("tapdBugStatus", "expected REPORTED or UNREPORTED")),
    }
}

fn sort(field: Option<&Text>) -> Result<&'static str, Error> {
    match field.map(|field| &**field) {
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

    #[test]
    fn bad_filters_are_named() {
        let target = Target { app: "a".to_owned(), platform: 1 };
        let of = |text: &str| statement(&serde_json::from_str(text).unwrap(), &target, 0).map(|_| ());
        assert!(of(r#"{"status":"0,2","sortField":"uploadTime","sortOrder":"desc","exceptionTypeList":"Crash,Native"}"#).is_ok());
        assert!(of(r#"{"status":1,"date":"last_7_day","issueUploadTimeRelativeMillis":"3600000"}"#).is_ok());
        for (text, name) in [
            (r#"{"status":"open"}"#, "status"),
            (r#"{"sortField":"name"}"#, "sortField"),
            (r#"{"sortOrder":"up"}"#, "sortOrder"),
            (r#"{"date":"yesterday"}"#, "date"),
            (r#"{"tapdBugStatus":"x"}"#, "tapdBugStatus"),
            (r#"{"exceptionTypeList":"x"}"#, "exceptionTypeList"),
        ] {
            assert!(of(text).unwrap_err().to_string().starts_with(name), "{text}");
        }
    }
}
