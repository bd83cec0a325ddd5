//! What `getTopIssueEx` takes and gives.

use super::Exits;
use crate::error::{Error, invalid};
use crate::issue::facts::IssueVersion;
use crate::issue::stated::{Tag, Ticket};
use crate::param::{Block, Context, Flag, Integer, Text, count};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rows where no number is named.
const ROWS: u32 = 20;

/// How a [`Ranking`] is spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "getTopIssueEx.Ranking")]
pub struct RankingFields {
    /// Most rows of the list, 20 where it is absent.
    limit: Option<Integer>,
    /// SystemExit or unSystemExit: only issues that are system exits, or none that are; both where it is absent.
    top_issue_data_type: Option<Text>,
    /// Several versions are merged exactly without it; with it, by plain sums of devices where the service is configured so.
    merge_multiple_versions_with_inaccurate_result: Option<Flag>,
    /// Several days are merged exactly without it; with it, by plain sums of devices where the service is configured so.
    merge_multiple_dates_with_inaccurate_result: Option<Flag>,
}

/// How issues are ranked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking {
    pub limit: u32,
    pub exits: Exits,
    /// Add devices of versions, or of days, up instead of counting each once.
    pub split_versions: bool,
    pub split_days: bool,
}

impl Block for Ranking {
    type Fields = RankingFields;

    fn check(fields: RankingFields, context: &Context<'_>) -> Result<Self, Error> {
        let settings = context.settings;
        let exits = match fields.top_issue_data_type.as_deref() {
            None => Exits::Both,
            Some("SystemExit") => Exits::Only,
            // Nothing is a system exit: nothing has to be left out.
            Some("unSystemExit") if settings.system_exit_keywords.is_empty() => Exits::Both,
            Some("unSystemExit") => Exits::None,
            Some(_) => return Err(invalid("topIssueDataType", "expected SystemExit or unSystemExit")),
        };
        let plain_sums = |flag: Option<Flag>| settings.plain_device_sums && flag.unwrap_or_default().0;
        Ok(Self {
            limit: count("limit", fields.limit, ROWS, settings.limits.issues)?,
            exits,
            split_versions: plain_sums(fields.merge_multiple_versions_with_inaccurate_result),
            split_days: plain_sums(fields.merge_multiple_dates_with_inaccurate_result),
        })
    }
}

/// The list and the totals of its window.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "getTopIssueEx.List")]
pub struct TopList {
    pub top_issue_list: Vec<TopIssue>,
    /// Affected devices of all issues together.
    pub crash_devices: u64,
    /// Devices that were connected.
    pub access_devices: u64,
    /// Affected devices the day before; 0 for several days.
    pub prev_day_crash_devices: u64,
    /// Connected devices the day before; 0 for several days.
    pub prev_day_access_devices: u64,
}

/// One issue of the list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "getTopIssueEx.Issue")]
pub struct TopIssue {
    pub app_id: String,
    pub platform_id: u8,
    pub version: String,
    /// The day, `yyyyMMdd`; empty for several days.
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
    /// Affected devices the day before; 0 for several days.
    pub pre_day_crash_user: u64,
    /// Occurrences the day before; 0 for several days.
    pub pre_day_crash_num: u64,
    /// Affected devices in the last full hour of the day, or of the day so far; 0 for several days.
    pub prev_hour_crash_devices: u64,
    /// Whether it is a system exit: "true" or "false".
    #[serde(rename = "is_system_exit")]
    pub is_system_exit: &'static str,
    pub tags: Vec<Tag>,
    pub bugs: Vec<Ticket>,
}

/// Statistics in one version, with the counts of system exits.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "getTopIssueEx.Version")]
pub struct TopVersion {
    #[serde(flatten)]
    pub version: IssueVersion,
    pub system_exit_count: u64,
    pub system_exit_device_count: u64,
}
