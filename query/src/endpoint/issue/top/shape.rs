//! What `getTopIssueEx` takes and gives.

use crate::endpoint::issue_facts::IssueVersion;
use crate::issue::{Tag, Ticket};
use crate::param::{Flag, Integer, Text, TextList};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What it takes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopIssuesParameters {
    /// One day `yyyyMMdd`; today where no day is named.
    pub date: Option<Text>,
    /// First of several days.
    pub min_date: Option<Text>,
    /// Last of them, inclusive.
    pub max_date: Option<Text>,
    /// crash, anr or error.
    #[serde(rename = "type")]
    pub category: Option<Text>,
    /// Row limit.
    pub limit: Option<Integer>,
    /// SystemExit, unSystemExit; none = both.
    pub top_issue_data_type: Option<Text>,
    /// "-1" = all; `*` wildcard; several with `;`.
    pub version: Option<Text>,
    /// Versions, `*` wildcard; wins over version.
    pub version_list: Option<TextList>,
    /// Only these countries; empty = all.
    pub country_list: Option<TextList>,
    /// Several versions are folded exactly without it; with it by plain sums of devices where that is configured.
    pub merge_multiple_versions_with_inaccurate_result: Option<Flag>,
    /// Likewise for several days.
    pub merge_multiple_dates_with_inaccurate_result: Option<Flag>,
}

/// The list and the totals of its window.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopList {
    pub top_issue_list: Vec<TopIssue>,
    /// Affected devices, all issues.
    pub crash_devices: u64,
    /// Connected devices.
    pub access_devices: u64,
    /// Affected devices the day before; 0 for several days.
    pub prev_day_crash_devices: u64,
    /// Connected devices the day before; 0 for several days.
    pub prev_day_access_devices: u64,
}

/// One issue of the list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopIssue {
    pub app_id: String,
    pub platform_id: u8,
    pub version: String,
    /// `yyyyMMdd`; empty for several days.
    pub date: String,
    #[serde(rename = "type")]
    pub category: &'static str,
    pub issue_id: String,
    pub first_upload_time: String,
    pub crash_user: u64,
    pub crash_num: u64,
    pub accumulate_crash_num: u64,
    pub accumulate_crash_user: u64,
    /// 0 open, 1 handled, 2 in progress.
    pub state: i64,
    pub processors: String,
    pub exception_name: String,
    pub exception_message: String,
    pub key_stack: String,
    pub last_update_time: String,
    pub issue_versions: Vec<TopVersion>,
    /// The day before; 0 for several days.
    pub pre_day_crash_user: u64,
    pub pre_day_crash_num: u64,
    /// In the last full hour of the day, or of the day so far; 0 for several days.
    pub prev_hour_crash_devices: u64,
    /// "true" or "false".
    #[serde(rename = "is_system_exit")]
    pub is_system_exit: &'static str,
    pub tags: Vec<Tag>,
    pub bugs: Vec<Ticket>,
}

/// Statistics in one version, with the counts of system exits.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TopVersion {
    #[serde(flatten)]
    pub version: IssueVersion,
    pub system_exit_count: u64,
    pub system_exit_device_count: u64,
}
