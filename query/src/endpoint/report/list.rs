//! `crashList`: the reports of an issue, newest upload first.

use crate::envelope::B;
use crate::error::Error;
use crate::operation::{Asked, Operation, Reads};
use crate::param::{ExceptionTypes, IssueKey, Page, TimeRange, VersionFilter};
use crate::sql;
use crate::store::Row;
use crate::zone::Zone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The list of reports.
pub struct CrashList;

/// A page of reports. Keys are spelled as on the wire.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "crashList.Page")]
pub struct CrashPage {
    status_code: u32,
    message: Option<String>,
    req_sendstamp: u64,
    rsp_received_tiamp: u64,
    rsp_send_timestamp: u64,
    /// Reports that the filters leave.
    num_found: u64,
    issue_list: Vec<String>,
    /// Ids of the reports, newest upload first.
    crash_id_list: Vec<String>,
    crash_datas: BTreeMap<String, Crash>,
    detail_datas: Option<String>,
    tag_info_list: Option<Vec<String>>,
    tag_list: Option<Vec<String>>,
    crash_nums: u64,
    anr_nums: u64,
    error_nums: u64,
    scroll_id: Option<String>,
}

/// A report in brief: its long texts are cut, crashDoc has them whole.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "crashList.Report")]
pub struct Crash {
    product_version: String,
    dump_id: String,
    model: String,
    id: String,
    /// When it was received, `yyyy-MM-dd HH:mm:ss`.
    upload_time: String,
    crash_id: String,
    os_ver: String,
    device_id: String,
    user_id: String,
    exp_name: String,
    exp_message: String,
    key_stack: String,
    call_stack: String,
    /// By the client's clock where it is credible.
    crash_time: String,
    elapsed_time: i64,
    gpu: String,
    cpu_name: String,
    country: String,
    mem_size: String,
    free_mem: String,
    /// Names of the texts that were cut.
    truncated: Vec<String>,
}

/// A row of `list.sql`.
#[derive(Row, Deserialize)]
struct Report {
    report: String,
    version: String,
    model: String,
    received_ms: i64,
    event_ms: i64,
    os_version: String,
    device_id: String,
    user_id: String,
    gpu: String,
    cpu_name: String,
    country: String,
    mem_size: Option<i64>,
    free_mem: Option<i64>,
    elapsed_time: Option<i64>,
    call_stack: String,
    exp_name: String,
    exp_message: String,
    key_frame: String,
    truncated: Vec<String>,
}

/// A row of `list_total.sql`.
#[derive(Row, Deserialize)]
struct Total {
    found: u64,
}

impl Operation for CrashList {
    const NAME: &'static str = "crashList";
    const SUMMARY: &'static str = "Reports of an issue";
    type Uses = Reads;
    type Envelope = B;
    type Parameters = (IssueKey, ExceptionTypes, VersionFilter, Page);
    type Answer = CrashPage;

    async fn answer(reads: &Reads, asked: Asked<Self>) -> Result<CrashPage, Error> {
        let (IssueKey(issue), types, versions, page) = asked.parameters;
        let (target, zone) = (asked.target, reads.settings.time_zone);
        let page = page.within(reads.settings.limits.reports)?;
        let versions = reads.resolve(&target, versions, &TimeRange::ALL_TIME).await?;
        let issues = reads.issues(&target).await?;
        let members = issues.members(&[issues.canonical(&issue).to_owned()]);
        let list = sql!("list.sql").bind(&target).bind(&members).bind(&types).bind(&versions).bind(&page);
        let total = sql!("list_total.sql").bind(&target).bind(&members).bind(&types).bind(&versions);
        let (reports, total) = tokio::try_join!(reads.store.fetch::<Report>(list), reads.store.first::<Total>(total))?;
        Ok(CrashPage {
            num_found: total.map_or(0, |total| total.found),
            crash_id_list: reports.iter().map(|report| report.report.clone()).collect(),
            crash_datas: reports.into_iter().map(|report| (report.report.clone(), Crash::of(report, zone))).collect(),
            ..CrashPage::default()
        })
    }
}

impl Crash {
    fn of(report: Report, zone: Zone) -> Self {
        let bytes = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
        Self {
            product_version: report.version,
            dump_id: String::new(),
            model: report.model,
            id: report.report.clone(),
            upload_time: zone.to_the_second(report.received_ms),
            crash_id: report.report,
            os_ver: report.os_version,
            device_id: report.device_id,
            user_id: report.user_id,
            exp_name: report.exp_name,
            exp_message: report.exp_message,
            key_stack: report.key_frame,
            call_stack: report.call_stack,
            crash_time: zone.to_the_second(report.event_ms),
            elapsed_time: report.elapsed_time.unwrap_or_default(),
            gpu: report.gpu,
            cpu_name: report.cpu_name,
            country: report.country,
            mem_size: bytes(report.mem_size),
            free_mem: bytes(report.free_mem),
            truncated: report.truncated,
        }
    }
}
