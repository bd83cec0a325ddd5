//! The native dialect's reports: all that the queries can ask for.

use super::bounded::ListItem;
use super::bounds::{
    ATTACHMENT_BYTES, ATTACHMENTS, EXCEPTION_NAME, FINGERPRINT, FINGERPRINT_PART, ID, LOCALE, LOG, MESSAGE, NAME, SHORT, STACK, TAGS,
    THREAD_STACKS, THREADS, VERSION,
};
use super::copy_budget::CopyBudget;
use super::cut::{cut_marked, mark};
use super::extra::Extra;
use super::json_records::{Form, Reader};
use super::object::{Draft, Field};
use super::{BASE64, Dialect, Received, occurred, platform, required};
use crate::batch::Items;
use crate::encoded::EncodedRecord;
use crate::rejection::Rejection;
use base64::Engine as _;
use schemas::digest::{self, Content, Delivery};
use schemas::platform::Platform;
use schemas::record::{Attachment, Category, RawReport, Thread};
use serde::Deserialize;
use serde::de::MapAccess;

/// Reads one report, an array, or one a line where `content_type` says NDJSON.
///
/// # Errors
/// What makes the body as a whole unreadable or too large; a bad item is an error in its place.
pub fn parse(body: &[u8], content_type: Option<&str>, received: &Received) -> Result<Items<EncodedRecord>, Rejection> {
    let budget = &CopyBudget::of(body.len());
    let start = |index| Report {
        received,
        budget,
        nonce: received.nonce_of(index),
        category: String::new(),
        platform_id: None,
        threads: Vec::new(),
        attachments: Vec::new(),
        report: RawReport::new(&received.app_id, Dialect::Native.name(), Category::Error, received.received_at),
    };
    Reader { form: Form::of(content_type), budget, start }.read(body)
}

/// Checks a `platformId`.
pub(super) fn platform_id(sent: Option<i64>) -> Result<i32, Rejection> {
    let number = sent.ok_or_else(|| Rejection::invalid("platformId: is required"))?;
    Platform::from_number(number)
        .map(platform::number)
        .ok_or_else(|| Rejection::invalid("platformId: expected 1 (Android), 2 (iOS) or 10 (PC)"))
}

struct Report<'a> {
    received: &'a Received,
    budget: &'a CopyBudget,
    nonce: u128,
    category: String,
    platform_id: Option<i64>,
    threads: Vec<Stack>,
    attachments: Vec<Encoded>,
    report: RawReport,
}

/// An attachment as it was sent.
#[derive(Deserialize)]
struct Encoded {
    name: Option<String>,
    data: Option<String>,
}

/// Another thread as it was sent.
#[derive(Deserialize)]
struct Stack {
    name: Option<String>,
    stack: Option<String>,
}

impl ListItem<'_> for Encoded {
    const IS_TEXT: bool = false;
}

impl ListItem<'_> for Stack {
    const IS_TEXT: bool = false;
}

impl Draft for Report<'_> {
    type Record = RawReport;

    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, A>) -> Result<(), A::Error> {
        let report = &mut self.report;
        match field.name() {
            "category" => field.text(&mut self.category),
            "platformId" => field.integer(&mut self.platform_id),
            "threads" => field.list(THREADS, (&mut self.threads, &mut report.truncated)),
            "attachments" => field.list(ATTACHMENTS, (&mut self.attachments, &mut report.truncated)),
            "exceptionType" => field.text(&mut report.exception_type),
            "eventId" => field.text(&mut report.event_id),
            "occurredAt" => field.integer(&mut report.occurred_at),
            "expName" => field.text(&mut report.exp_name),
            "expMessage" => field.text(&mut report.exp_message),
            "callStack" => field.text(&mut report.call_stack),
            "fingerprint" => field.list(FINGERPRINT, (&mut report.fingerprint, &mut report.truncated)),
            "productVersion" => field.text(&mut report.version),
            "buildNumber" => field.text(&mut report.build_number),
            "bundleId" => field.text(&mut report.bundle_id),
            "channelId" => field.text(&mut report.channel_id),
            "sdkVersion" => field.text(&mut report.sdk_version),
            "deviceId" => field.text(&mut report.device_id),
            "userId" => field.text(&mut report.user_id),
            "sessionId" => field.text(&mut report.session_id),
            _ => circumstance(report, field),
        }
    }

    fn finish(mut self, extra: Extra) -> Result<RawReport, Rejection> {
        self.classify()?;
        let report = &mut self.report;
        if [&report.exp_name, &report.exp_message, &report.call_stack].iter().all(|text| text.is_empty()) {
            return Err(Rejection::invalid("expName: one of expName, expMessage and callStack is required"));
        }
        put_threads(std::mem::take(&mut self.threads), report);
        report.attachments = decode(std::mem::take(&mut self.attachments))?;
        report.occurred_at = occurred(report.occurred_at);
        extra.keep_in(report);
        identify(report, self.nonce);
        self.received.describe(report);
        self.budget.charge(report);
        cut_long(report);
        cut_short(report);
        Ok(self.report)
    }
}

