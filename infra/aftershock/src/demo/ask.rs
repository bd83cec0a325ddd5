//! Asks query what the demo wants to show: the signed OpenAPI for trend and issues, the operators' door for the lag.

use super::send::retry_after;
use super::show::{Hour, Issue};
use super::target::Target;
use serde::Deserialize;
use serde_json::{Value, json};
use service::http::{Answer, ClientError, HeaderMap, HeaderValue, Method, StatusCode, header};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const PLATFORMS: [i64; 3] = [1, 2, 10];
/// A limited user may ask again within a minute.
const RETRY_TIMEOUT: Duration = Duration::from_secs(90);

/// Why there is no answer to show.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{path} answers {status}: {body}")]
    Refused { path: String, status: StatusCode, body: String },
    #[error("{path} answers something else than documented: {reason}")]
    Shape { path: String, reason: String },
}

/// What `/v1/admin/pipeline` says, as far as it is needed here.
#[derive(Deserialize)]
struct Pipeline {
    lag: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HourRow {
    date: String,
    crash_num: u64,
    crash_user: u64,
    access_num: u64,
    access_user: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssueRow {
    crash_num: u64,
    crash_user: u64,
    exception_name: String,
    exception_message: String,
    #[serde(default)]
    issue_versions: Vec<VersionRow>,
}

#[derive(Deserialize)]
struct VersionRow {
    version: String,
}

/// Records that are acknowledged and not yet in the tables.
pub async fn lag(target: &Target) -> Result<u64, AskError> {
    const PATH: &str = "/v1/admin/pipeline";
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&format!("Bearer {}", target.token)) {
        headers.insert(header::AUTHORIZATION, value);
    }
    let answer = target.query.client.send(Method::GET, &format!("{}{PATH}", target.query.url), headers, "").await?;
    let pipeline: Pipeline = read(PATH, accepted(PATH, answer)?)?;
    Ok(pipeline.lag)
}

/// The crashes of every hour from `start` to `end` (`yyyyMMddHH`), all platforms together.
pub async fn trend(target: &Target, start: &str, end: &str) -> Result<Vec<Hour>, AskError> {
    const NAME: &str = "getRealTimeHourlyStatEx";
    let mut hours: BTreeMap<String, Hour> = BTreeMap::new();
    for platform in PLATFORMS {
        let body = json!({
            "appId": target.app.id, "platformId": platform, "startDate": start, "endDate": end, "type": "crash",
            "dataType": "realTimeTrendData", "vm": 0, "version": "-1", "needCountryDimension": false,
        });
        let mut answer: Value = signed(target, NAME, &body).await?;
        let rows: Vec<HourRow> = part(NAME, answer["ret"]["data"].take())?;
        for row in rows {
            let hour = hours.entry(row.date.clone()).or_insert_with(|| Hour { hour: row.date, ..Hour::default() });
            hour.crashes += row.crash_num;
            hour.devices += row.crash_user;
            hour.connections += row.access_num;
            hour.connected += row.access_user;
        }
    }
    Ok(hours.into_values().collect())
}

/// The most frequent crashes of the days from `first` to `last` (`yyyyMMdd`), at most `limit` of them.
pub async fn top_issues(target: &Target, first: &str, last: &str, limit: usize) -> Result<Vec<Issue>, AskError> {
    const NAME: &str = "getTopIssueEx";
    let mut issues = Vec::new();
    for platform in PLATFORMS {
        let body = json!({
            "appId": target.app.id, "platformId": platform, "version": "-1", "minDate": first, "maxDate": last, "type": "crash",
            "limit": limit, "topIssueDataType": "unSystemExit", "mergeMultipleDatesWithInaccurateResult": true, "countryList": [],
        });
        let mut answer: Value = signed(target, NAME, &body).await?;
        let rows: Vec<IssueRow> = part(NAME, answer["data"]["topIssueList"].take())?;
        issues.extend(rows.into_iter().map(|row| issue(platform, row)));
    }
    issues.sort_by_key(|issue| std::cmp::Reverse((issue.crashes, issue.devices)));
    issues.truncate(limit);
    Ok(issues)
}

fn issue(platform: i64, row: IssueRow) -> Issue {
    let mut versions: Vec<&str> = row.issue_versions.iter().map(|row| row.version.as_str()).collect();
    versions.sort_unstable();
    let versions = match versions.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, .., last] => format!("{first}–{last}"),
    };
    let title = match row.exception_message.is_empty() {
        true => row.exception_name,
        false => format!("{}: {}", row.exception_name, row.exception_message),
    };
    Issue { platform, crashes: row.crash_num, devices: row.crash_user, versions, title }
}

/// Asks an operation of the OpenAPI and waits where the user's limit says so.
async fn signed(target: &Target, name: &str, body: &Value) -> Result<Value, AskError> {
    let mut waited = Duration::ZERO;
    loop {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let answer = target.query.client.send(Method::POST, &signed_url(target, name), headers, body.to_string()).await?;
        if answer.status != StatusCode::TOO_MANY_REQUESTS || waited >= RETRY_TIMEOUT {
            return read(name, accepted(name, answer)?);
        }
        let pause = retry_after(&answer.headers);
        tokio::time::sleep(pause).await;
        waited += pause;
    }
}

fn signed_url(target: &Target, name: &str) -> String {
    let t = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).to_string();
    let signature = service::signature::sign(&target.user.key, &target.user.id, &t).replace('=', "%3D");
    format!("{}/uniform/openapi/{name}?userSecret={signature}&localUserId={}&t={t}", target.query.url, target.user.id)
}

fn accepted(path: &str, answer: Answer) -> Result<Answer, AskError> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    let body = String::from_utf8_lossy(&answer.body).chars().take(300).collect();
    Err(AskError::Refused { path: path.to_owned(), status: answer.status, body })
}

fn read<T: serde::de::DeserializeOwned>(path: &str, answer: Answer) -> Result<T, AskError> {
    serde_json::from_slice(&answer.body).map_err(|error| AskError::Shape { path: path.to_owned(), reason: error.to_string() })
}

fn part<T: serde::de::DeserializeOwned>(path: &str, value: Value) -> Result<T, AskError> {
    serde_json::from_value(value).map_err(|error| AskError::Shape { path: path.to_owned(), reason: error.to_string() })
}
