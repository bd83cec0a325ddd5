//! `detailMap` of a report: its larger parts. Numbers are integers here; misspelt names are those of the wire.

use super::Report;
use crate::issue::facts::in_pairs;
use crate::zone::iso_utc;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The parts of a report that may be large.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "crashDoc.DetailMap")]
pub struct DetailMap {
    attatch_count: usize,
    /// Names of the threads with a stack.
    stack_name: String,
    excepiton_address: Option<String>,
    retrace_crash_detail: String,
    free_mem: i64,
    battery: i64,
    attach_name: String,
    id: String,
    file_list: Vec<File>,
    src_ip: String,
    upload_timestamp: i64,
    free_sd_card: i64,
    /// Names of the server's key-values.
    server_key: String,
    #[serde(rename = "isGZIP")]
    is_gzip: u8,
    cpu: u32,
    upload_time: String,
    /// Names of the client's key-values.
    user_key: String,
    rom_name: String,
    thread_name: Option<String>,
    contact_all: String,
    call_stack: String,
    sdk_version: String,
    free_storage: i64,
    user_logs: String,
    sys_logs: String,
}

/// A file that came with a report.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "crashDoc.File")]
struct File {
    file_name: String,
    code_type: u32,
    /// What it holds: 1 text, 3 value map.
    file_type: u32,
    file_content: String,
}

/// An entry of the columns `threads` and `attachments`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
    data: String,
}

const TEXT: u32 = 1;
const VALUE_MAP: u32 = 3;

/// The second map of a report.
pub fn detail_map(report: &Report) -> DetailMap {
    let files = files(report);
    DetailMap {
        attatch_count: files.len(),
        stack_name: listed(entries(&report.threads).iter().map(|thread| thread.name.as_str())),
        excepiton_address: None,
        retrace_crash_detail: report.call_stack.clone(),
        free_mem: report.free_mem.unwrap_or_default(),
        battery: report.battery.unwrap_or_default(),
        // The names stay when the bodies have gone.
        attach_name: match report.attachments.is_empty() {
            true => listed(report.attachment_names.iter().map(String::as_str)),
            false => listed(files.iter().map(|file| file.file_name.as_str())),
        },
        id: in_pairs(&report.report),
        file_list: files,
        src_ip: report.client_ip.clone(),
        upload_timestamp: report.received_ms,
        free_sd_card: 0,
        server_key: listed(report.server_key.iter().map(|(name, _)| name.as_str())),
        is_gzip: 0,
        cpu: 0,
        upload_time: iso_utc(report.received_ms),
        user_key: listed(report.user_key.iter().map(|(name, _)| name.as_str())),
        rom_name: report.rom.clone(),
        thread_name: None,
        contact_all: report.report.clone(),
        call_stack: report.call_stack.clone(),
        sdk_version: report.sdk_version.clone(),
        free_storage: report.free_storage.unwrap_or_default(),
        user_logs: report.user_logs.clone(),
        sys_logs: report.sys_logs.clone(),
    }
}

/// The value map where there are key-values, then what was attached; text as far as it is text.
fn files(report: &Report) -> Vec<File> {
    let file = |file_name, file_type, file_content| File { file_name, code_type: 0, file_type, file_content };
    let mut files = Vec::new();
    if !report.user_key.is_empty() || !report.server_key.is_empty() {
        let user = report.user_key.iter().map(|(name, value)| format!("C03_{name}:{value};"));
        let server = report.server_key.iter().map(|(name, value)| format!("C04_{name}:{value};"));
        let content = format!("A25:{};{}", report.device_id, user.chain(server).collect::<String>());
        files.push(file("valueMapOthers.txt".to_owned(), VALUE_MAP, content));
    }
    for attachment in entries(&report.attachments) {
        let data = STANDARD.decode(&attachment.data).unwrap_or_default();
        files.push(file(attachment.name, TEXT, String::from_utf8_lossy(&data).into_owned()));
    }
    files
}

fn entries(column: &str) -> Vec<Named> {
    serde_json::from_str(column).unwrap_or_default()
}

/// Each name ended by `;`.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("{name};")).collect()
}
