//! Rows of the table `occurrences`.

use super::{Position, Table};
use crate::digest;
use crate::record::{Attachment, RawReport, Thread};
use crate::time;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clickhouse::Row;
use serde::{Deserialize, Serialize};

/// A row of the table `occurrences`. The columns are described in `clickhouse/0002_occurrences.sql`. Times are Unix milliseconds, `hour` is in
/// seconds, `log_day` in days.
#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
pub struct OccurrenceRow {
    pub log_generation: u16,
    pub log_day: u16,
    pub log_partition: u32,
    pub log_offset: u64,
    pub appended_at: i64,
    pub received_at: i64,
    pub occurred_at: Option<i64>,
    pub event_at: i64,
    pub hour: u32,
    pub clock: i8,
    pub report_id: [u8; 16],
    pub event_id: String,
    pub digest: [u8; 32],
    pub content_id: u64,
    pub issue_id: [u8; 16],
    pub fingerprint: [u8; 16],
    pub grouping_version: u16,
    pub grouping_rules: u32,
    pub grouping_basis: String,
    pub signature: String,
    pub key_frame: String,
    pub kind: String,
    pub is_system_stack: bool,
    pub stack_hash: u64,
    pub app_stack_hash: u64,
    pub message_hash: u64,
    pub grouping_parts: String,
    pub app_id: String,
    pub dialect: String,
    pub platform_id: u8,
    pub platform: String,
    pub category: i8,
    pub exception_type: String,
    pub version: String,
    pub build_number: String,
    pub bundle_id: String,
    pub channel_id: String,
    pub sdk_version: String,
    pub device_id: String,
    pub device: Option<u64>,
    pub user_id: String,
    pub session_id: String,
    pub exp_name: String,
    pub exp_message: String,
    pub call_stack: String,
    pub thread_name: String,
    pub process_name: String,
    pub threads: String,
    pub client_fingerprint: Vec<String>,
    pub model: String,
    pub brand: String,
    pub os_name: String,
    pub os_version: String,
    pub rom: String,
    pub cpu_type: String,
    pub cpu_name: String,
    pub gpu: String,
    pub country: String,
    pub apn: String,
    pub is_rooted: Option<bool>,
    pub is_emulator: bool,
    pub in_background: Option<bool>,
    pub oom: Option<bool>,
    pub mem_size: Option<i64>,
    pub free_mem: Option<i64>,
    pub disk_size: Option<i64>,
    pub free_storage: Option<i64>,
    pub battery: Option<i64>,
    pub elapsed_time: Option<i64>,
    pub scene_tag: String,
    pub tags: Vec<String>,
    pub user_key: Vec<(String, String)>,
    pub server_key: Vec<(String, String)>,
    pub user_logs: String,
    pub sys_logs: String,
    pub attachments: String,
    pub attachment_names: Vec<String>,
    pub level: u8,
    pub error_code: String,
    pub client_ip: String,
    pub user_agent: String,
    pub locale: String,
    pub context: String,
    pub extra: String,
    pub truncated: Vec<String>,
}

/// The columns that grouping adds to a report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupingColumns {
    pub issue_id: [u8; 16],
    pub fingerprint: [u8; 16],
    pub version: u16,
    /// Stamp of the projects' rules; 0 where there are none.
    pub rules: u32,
    /// What decided the fingerprint: a rule, the client, or the kinds of the parts.
    pub basis: String,
    pub signature: String,
    pub key_frame: String,
    pub kind: String,
    pub is_system_stack: bool,
    pub stack_hash: u64,
    pub app_stack_hash: u64,
    pub message_hash: u64,
    /// The parts of the fingerprint, as JSON.
    pub parts: String,
    /// The class of the exception: as the report says, else as its stack says.
    pub exp_name: String,
    /// The message of the exception: as the report says, else as its stack says.
    pub exp_message: String,
}

