//! What the tables know of an issue.

use crate::store::Row;
use crate::zone::Zone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A row of `facts.sql`: one issue over its whole life.
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
#[schemars(rename = "issue.Version")]
pub struct IssueVersion {
    pub version: String,
    /// First report, `yyyy-MM-dd HH:mm:ss SSS`.
    pub first_upload_time: String,
    pub first_upload_timestamp: i64,
    /// Latest report, in the same form.
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

/// `issueHash`, `crashHash`: an id in pairs joined by colons.
#[must_use]
pub fn in_pairs(hex: &str) -> String {
    let digits: Vec<char> = hex.chars().collect();
    digits.chunks(2).map(|pair| pair.iter().collect::<String>()).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_in_pairs() {
        assert_eq!(in_pairs("0F1E2D"), "0F:1E:2D");
    }
}
