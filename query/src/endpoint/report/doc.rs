//! `crashDoc`: one report, whole.

mod crash_map;
mod detail_map;
mod grouping;

use crate::envelope::B;
use crate::error::{Error, Rejection};
use crate::operation::{Asked, Operation, Reads, off_worker};
use crate::param::ReportKey;
use crate::sql;
use crate::store::Row;
use crash_map::CrashMap;
use detail_map::DetailMap;
use grouping::Grouping;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The details of a report.
pub struct CrashDoc;

/// A report. Keys are spelled as on the wire.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "crashDoc.Document")]
pub struct CrashDocument {
    status_code: u32,
    message: Option<String>,
    req_send_timestamp: u64,
    rsp_received_timestamp: u64,
    rsp_send_timestamp: u64,
    num_found: u32,
    crash_map: CrashMap,
    detail_map: DetailMap,
    /// Why the report is in its issue.
    grouping: Grouping,
    /// Milliseconds from launch to the event.
    launch_time: i64,
}

/// A row of `doc.sql`. Times are Unix milliseconds, sizes bytes.
#[derive(Debug, Clone, Default, PartialEq, Row, Deserialize)]
pub struct Report {
    report: String,
    issue: String,
    event_id: String,
    grouping_version: u16,
    grouping_rules: u32,
    grouping_basis: String,
    grouping_parts: String,
    signature: String,
    kind: String,
    fingerprint: String,
    is_system_stack: bool,
    key_frame: String,
    version: String,
    build_number: String,
    bundle_id: String,
    channel_id: String,
    sdk_version: String,
    category: String,
    exception_type: String,
    exp_name: String,
    exp_message: String,
    call_stack: String,
    thread_name: String,
    process_name: String,
    threads: String,
    device_id: String,
    user_id: String,
    session_id: String,
    model: String,
    brand: String,
    os_name: String,
    os_version: String,
    rom: String,
    cpu_type: String,
    cpu_name: String,
    gpu: String,
    country: String,
    apn: String,
    is_rooted: Option<bool>,
    is_emulator: bool,
    in_background: Option<bool>,
    mem_size: Option<i64>,
    free_mem: Option<i64>,
    disk_size: Option<i64>,
    free_storage: Option<i64>,
    battery: Option<i64>,
    elapsed_time: Option<i64>,
    scene_tag: String,
    user_key: Vec<(String, String)>,
    server_key: Vec<(String, String)>,
    user_logs: String,
    sys_logs: String,
    attachments: String,
    attachment_names: Vec<String>,
    client_ip: String,
    received_ms: i64,
    event_ms: i64,
    occurred_at: Option<i64>,
}

impl Operation for CrashDoc {
    const NAME: &'static str = "crashDoc";
    const SUMMARY: &'static str = "Details of a report";
    type Uses = Reads;
    type Envelope = B;
    type Parameters = ReportKey;
    type Answer = CrashDocument;

    async fn answer(reads: &Reads, asked: Asked<Self>) -> Result<CrashDocument, Error> {
        let statement = sql!("doc.sql").bind(&asked.target).bind(&asked.parameters);
        let report = async { Ok(reads.store.first::<Report>(statement).await?) };
        let (report, issues) = tokio::try_join!(report, reads.issues(&asked.target))?;
        let report = report.ok_or(Rejection::NotFound("report"))?;
        off_worker(move || document(&report, issues.canonical(&report.issue))).await
    }
}

/// A report as it is written, in the issue that it is shown in.
fn document(report: &Report, issue: &str) -> CrashDocument {
    CrashDocument {
        status_code: 0,
        message: None,
        req_send_timestamp: 0,
        rsp_received_timestamp: 0,
        rsp_send_timestamp: 0,
        num_found: 0,
        crash_map: crash_map::crash_map(report, issue),
        detail_map: detail_map::detail_map(report),
        grouping: grouping::grouping(report),
        launch_time: report.elapsed_time.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn report() -> Report {
        Report {
            report: "00112233445566778899AABBCCDDEEFF".to_owned(),
            issue: "0F1E2D3C4B5A69788796A5B4C3D2E1F0".to_owned(),
            event_id: "e-1".to_owned(),
            category: "crash".to_owned(),
            grouping_parts: r#"[{"kind":"message","value":"空指针"}]"#.to_owned(),
            exp_message: "空指针".to_owned(),
            threads: r#"[{"name":"main(1)","stack":"s"},{"name":"GC","stack":""}]"#.to_owned(),
            attachments: r#"[{"name":"日志.txt","data":"5L2g5aW9"}]"#.to_owned(),
            attachment_names: vec!["日志.txt".to_owned()],
            user_key: vec![("testkey".to_owned(), "值".to_owned())],
            mem_size: Some(1024),
            in_background: Some(false),
            elapsed_time: Some(9924),
            received_ms: 1_617_970_885_663,
            event_ms: 1_617_970_885_000,
            occurred_at: Some(1_588_847_808_991),
            ..Report::default()
        }
    }

    #[test]
    fn a_report_reads_as_documented() {
        let document = serde_json::to_value(document(&report(), "WHOLE")).unwrap();
        let map = &document["crashMap"];
        assert_eq!(map["id"], "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF");
        assert_eq!(map["crashId"], "00112233445566778899AABBCCDDEEFF");
        assert_eq!(map["rqdUuid"], "00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!(map["uploadTime"], "2021-04-09T12:21:25.663+0000");
        assert_eq!(map["crashTime"], "2020-05-07T10:36:48.991+0000");
        assert_eq!(map["startTimestamp"], 1_588_847_799_067_i64);
        assert_eq!((&map["memSize"], &map["freeMem"]), (&json!("1024"), &json!("")));
        assert_eq!((&map["appInBack"], &map["isRooted"], &map["imei"]), (&json!("false"), &json!("false"), &json!("null")));
        assert_eq!((&map["userId"], &map["expMessage"], &map["type"]), (&json!("Unknown"), &json!("空指针"), &json!("100")));
        let detail = &document["detailMap"];
        assert_eq!((&detail["stackName"], &detail["attachName"]), (&json!("main(1);GC;"), &json!("valueMapOthers.txt;日志.txt;")));
        assert_eq!(detail["attatchCount"], 2);
        assert_eq!(detail["fileList"][0]["fileContent"], "A25:;C03_testkey:值;");
        assert_eq!(detail["fileList"][1]["fileContent"], "你好");
        assert_eq!(document["launchTime"], 9924);
        assert_eq!((&map["issueId"], &document["grouping"]["issueId"]), (&json!("WHOLE"), &json!("0F1E2D3C4B5A69788796A5B4C3D2E1F0")));
        assert_eq!(document["grouping"]["parts"], json!([{"kind": "message", "value": "空指针"}]));
    }

    #[test]
    fn a_report_without_bodies_still_reads() {
        let bare = document(&Report { attachments: "broken".to_owned(), threads: "broken".to_owned(), ..Report::default() }, "");
        let document = serde_json::to_value(bare).unwrap();
        assert_eq!(document["detailMap"]["fileList"], json!([]));
        assert_eq!(document["crashMap"]["startTimestamp"], 0);
    }
}
