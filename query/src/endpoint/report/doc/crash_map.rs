//! `crashMap` of a report: numbers are texts here.

use super::Report;
use crate::issue::facts::in_pairs;
use crate::zone::iso_utc;
use schemars::JsonSchema;
use serde::Serialize;

/// The report in brief, its texts whole.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "crashDoc.CrashMap")]
pub struct CrashMap {
    #[serde(flatten)]
    identity: Identity,
    #[serde(flatten)]
    event: Event,
    #[serde(flatten)]
    device: Device,
}

/// Which report it is, of which app and user.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "crashDoc.Identity")]
struct Identity {
    /// Id of the report in pairs.
    id: String,
    crash_id: String,
    rqd_uuid: String,
    /// The client's own id of the event.
    exp_uid: String,
    issue_id: String,
    /// Id of the issue within the version.
    sub_version_issue_id: String,
    /// Version of the grouping algorithm.
    merge_version: String,
    message_version: &'static str,
    product_version: String,
    build_number: String,
    bundle_id: String,
    channel_id: String,
    sdk_version: String,
    app_in_appstore: bool,
    /// "Unknown" where the app named none.
    user_id: String,
    device_id: String,
    session_id: String,
}

/// What happened, and when.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "crashDoc.Event")]
struct Event {
    /// Category: 100 crash, 101 anr, 106 error.
    #[serde(rename = "type")]
    kind: &'static str,
    exception_type: String,
    exp_name: String,
    exp_message: String,
    /// The key frame of the stack.
    exp_addr: String,
    key_stack: String,
    /// Whether the key frames are system frames only: 1 or 0.
    is_system_stack: u8,
    process_name: String,
    thread_name: String,
    call_stack: String,
    retrace_crash_detail: String,
    /// Always -12: there is nothing to do.
    retrace_status: i32,
    retrace_result: &'static str,
    retrace_timestamp: i64,
    /// When it was received, ISO in UTC.
    upload_time: String,
    upload_timestamp: i64,
    /// By the client's clock, as sent; received where it sent none.
    crash_time: String,
    crash_timestamp: i64,
    /// Start of the app, Unix milliseconds; 0 where it is not known.
    start_time: String,
    start_timestamp: i64,
    app_in_back: &'static str,
    crash_count: u32,
    scene_tag: String,
}

/// Where it happened. Sizes are bytes, empty where they are not known.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "crashDoc.Device")]
struct Device {
    model: String,
    model_original_name: String,
    brand: String,
    os_ver: String,
    rom: String,
    cpu_type: String,
    cpu_name: String,
    gpu: String,
    country: String,
    apn: String,
    is_rooted: &'static str,
    /// Kind of device: 0 real device, 1 emulator.
    is_virtual_machine: u8,
    mem_size: String,
    free_mem: String,
    disk_size: String,
    free_storage: String,
    free_sd_card: &'static str,
    #[serde(rename = "totalSD")]
    total_sd: &'static str,
    imei: &'static str,
    imsi: &'static str,
    mac: &'static str,
}

/// The first map of a report, in the issue that it is shown in.
pub fn crash_map(report: &Report, issue: &str) -> CrashMap {
    CrashMap { identity: identity(report, issue), event: event(report), device: device(report) }
}

fn identity(report: &Report, issue: &str) -> Identity {
    Identity {
        id: in_pairs(&report.report),
        crash_id: report.report.clone(),
        rqd_uuid: uuid(&report.report),
        exp_uid: report.event_id.clone(),
        issue_id: issue.to_owned(),
        sub_version_issue_id: sub_version_issue(issue, &report.version),
        merge_version: report.grouping_version.to_string(),
        message_version: "2",
        product_version: report.version.clone(),
        build_number: report.build_number.clone(),
        bundle_id: report.bundle_id.clone(),
        channel_id: report.channel_id.clone(),
        sdk_version: report.sdk_version.clone(),
        app_in_appstore: false,
        user_id: if report.user_id.is_empty() { "Unknown".to_owned() } else { report.user_id.clone() },
        device_id: report.device_id.clone(),
        session_id: report.session_id.clone(),
    }
}

fn event(report: &Report) -> Event {
    let crash_at = report.occurred_at.unwrap_or(report.event_ms);
    let start_at = report.elapsed_time.map_or(0, |elapsed| crash_at.saturating_sub(elapsed));
    Event {
        kind: kind(&report.category),
        exception_type: report.exception_type.clone(),
        exp_name: report.exp_name.clone(),
        exp_message: report.exp_message.clone(),
        exp_addr: report.key_frame.clone(),
        key_stack: report.key_frame.clone(),
        is_system_stack: u8::from(report.is_system_stack),
        process_name: report.process_name.clone(),
        thread_name: report.thread_name.clone(),
        call_stack: report.call_stack.clone(),
        retrace_crash_detail: report.call_stack.clone(),
        retrace_status: -12,
        retrace_result: "",
        retrace_timestamp: 0,
        upload_time: iso_utc(report.received_ms),
        upload_timestamp: report.received_ms,
        crash_time: iso_utc(crash_at),
        crash_timestamp: crash_at,
        start_time: start_at.to_string(),
        start_timestamp: start_at,
        app_in_back: flag(report.in_background),
        crash_count: 0,
        scene_tag: report.scene_tag.clone(),
    }
}

fn device(report: &Report) -> Device {
    Device {
        model: report.model.clone(),
        model_original_name: report.model.clone(),
        brand: report.brand.clone(),
        os_ver: os_version(report),
        rom: report.rom.clone(),
        cpu_type: report.cpu_type.clone(),
        cpu_name: report.cpu_name.clone(),
        gpu: report.gpu.clone(),
        country: report.country.clone(),
        apn: report.apn.clone(),
        is_rooted: flag(report.is_rooted),
        is_virtual_machine: u8::from(report.is_emulator),
        mem_size: bytes(report.mem_size),
        free_mem: bytes(report.free_mem),
        disk_size: bytes(report.disk_size),
        free_storage: bytes(report.free_storage),
        free_sd_card: "",
        total_sd: "",
        imei: "null",
        imsi: "null",
        mac: "null",
    }
}

fn kind(category: &str) -> &'static str {
    match category {
        "anr" => "101",
        "error" => "106",
        _ => "100",
    }
}

fn flag(value: Option<bool>) -> &'static str {
    if value == Some(true) { "true" } else { "false" }
}

fn bytes(value: Option<i64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn os_version(report: &Report) -> String {
    if report.os_version.is_empty() { report.os_name.clone() } else { report.os_version.clone() }
}

/// An id in the form of a UUID.
fn uuid(hex: &str) -> String {
    let hex = hex.to_ascii_lowercase();
    match (hex.get(..8), hex.get(8..12), hex.get(12..16), hex.get(16..20), hex.get(20..)) {
        (Some(a), Some(b), Some(c), Some(d), Some(e)) => [a, b, c, d, e].join("-"),
        _ => hex,
    }
}

/// The issue's id within a version: FNV-1a of both, 128 bits.
fn sub_version_issue(issue: &str, version: &str) -> String {
    let text = issue.bytes().chain([b'|']).chain(version.bytes());
    let hash = text.fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    format!("{hash:032X}")
}
