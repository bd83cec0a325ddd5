//! `GET /v1/admin/log/message/error/list`: reports by content, newest first.

use crate::admin::{self, Documented, Refusal, Reply};
use crate::authenticate::{Gate, Operator};
use crate::error::{Error, invalid};
use crate::param::{Integer, Text, count};
use crate::store::{Row, Statement, Store};
use crate::zone::sql_time;
use schemars::JsonSchema;
use schemas::time::DAY_MS;
use serde::{Deserialize, Serialize};
use service::http::{Endpoint, Json, Method, Request, Response};
use std::collections::HashMap;

/// The list of errors.
pub struct ErrorList {
    pub gate: Gate,
    pub store: Store,
}

/// Rows of a page where none are asked for, and at most.
const PAGE: u32 = 20;
const MOST: u32 = 200;
/// The latest millisecond that the tables can hold a time for: end of the year 2299.
const END_OF_TIME: i64 = 10_413_791_999_999;

/// The request, not yet read.
pub struct Question(Request);

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    page: Option<Integer>,
    size: Option<Integer>,
    app_id: Option<Text>,
    platform: Option<Text>,
    level: Option<Integer>,
    app_version: Option<Text>,
    error_code: Option<Text>,
    device_id: Option<Text>,
    keyword: Option<Text>,
    start: Option<Integer>,
    end: Option<Integer>,
}

/// A page of reports.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorPage {
    /// Contents that the filters leave.
    total: u64,
    list: Vec<ErrorEntry>,
}

/// Reports of an app with one content, as the latest of them reads; its long texts are cut, the detail has them whole. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorEntry {
    pub id: u64,
    pub digest: String,
    pub app_id: String,
    pub platform: String,
    pub app_version: String,
    pub os_name: String,
    pub os_version: String,
    pub device_id: String,
    pub session_id: String,
    pub user_id: String,
    /// 1 fatal, 2 error, 3 warn, 4 info; 0 not given.
    pub level: u8,
    pub error_code: String,
    pub message: String,
    pub client_ip: String,
    pub user_agent: String,
    pub locale: String,
    pub occurred_at: Option<i64>,
    pub created_at: i64,
    /// Occurrences with this content.
    pub count: u64,
}

/// A row of `error_rows.sql`.
#[derive(Row, Deserialize)]
struct Report {
    log_partition: u32,
    log_offset: u64,
    content_id: u64,
    content: String,
    app: String,
    platform: String,
    version: String,
    os_name: String,
    os_version: String,
    device_id: String,
    session_id: String,
    user_id: String,
    level: u8,
    error_code: String,
    message: String,
    client_ip: String,
    user_agent: String,
    locale: String,
    occurred_at: Option<i64>,
    received_ms: i64,
}

/// A row of `error_list.sql`.
#[derive(Row, Deserialize)]
struct Found {
    content: String,
    occurrences: u64,
    log_partition: u32,
    log_offset: u64,
    found: u64,
}

/// A content, and where its latest report lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// Digest, hex.
    pub digest: String,
    pub occurrences: u64,
    pub partition: i64,
    pub offset: i64,
}

impl service::http::Input for Question {
    fn from_request(request: Request) -> Result<Self, Response> {
        Ok(Self(request))
    }

    fn query() -> Documented {
        &[
            ("page", "from 1"),
            ("size", "rows of a page, 20 if not given, at most 200"),
            ("appId", "only this app; all that the token may see if not given"),
            ("platform", "only this platform, as sent"),
            ("level", "only this level: 1 fatal, 2 error, 3 warn, 4 info"),
            ("appVersion", "only this version"),
            ("errorCode", "only this code"),
            ("deviceId", "only this device"),
            ("keyword", "only with this text in message or stack"),
            ("start", "received at or after, Unix milliseconds"),
            ("end", "received at or before, Unix milliseconds"),
        ]
    }
}

impl Endpoint for ErrorList {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/v1/admin/log/message/error/list";
    const SUMMARY: &'static str = "Reports by content, newest first (Bearer)";
    const TAG: &'static str = "admin";
    const BODY_LIMIT: usize = crate::param::bounds::LONGEST_BODY;
    type Input = Question;
    type Output = Json<Reply<ErrorPage>>;
    type Error = Refusal;

    async fn call(&self, question: Question) -> Result<Json<Reply<ErrorPage>>, Refusal> {
        let (operator, parameters): (_, Parameters) = admin::asked(&self.gate, &question.0)?;
        let store = self.store.of(&operator.id);
        let size = count("size", parameters.size, PAGE, MOST)?;
        let offset = page_offset(parameters.page, size)?;
        let filters = bind(Statement::new(include_str!("error_list.sql")), &parameters)?.texts("apps", &apps(&operator, parameters.app_id));
        let found: Vec<Found> = store.fetch(filters.clone().unsigned("rows", size).unsigned("start", offset)).await?;
        // Beyond the last page there is no row to tell how many there are.
        let total = match found.first() {
            Some(row) => row.found,
            None if offset > 0 => {
                store.first::<Found>(filters.unsigned("rows", 1_u8).unsigned("start", 0_u8)).await?.map_or(0, |row| row.found)
            }
            None => 0,
        };
        let contents: Vec<Content> = found.into_iter().map(Content::from).collect();
        Ok(Json(Reply::ok(ErrorPage { total, list: entries(&store, &contents).await? })))
    }
}

