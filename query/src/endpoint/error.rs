//! Reports by content, for operators: a list, one of them.

pub mod detail;
pub mod list;

pub use detail::ErrorDetail;
pub use list::ErrorList;

use crate::authenticate::Operator;
use crate::error::Error;
use crate::operation::Reads;
use crate::sql;
use crate::store::{Bind, Row, Statement};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Reports of an app with one content, as the latest of them reads; its long texts are cut, the detail has them whole. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "error.Entry")]
pub struct ErrorEntry {
    /// Id by which the detail is asked for.
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
    /// Level: 1 fatal, 2 error, 3 warn, 4 info; 0 where it was not given.
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

/// A row of `rows.sql`.
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

/// A content, and where its latest report lies.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Content {
    /// Digest, hex.
    pub digest: String,
    pub occurrences: u64,
    pub partition: i64,
    pub offset: i64,
}

/// The apps that are asked for; empty = all.
pub(crate) struct Apps(Vec<String>);

impl Apps {
    /// The one that is named, else all that the operator may see.
    fn of(operator: &Operator, named: Option<String>) -> Self {
        Self(match (named, &operator.apps) {
            (Some(app), _) => vec![app],
            (None, None) => Vec::new(),
            // An operator of no app sees none, not all: no app has an empty name.
            (None, Some(apps)) if apps.is_empty() => vec![String::new()],
            (None, Some(apps)) => apps.clone(),
        })
    }
}

impl Bind for Apps {
    const BLOCK: &'static str = "apps";
    const NAMES: &'static [&'static str] = &["apps"];

    fn bind(&self, statement: Statement) -> Statement {
        statement.texts("apps", &self.0)
    }
}

/// The latest reports of contents, in their order.
async fn entries(reads: &Reads, contents: &[Content]) -> Result<Vec<ErrorEntry>, Error> {
    if contents.is_empty() {
        return Ok(Vec::new());
    }
    let digests: Vec<String> = contents.iter().map(|content| content.digest.clone()).collect();
    let partitions: Vec<i64> = contents.iter().map(|content| content.partition).collect();
    let offsets: Vec<i64> = contents.iter().map(|content| content.offset).collect();
    let statement = sql!("error/rows.sql").texts("contents", &digests).integers("partitions", &partitions).integers("offsets", &offsets);
    let reports: Vec<Report> = reads.store.fetch(statement).await?;
    let mut known: HashMap<Place, Report> = reports.into_iter().map(|report| (report.place(), report)).collect();
    let entry = |content: &Content| {
        let place = (content.digest.clone(), content.partition, content.offset);
        known.remove(&place).map(|report| report.entry(content.occurrences))
    };
    Ok(contents.iter().filter_map(entry).collect())
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
    use super::*;

    #[test]
    fn an_operator_of_no_app_sees_none() {
        let apps = |apps: Option<&[&str]>, named: Option<&str>| {
            let apps = apps.map(|apps| apps.iter().map(|app| (*app).to_owned()).collect());
            Apps::of(&Operator { id: String::new(), apps }, named.map(str::to_owned)).0
        };
        assert_eq!(apps(None, None), [""; 0]);
        assert_eq!(apps(None, Some("a")), ["a"]);
        assert_eq!(apps(Some(&["a", "b"]), None), ["a", "b"]);
        assert_eq!(apps(Some(&[]), None), [""]);
    }
}