impl OccurrenceRow {
    /// The row of a record at its position in the log, in its issue.
    #[must_use]
    pub fn new(position: Position, record: RawReport, grouping: GroupingColumns) -> Self {
        let (event_at, clock) = time::event_time(record.occurred_at, record.received_at);
        let content_id = record.content_number();
        Self {
            log_generation: position.generation,
            log_day: time::log_day(position.appended_at),
            log_partition: position.partition,
            log_offset: position.offset,
            appended_at: position.appended_at,
            received_at: record.received_at,
            occurred_at: record.occurred_at,
            event_at,
            hour: time::hour_of(event_at),
            clock: clock as i8,
            report_id: record.report_id.0,
            event_id: record.event_id,
            digest: record.digest.0,
            content_id,
            issue_id: grouping.issue_id,
            fingerprint: grouping.fingerprint,
            grouping_version: grouping.version,
            grouping_rules: grouping.rules,
            grouping_basis: grouping.basis,
            signature: grouping.signature,
            key_frame: grouping.key_frame,
            kind: grouping.kind,
            is_system_stack: grouping.is_system_stack,
            stack_hash: grouping.stack_hash,
            app_stack_hash: grouping.app_stack_hash,
            message_hash: grouping.message_hash,
            grouping_parts: grouping.parts,
            device: digest::device_key(&record.app_id, &record.device_id),
            app_id: record.app_id,
            dialect: record.dialect,
            platform_id: u8::try_from(record.platform_id).unwrap_or_default(),
            platform: record.platform,
            category: record.category.number(),
            exception_type: record.exception_type,
            version: record.version,
            build_number: record.build_number,
            bundle_id: record.bundle_id,
            channel_id: record.channel_id,
            sdk_version: record.sdk_version,
            device_id: record.device_id,
            user_id: record.user_id,
            session_id: record.session_id,
            exp_name: grouping.exp_name,
            exp_message: grouping.exp_message,
            call_stack: record.call_stack,
            thread_name: record.thread_name,
            process_name: record.process_name,
            threads: threads_column(&record.threads),
            client_fingerprint: record.fingerprint,
            model: record.model,
            brand: record.brand,
            os_name: record.os_name,
            os_version: record.os_version,
            rom: record.rom,
            cpu_type: record.cpu_type,
            cpu_name: record.cpu_name,
            gpu: record.gpu,
            country: record.country,
            apn: record.apn,
            is_rooted: record.is_rooted,
            is_emulator: record.is_emulator.unwrap_or_default(),
            in_background: record.in_background,
            oom: record.oom,
            mem_size: record.mem_size,
            free_mem: record.free_mem,
            disk_size: record.disk_size,
            free_storage: record.free_storage,
            battery: record.battery,
            elapsed_time: record.elapsed_time,
            scene_tag: record.scene_tag,
            tags: record.tags,
            user_key: record.user_key.into_iter().collect(),
            server_key: record.server_key.into_iter().collect(),
            user_logs: record.user_logs,
            sys_logs: record.sys_logs,
            attachments: attachments_column(&record.attachments),
            attachment_names: record.attachments.into_iter().map(|attachment| attachment.name).collect(),
            level: u8::try_from(record.level).unwrap_or_default(),
            error_code: record.error_code,
            client_ip: record.client_ip,
            user_agent: record.user_agent,
            locale: record.locale,
            context: record.context,
            extra: record.extra,
            truncated: record.truncated,
        }
    }
}

impl Table for OccurrenceRow {
    const NAME: &'static str = "occurrences";
    const ID: &'static str = "report_id";

    fn id(&self) -> [u8; 16] {
        self.report_id
    }
}

fn threads_column(threads: &[Thread]) -> String {
    if threads.is_empty() {
        return String::new();
    }
    serde_json::to_string(threads).unwrap_or_default()
}

/// JSON: `[{"name", "data"}]`, data in Base64. It is written directly, because a tree of JSON values would take many times its memory.
fn attachments_column(attachments: &[Attachment]) -> String {
    let mut json = String::new();
    for file in attachments {
        json.push_str(if json.is_empty() { "[{\"name\":" } else { ",{\"name\":" });
        json.push_str(&serde_json::to_string(&file.name).unwrap_or_else(|_| "\"\"".to_owned()));
        json.push_str(",\"data\":\"");
        STANDARD.encode_string(&file.data, &mut json);
        json.push_str("\"}");
    }
    if !json.is_empty() {
        json.push(']');
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachments_are_the_json_that_a_tree_of_them_would_be() {
        let file = |name: &str, data: &[u8]| Attachment { name: name.to_owned(), data: data.to_vec() };
        let files = [file("日志 \"1\"\n.txt", "崩溃".as_bytes()), file("", b""), file("\u{1}", &[0, 255, 62])];
        let tree: Vec<_> = files.iter().map(|file| serde_json::json!({"name": file.name, "data": STANDARD.encode(&file.data)})).collect();
        assert_eq!(attachments_column(&files), serde_json::Value::from(tree).to_string());
        assert_eq!(attachments_column(&[]), "");
    }
}