/// The apps that are meant: the one that is named, else all that the operator may see; empty = all.
pub(super) fn apps(operator: &Operator, named: Option<Text>) -> Vec<String> {
    named.map(|app| vec![app.0]).or_else(|| operator.apps.clone().map(some)).unwrap_or_default()
}

/// An operator of no app sees none, not all: no app has an empty name.
fn some(apps: Vec<String>) -> Vec<String> {
    if apps.is_empty() { vec![String::new()] } else { apps }
}

/// The latest reports of contents, in their order.
pub(super) async fn entries(store: &Store, contents: &[Content]) -> Result<Vec<ErrorEntry>, Error> {
    if contents.is_empty() {
        return Ok(Vec::new());
    }
    let digests: Vec<String> = contents.iter().map(|content| content.digest.clone()).collect();
    let partitions: Vec<i64> = contents.iter().map(|content| content.partition).collect();
    let offsets: Vec<i64> = contents.iter().map(|content| content.offset).collect();
    let statement = Statement::new(include_str!("error_rows.sql"))
        .texts("contents", &digests)
        .integers("partitions", &partitions)
        .integers("offsets", &offsets);
    let reports: Vec<Report> = store.fetch(statement).await?;
    let mut known: HashMap<Place, Report> = reports.into_iter().map(|report| (report.place(), report)).collect();
    let entry = |content: &Content| {
        let place = (content.digest.clone(), content.partition, content.offset);
        known.remove(&place).map(|report| report.entry(content.occurrences))
    };
    Ok(contents.iter().filter_map(entry).collect())
}

impl From<Found> for Content {
    fn from(row: Found) -> Self {
        let offset = i64::try_from(row.log_offset).unwrap_or(i64::MAX);
        Self { digest: row.content, occurrences: row.occurrences, partition: i64::from(row.log_partition), offset }
    }
}

fn page_offset(page: Option<Integer>, size: u32) -> Result<u32, Error> {
    let page = page.map_or(1, |page| page.0);
    let offset = page.checked_sub(1).filter(|before| *before >= 0).and_then(|before| before.checked_mul(i64::from(size)));
    offset.and_then(|offset| u32::try_from(offset).ok()).ok_or_else(|| invalid("page", "expected a page from 1 up"))
}

fn bind(statement: Statement, parameters: &Parameters) -> Result<Statement, Error> {
    let text = |value: &Option<Text>| value.as_ref().map(|value| value.0.clone()).unwrap_or_default();
    let level = u8::try_from(parameters.level.unwrap_or_default().0).map_err(|_| invalid("level", "expected 1, 2, 3 or 4"))?;
    let moment = |value: Option<Integer>, otherwise: i64| value.map_or(otherwise, |value| value.0.clamp(0, END_OF_TIME));
    let start = moment(parameters.start, 0);
    // The log takes a report after the edge did; a day more for clocks that differ.
    let first_day = sql_time(((start - DAY_MS) / 1000).max(0));
    Ok(statement
        .text("first_day", first_day.split(' ').next().unwrap_or_default())
        .text("platform", text(&parameters.platform))
        .unsigned("level", level)
        .text("version", text(&parameters.app_version))
        .text("error_code", text(&parameters.error_code))
        .text("device_id", text(&parameters.device_id))
        .text("keyword", text(&parameters.keyword))
        .integer("start_ms", start)
        .integer("end_ms", moment(parameters.end, END_OF_TIME)))
}

/// A digest, and partition and offset in the log: the same place of another generation of the log holds another digest.
type Place = (String, i64, i64);

impl Report {
    fn place(&self) -> Place {
        (self.content.clone(), i64::from(self.log_partition), i64::try_from(self.log_offset).unwrap_or(i64::MAX))
    }

    fn entry(self, count: u64) -> ErrorEntry {
        ErrorEntry {
            id: self.content_id,
            digest: self.content.to_ascii_lowercase(),
            app_id: self.app,
            platform: self.platform,
            app_version: self.version,
            os_name: self.os_name,
            os_version: self.os_version,
            device_id: self.device_id,
            session_id: self.session_id,
            user_id: self.user_id,
            level: self.level,
            error_code: self.error_code,
            message: self.message,
            client_ip: self.client_ip,
            user_agent: self.user_agent,
            locale: self.locale,
            occurred_at: self.occurred_at,
            created_at: self.received_ms,
            count,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn pages_count_from_one() {
        assert_eq!(page_offset(None, 20).unwrap(), 0);
        assert_eq!(page_offset(Some(Integer(3)), 20).unwrap(), 40);
        for page in [0, -1, i64::MIN, i64::MAX, 1 << 40] {
            assert!(page_offset(Some(Integer(page)), 20).is_err(), "{page}");
        }
    }
}