impl Report<'_> {
    fn classify(&mut self) -> Result<(), Rejection> {
        required("category", &self.category)?;
        let category = Category::from_name(&self.category).ok_or_else(|| Rejection::invalid("category: expected crash, anr or error"))?;
        let members = category.exception_types();
        self.report.category = category;
        self.report.platform_id = platform_id(self.platform_id)?;
        let kind = &mut self.report.exception_type;
        if kind.is_empty() {
            members.first().copied().unwrap_or_default().clone_into(kind);
        } else if !members.contains(&kind.as_str()) {
            let expected = members.join(", ");
            return Err(Rejection::invalid(format!("exceptionType: expected one of {expected} for category {}", category.name())));
        }
        Ok(())
    }
}

/// The fields that say where and in what state it happened.
fn circumstance<'de, A: MapAccess<'de>>(report: &mut RawReport, field: Field<'_, A>) -> Result<(), A::Error> {
    match field.name() {
        "threadName" => field.text(&mut report.thread_name),
        "processName" => field.text(&mut report.process_name),
        "model" => field.text(&mut report.model),
        "brand" => field.text(&mut report.brand),
        "osVer" => field.text(&mut report.os_version),
        "rom" => field.text(&mut report.rom),
        "cpuType" => field.text(&mut report.cpu_type),
        "cpuName" => field.text(&mut report.cpu_name),
        "gpu" => field.text(&mut report.gpu),
        "country" => field.text(&mut report.country),
        "apn" => field.text(&mut report.apn),
        "isRooted" => field.boolean(&mut report.is_rooted),
        "isVirtualMachine" => field.boolean(&mut report.is_emulator),
        "appInBack" => field.boolean(&mut report.in_background),
        "oom" => field.boolean(&mut report.oom),
        "memSize" => field.integer(&mut report.mem_size),
        "freeMem" => field.integer(&mut report.free_mem),
        "diskSize" => field.integer(&mut report.disk_size),
        "freeStorage" => field.integer(&mut report.free_storage),
        "battery" => field.integer(&mut report.battery),
        "elapsedTime" => field.integer(&mut report.elapsed_time),
        "sceneTag" => field.text(&mut report.scene_tag),
        "tags" => field.list(TAGS, (&mut report.tags, &mut report.truncated)),
        "userKey" => field.pairs((&mut report.user_key, &mut report.truncated)),
        "serverKey" => field.pairs((&mut report.server_key, &mut report.truncated)),
        "userLogs" => field.text(&mut report.user_logs),
        "sysLogs" => field.text(&mut report.sys_logs),
        _ => field.keep(),
    }
}

/// Takes the threads whose stacks fit; a thread without name and stack is skipped.
fn put_threads(sent: Vec<Stack>, report: &mut RawReport) {
    let mut left = THREAD_STACKS;
    for Stack { name, stack } in sent {
        let (name, stack) = (name.unwrap_or_default(), stack.unwrap_or_default());
        if name.is_empty() && stack.is_empty() {
            continue;
        }
        let Some(rest) = left.checked_sub(stack.len()) else {
            mark("threads", &mut report.truncated);
            continue;
        };
        left = rest;
        report.threads.push(Thread { name, stack });
    }
}

