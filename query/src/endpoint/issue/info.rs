//! `issueInfo`: one issue.

use super::aliases;
use super::issue_facts::{self, Facts, IssueVersion, in_pairs};
use crate::envelope::B;
use crate::error::{Error, Rejection};
use crate::issue::{Stated, Tag, Ticket};
use crate::operation::{Asked, Operation};
use crate::param::Text;
use crate::zone::Zone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::http::Method;

/// What stands where a version would, on the wire.
pub const VERSION_PLACEHOLDER: &str = "#$cv#$";

/// The details of an issue.
pub struct IssueInfo {
    pub zone: Zone,
}

/// What it takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueInfoParameters {
    /// Id of the issue.
    issue_id: Text,
}

/// An issue as issueInfo and queryIssueList tell it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    pub issue_id: String,
    pub exception_name: String,
    pub exception_message: String,
    pub key_stack: String,
    /// Latest report; the wire's spelling.
    pub lastest_upload_time: String,
    pub latest_upload_timestamp: i64,
    pub platform_id: u8,
    /// Affected devices, all time.
    pub imei_count: u64,
    pub sys_imei_count: u64,
    /// Occurrences, all time.
    pub count: u64,
    /// The same.
    pub crash_num: u64,
    pub sys_count: u64,
    /// Always the placeholder.
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
    /// The id in pairs.
    pub issue_hash: String,
    pub issue_exception_type: String,
    pub ft_name: &'static str,
    pub issue_versions: Vec<IssueVersion>,
    pub detail_id: &'static str,
    /// The issue in pairs, where another was asked for that is a part of it.
    pub parent_hash: String,
    /// Linked tickets; null without one.
    pub bugs: Option<Vec<Ticket>>,
}

impl Operation for IssueInfo {
    const METHODS: &'static [Method] = &[Method::POST, Method::GET];
    crate::paths!("issueInfo");
    const SUMMARY: &'static str = "Details of an issue";
    type Envelope = B;
    type Parameters = IssueInfoParameters;
    type Answer = Issue;

    async fn answer(&self, asked: Asked<IssueInfoParameters>) -> Result<Issue, Error> {
        let id = issue_facts::issue_id(&asked.parameters.issue_id)?;
        let aliases = aliases::fetch(&asked.store, &asked.target).await?;
        let shown = aliases.canonical(&id).to_owned();
        let mut known = issue_facts::fetch(&asked.store, &asked.target, &aliases, std::slice::from_ref(&shown)).await?;
        let (facts, stated) = known.remove(&shown).ok_or(Rejection::NotFound("issue"))?;
        let parent_hash = if shown == id { String::new() } else { in_pairs(&shown) };
        Ok(Issue { parent_hash, ..issue(facts, stated, asked.target.platform, self.zone) })
    }
}

/// An issue as it is written.
#[must_use]
pub fn issue(facts: Facts, stated: Stated, platform_id: u8, zone: Zone) -> Issue {
    Issue {
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
