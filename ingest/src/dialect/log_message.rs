//! The log-message dialect: one message with an optional stack.
//!
//! Where the protocol leaves a choice: `level` 0 is what clients send that never set it, so it is the default; other
//! numbers than 1 to 4 are refused. An empty `platform` or `message` is a missing one. A user id in the body is an
//! unknown field: only a login may set it.

use super::bounds::{ID, MESSAGE, SHORT, STACK, VERSION};
use super::cut::cut_marked;
use super::extra::Extra;
use super::object::{self, Draft, Field};
use super::{Dialect, Received, occurred, platform, required};
use crate::rejection::Rejection;
use schemas::digest::{self, Content, Delivery};
use schemas::record::{Category, RawReport};
use serde::de::MapAccess;

/// The level of a report that names none: warn.
const DEFAULT_LEVEL: i32 = 3;

/// Reads one report.
///
/// # Errors
/// A body that is not a JSON object, a required field that is missing, a known field of a wrong type.
pub fn parse(body: &[u8], received: &Received) -> Result<RawReport, Rejection> {
    object::read(body, || Report {
        received,
        level: None,
        report: RawReport::new(&received.app_id, Dialect::LogMessage.name(), Category::Error, received.received_at),
    })
}

struct Report<'a> {
    received: &'a Received,
    level: Option<i64>,
    report: RawReport,
}

impl Draft for Report<'_> {
    type Record = RawReport;

    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, A>) -> Result<(), A::Error> {
        let report = &mut self.report;
        match field.name() {
            "platform" => field.text(&mut report.platform),
            "appVersion" => field.text(&mut report.version),
            "osName" => field.text(&mut report.os_name),
            "osVersion" => field.text(&mut report.os_version),
            "deviceId" => field.text(&mut report.device_id),
            "sessionId" => field.text(&mut report.session_id),
            "level" => field.integer(&mut self.level),
            "errorCode" => field.text(&mut report.error_code),
            "message" => field.text(&mut report.exp_message),
            "stack" => field.text(&mut report.call_stack),
            "context" => field.object((&mut report.context, &mut report.truncated)),
            "occurredAt" => field.integer(&mut report.occurred_at),
            _ => field.keep(),
        }
    }

    fn finish(self, extra: Extra) -> Result<RawReport, Rejection> {
        let mut report = self.report;
        required("platform", &report.platform)?;
        required("message", &report.exp_message)?;
        report.level = level(self.level)?;
        (report.category, report.exception_type) = match report.level {
            1 => (Category::Crash, "Crash".to_owned()),
            _ => (Category::Error, "AllCatched".to_owned()),
        };
        report.platform_id = platform::number(platform::of_name(&report.platform));
        report.occurred_at = occurred(report.occurred_at);
        extra.keep_in(&mut report);
        identify(&mut report, self.received);
        self.received.describe(&mut report);
        cut_long(&mut report);
        Ok(report)
    }
}

fn level(sent: Option<i64>) -> Result<i32, Rejection> {
    match sent {
        None | Some(0) => Ok(DEFAULT_LEVEL),
        Some(1) => Ok(1),
        Some(2) => Ok(2),
        Some(3) => Ok(3),
        Some(4) => Ok(4),
        Some(_) => Err(Rejection::invalid("level: expected 1 (fatal), 2 (error), 3 (warn) or 4 (info)")),
    }
}

fn identify(report: &mut RawReport, received: &Received) {
    let content = Content::of([&report.exp_message, &report.call_stack, &report.error_code, &report.version, &report.platform]);
    report.set_content(&content);
    // A sealed report that says when is known by that: it may have been sealed again to be sent again.
    if report.occurred_at.is_none() {
        report.event_id.clone_from(&received.sealed_as);
    }
    let delivery = Delivery::new(&report.event_id, &report.device_id, report.occurred_at, received.nonce);
    report.report_id = digest::report_id(&report.app_id, &content, delivery);
}

fn cut_long(report: &mut RawReport) {
    let RawReport { truncated, .. } = report;
    for (name, text, most) in [
        ("message", &mut report.exp_message, MESSAGE),
        ("stack", &mut report.call_stack, STACK),
        ("platform", &mut report.platform, SHORT),
        ("appVersion", &mut report.version, VERSION),
        ("osName", &mut report.os_name, SHORT),
        ("osVersion", &mut report.os_version, VERSION),
        ("deviceId", &mut report.device_id, ID),
        ("sessionId", &mut report.session_id, ID),
        ("errorCode", &mut report.error_code, SHORT),
    ] {
        cut_marked(name, text, most, truncated);
    }
}
