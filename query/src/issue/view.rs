//! An issue as the OpenAPI shows it.

use super::Shown;
use super::facts::{IssueVersion, in_pairs};
use super::stated::{Tag, Ticket};
use crate::zone::Zone;
use schemars::JsonSchema;
use serde::Serialize;

/// Stands where a version would, on the wire.
const VERSION_PLACEHOLDER: &str = "#$cv#$";

/// An issue over its whole life.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "issue.Issue")]
pub struct IssueView {
    pub issue_id: String,
    pub exception_name: String,
    pub exception_message: String,
    pub key_stack: String,
    /// Latest report; the spelling is that of the API.
    pub lastest_upload_time: String,
    pub latest_upload_timestamp: i64,
    pub platform_id: u8,
    /// Affected devices, all time.
    pub imei_count: u64,
    pub sys_imei_count: u64,
    /// Occurrences over all time.
    pub count: u64,
    /// Occurrences, all time; equal to count.
    pub crash_num: u64,
    pub sys_count: u64,
    /// Always the placeholder `#$cv#$`.
    pub version: &'static str,
    pub tag_info_list: Vec<Tag>,
    /// Ids of the assignees, joined by `;`.
    pub processor: String,
    /// 0 open, 1 handled, 2 in progress.
    pub status: i64,
    pub first_upload_time: String,
    pub first_upload_timestamp: i64,
    /// Version of the first report.
    pub first_crash_version: String,
    /// The id in pairs, joined by colons.
    pub issue_hash: String,
    pub issue_exception_type: String,
    pub ft_name: &'static str,
    pub issue_versions: Vec<IssueVersion>,
    pub detail_id: &'static str,
    /// The id of this issue in pairs where a part of it was asked for, else empty.
    pub parent_hash: String,
    /// Linked tickets; null where there are none.
    pub bugs: Option<Vec<Ticket>>,
}

impl IssueView {
    /// The issue as it is written.
    #[must_use]
    pub fn of(shown: Shown, platform_id: u8, zone: Zone) -> Self {
        let Shown { facts, stated } = shown;
        Self {
            issue_hash: in_pairs(&facts.issue),
            lastest_upload_time: zone.milliseconds(facts.last_ms),
            latest_upload_timestamp: facts.last_ms,
            platform_id,
            imei_count: facts.device_count,
            sys_imei_count: 0,
            count: facts.occurrences,
            crash_num: facts.occurrences,
            sys_count: 0,
            version: VERSION_PLACEHOLDER,
            tag_info_list: stated.tags,
            processor: stated.processors,
            status: stated.status,
            first_upload_time: zone.milliseconds(facts.first_ms),
            first_upload_timestamp: facts.first_ms,
            issue_versions: facts.issue_versions(zone),
            first_crash_version: facts.first_version,
            issue_exception_type: facts.exception_type,
            ft_name: "",
            detail_id: "",
            parent_hash: String::new(),
            bugs: (!stated.tickets.is_empty()).then_some(stated.tickets),
            issue_id: facts.issue,
            exception_name: facts.exp_name,
            exception_message: facts.exp_message,
            key_stack: facts.key_frame,
        }
    }
}