fn decode(sent: Vec<Encoded>) -> Result<Vec<Attachment>, Rejection> {
    let mut total = 0;
    let mut attachments = Vec::with_capacity(sent.len());
    for (index, Encoded { name, data }) in sent.into_iter().enumerate() {
        let data = BASE64
            .decode(data.unwrap_or_default())
            .map_err(|error| Rejection::invalid(format!("attachments[{index}].data: no Base64: {error}")))?;
        total += data.len();
        if total > ATTACHMENT_BYTES {
            return Err(Rejection::invalid(format!("attachments: together more than {ATTACHMENT_BYTES} bytes")));
        }
        attachments.push(Attachment { name: name.unwrap_or_default(), data });
    }
    Ok(attachments)
}

/// Gives the report its digest and id.
pub(super) fn identify(report: &mut RawReport, nonce: u128) {
    let platform = report.platform_id.to_string();
    let content = Content::of([&report.exp_message, &report.call_stack, &report.exp_name, &report.version, &platform]);
    report.set_content(&content);
    let delivery = Delivery::new(&report.event_id, &report.device_id, report.occurred_at, nonce);
    report.report_id = digest::report_id(&report.app_id, &content, delivery);
}

/// Cuts the texts that are read as a whole.
pub(super) fn cut_long(report: &mut RawReport) {
    let RawReport { truncated, .. } = report;
    cut_marked("expMessage", &mut report.exp_message, MESSAGE, truncated);
    cut_marked("callStack", &mut report.call_stack, STACK, truncated);
    cut_marked("userLogs", &mut report.user_logs, LOG, truncated);
    cut_marked("sysLogs", &mut report.sys_logs, LOG, truncated);
}

/// Cuts names, versions and other short texts, and those of lists.
pub(super) fn cut_short(report: &mut RawReport) {
    let RawReport { truncated, .. } = report;
    for (name, text, most) in [
        ("eventId", &mut report.event_id, ID),
        ("expName", &mut report.exp_name, EXCEPTION_NAME),
        ("productVersion", &mut report.version, VERSION),
        ("buildNumber", &mut report.build_number, SHORT),
        ("bundleId", &mut report.bundle_id, SHORT),
        ("channelId", &mut report.channel_id, SHORT),
        ("sdkVersion", &mut report.sdk_version, VERSION),
        ("deviceId", &mut report.device_id, ID),
        ("userId", &mut report.user_id, ID),
        ("sessionId", &mut report.session_id, ID),
        ("threadName", &mut report.thread_name, SHORT),
        ("processName", &mut report.process_name, SHORT),
        ("platform", &mut report.platform, SHORT),
        ("model", &mut report.model, SHORT),
        ("brand", &mut report.brand, SHORT),
        ("osName", &mut report.os_name, SHORT),
        ("osVer", &mut report.os_version, VERSION),
        ("rom", &mut report.rom, SHORT),
        ("cpuType", &mut report.cpu_type, SHORT),
        ("cpuName", &mut report.cpu_name, SHORT),
        ("gpu", &mut report.gpu, SHORT),
        ("country", &mut report.country, SHORT),
        ("apn", &mut report.apn, SHORT),
        ("sceneTag", &mut report.scene_tag, SHORT),
        ("locale", &mut report.locale, LOCALE),
    ] {
        cut_marked(name, text, most, truncated);
    }
    report.fingerprint.iter_mut().for_each(|part| cut_marked("fingerprint", part, FINGERPRINT_PART, truncated));
    report.tags.iter_mut().for_each(|tag| cut_marked("tags", tag, NAME, truncated));
    report.threads.iter_mut().for_each(|thread| cut_marked("threads", &mut thread.name, SHORT, truncated));
    report.attachments.iter_mut().for_each(|file| cut_marked("attachments", &mut file.name, NAME, truncated));
}
