//! `crashList`: the reports of an issue, newest upload first.

use super::issue_facts::issue_id;
use super::{aliases, app_versions};
use crate::config::Limits;
use crate::envelope::B;
use crate::error::Error;
use crate::operation::{Asked, Operation};
use crate::param::{ExceptionTypes, Integer, Text, TextList, Versions, count, offset};
use crate::store::{Row, Statement};
use crate::zone::Zone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::http::Method;
use std::collections::BTreeMap;

/// Rows of a page where none are asked for.
const PAGE: u32 = 10;

/// The list of reports.
pub struct CrashList {
    pub zone: Zone,
    pub limits: Limits,
}

/// What it takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CrashListParameters {
    /// Id of the issue.
    issue_id: Text,
    /// Row offset.
    start: Option<Integer>,
    /// Rows of a page, at most 100.
    rows: Option<Integer>,
    /// Comma list of exception types; none = all.
    exception_type_list: Option<Text>,
    /// Only these versions; `;` between them, `*` wildcard.
    version: Option<Text>,
    /// The same as a list.
    version_list: Option<TextList>,
}

/// A page of reports. Keys are spelled as on the wire.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CrashPage {
    status_code: u32,
    message: Option<String>,
    req_sendstamp: u64,
    rsp_received_tiamp: u64,
    rsp_send_timestamp: u64,
    /// Reports that the filters leave.
    num_found: u64,
    issue_list: Vec<String>,
    /// Newest upload first.
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
pub struct Crash {
    product_version: String,
    dump_id: String,
    model: String,
    id: String,
    /// Received, `yyyy-MM-dd HH:mm:ss`.
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

#[derive(Row, Deserialize)]
struct Total {
    found: u64,
}

impl Operation for CrashList {
    const METHODS: &'static [Method] = &[Method::POST, Method::GET];
    crate::paths!("crashList");
    const SUMMARY: &'static str = "Reports of an issue";
    type Envelope = B;
    type Parameters = CrashListParameters;
    type Answer = CrashPage;

    async fn answer(&self, asked: Asked<CrashListParameters>) -> Result<CrashPage, Error> {
        let Asked { target, parameters, store, .. } = asked;
        let issue = issue_id(&parameters.issue_id)?;
        let types = ExceptionTypes::read(parameters.exception_type_list.as_ref())?;
        let versions = Versions::read(parameters.version.as_ref(), parameters.version_list.as_ref())?;
        let rows = count("rows", parameters.rows, PAGE, self.limits.reports)?;
        let start = offset("start", parameters.start)?;
        let versions = app_versions::resolve(&store, &target, versions, app_versions::ALL_TIME).await?;
        let aliases = aliases::fetch(&store, &target).await?;
        let issue = [aliases.canonical(&issue).to_owned()];
        let bind = |sql| {
            let statement = Statement::new(sql).text("app", &target.app).unsigned("platform", target.platform);
            versions
                .bind(aliases.bind_only(statement, &issue).texts("categories", &types.categories).texts("exception_types", &types.members))
        };
        let page = bind(include_str!("crash_list.sql")).unsigned("rows", rows).unsigned("start", start);
        let (reports, total) =
            tokio::try_join!(store.fetch::<Report>(page), store.first::<Total>(bind(include_str!("crash_list_total.sql"))))?;
        Ok(CrashPage {
            num_found: total.map_or(0, |total| total.found),
            crash_id_list: reports.iter().map(|report| report.report.clone()).collect(),
            crash_datas: reports.into_iter().map(|report| (report.report.clone(), self.write(report))).collect(),
            ..CrashPage::default()
        })
    }
}

impl CrashList {
    fn write(&self, report: Report) -> Crash {
        let bytes = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
        Crash {
            product_version: report.version,
            dump_id: String::new(),
            model: report.model,
            id: report.report.clone(),
            upload_time: self.zone.to_the_second(report.received_ms),
            crash_id: report.report,
            os_ver: report.os_version,
            device_id: report.device_id,
            user_id: report.user_id,
            exp_name: report.exp_name,
            exp_message: report.exp_message,
            key_stack: report.key_frame,
            call_stack: report.call_stack,
            crash_time: self.zone.to_the_second(report.event_ms),
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
