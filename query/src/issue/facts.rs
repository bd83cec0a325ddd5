//! What several operations tell about issues: the facts of the tables and what people stated.

use crate::alias::Aliases;
use crate::error::Error;
use crate::issue::{Change, Stated, fold};
use crate::param::Target;
use crate::store::{Row, Statement, Store};
use crate::zone::Zone;
use schemars::JsonSchema;
use schemas::ids::IssueId;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// One issue over its whole life.
#[derive(Debug, Clone, PartialEq, Row, Deserialize)]
pub struct Facts {
    /// Hex, upper case.
    pub issue: String,
    pub occurrences: u64,
    pub device_count: u64,
    /// First and last report, received, Unix milliseconds.
    pub first_ms: i64,
    pub last_ms: i64,
    /// Version, occurrences, devices, first and last report; the 100 latest, latest first.
    pub versions: Vec<(String, u64, u64, i64, i64)>,
    pub exp_name: String,
    pub exp_message: String,
    pub key_frame: String,
    pub category: String,
    pub exception_type: String,
    pub is_system_stack: bool,
    /// Version of the first report.
    pub first_version: String,
}

/// Statistics of an issue in one app version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueVersion {
    pub version: String,
    /// First report, `yyyy-MM-dd HH:mm:ss SSS`.
    pub first_upload_time: String,
    pub first_upload_timestamp: i64,
    /// Latest report.
    pub last_upload_time: String,
    pub last_upload_timestamp: i64,
    pub count: u64,
    pub device_count: u64,
}

impl Facts {
    /// `issueVersions`.
    #[must_use]
    pub fn issue_versions(&self, zone: Zone) -> Vec<IssueVersion> {
        let version = |(version, count, device_count, first, last): &(String, u64, u64, i64, i64)| IssueVersion {
            version: version.clone(),
            first_upload_time: zone.milliseconds(*first),
            first_upload_timestamp: *first,
            last_upload_time: zone.milliseconds(*last),
            last_upload_timestamp: *last,
            count: *count,
            device_count: *device_count,
        };
        self.versions.iter().map(version).collect()
    }
}

/// What is known of `issues` (hex) and all their parts, and what is stated about themselves, by issue. An issue without a report is not there.
///
/// # Errors
/// The tables give no answer.
pub async fn fetch(
    store: &Store,
    target: &Target,
    aliases: &Aliases,
    issues: &[String],
) -> Result<HashMap<String, (Facts, Stated)>, Error> {
    if issues.is_empty() {
        return Ok(HashMap::new());
    }
    let bind = |sql| Statement::new(sql).text("app", &target.app).unsigned("platform", target.platform);
    let (facts, mut stated) = tokio::try_join!(
        store.fetch::<Facts>(aliases.bind_only(bind(include_str!("issue_facts.sql")).frugal(), issues)),
        store.fold(bind(include_str!("issue_changes.sql")).texts("issues", issues), |changes: Vec<Change>| fold(&changes)),
    )?;
    let known = facts.into_iter().map(|facts| {
        let statement = stated.remove(&facts.issue).unwrap_or_default();
        (facts.issue.clone(), (facts, statement))
    });
    Ok(known.collect())
}

/// `issueHash`, `crashHash`: an id in pairs joined by colons.
#[must_use]
pub fn in_pairs(hex: &str) -> String {
    let digits: Vec<char> = hex.chars().collect();
    digits.chunks(2).map(|pair| pair.iter().collect::<String>()).collect::<Vec<_>>().join(":")
}

/// An issue id in either case, with or without colons, as the tables' hex.
///
/// # Errors
/// It is no id.
pub fn issue_id(text: &str) -> Result<String, Error> {
    let id: IssueId = text.trim().parse().map_err(|error| crate::error::invalid("issueId", format!("{error}")))?;
    Ok(id.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_read_in_every_spelling_and_shown_in_pairs() {
        for text in
            ["0f1e2d3c4b5a69788796a5b4c3d2e1f0", "0F:1E:2D:3C:4B:5A:69:78:87:96:A5:B4:C3:D2:E1:F0", " 0F1E2D3C4B5A69788796A5B4C3D2E1F0"]
        {
            assert_eq!(issue_id(text).unwrap(), "0F1E2D3C4B5A69788796A5B4C3D2E1F0");
        }
        assert_eq!(issue_id("崩溃").unwrap_err().to_string(), "issueId: expected 32 hexadecimal digits");
        assert_eq!(in_pairs("0F1E2D"), "0F:1E:2D");
    }
}
