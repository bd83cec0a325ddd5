//! The app-key dialect: the app's key stands in the body.
//!
//! Where the protocol leaves a choice: every field it lists is required and not empty, except that `error_message`,
//! `error_stack` and `os_info` may be empty or absent, as long as there is something to report (`error_type` is).
//!
//! A body is read once: its sender is authenticated by the key that was read with the other fields, before any of them is judged.

use super::bounds::{EXCEPTION_NAME, ID, MESSAGE, SHORT, STACK, VERSION};
use super::cut::cut_marked;
use super::extra::Extra;
use super::object::{self, Draft, Field};
use super::{Dialect, Identify, platform, required};
use crate::rejection::Rejection;
use schemas::digest::{self, Content, Delivery};
use schemas::record::{Category, Connection, ConnectionKind, RawReport};
use serde::de::MapAccess;

/// Reads the report of an error.
///
/// # Errors
/// A body that is not a JSON object, a key that `identify` refuses, a required field that is missing, a known field of a wrong
/// type.
pub fn parse_error(body: &[u8], identify: Identify<'_>) -> Result<RawReport, Rejection> {
    let start = || ErrorReport { identify, key: String::new(), report: RawReport::new("", Dialect::AppKey.name(), Category::Error, 0) };
    read(body, identify, start)
}

/// Reads a heartbeat.
///
/// # Errors
/// As [`parse_error`].
pub fn parse_heartbeat(body: &[u8], identify: Identify<'_>) -> Result<Connection, Rejection> {
    read(body, identify, || Heartbeat { identify, key: String::new(), machine_id: String::new(), version: String::new() })
}

/// Reads a body. Of one that cannot be read the key alone is read again: a stranger is told nothing but that the key is wrong.
pub(super) fn read<D: Draft>(body: &[u8], identify: Identify<'_>, start: impl Fn() -> D) -> Result<D::Record, Rejection> {
    object::read(body, start).or_else(|rejection| {
        identify(&object::read(body, || Key(String::new()))?)?;
        Err(rejection)
    })
}

struct Key(String);

impl Draft for Key {
    type Record = String;

    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, A>) -> Result<(), A::Error> {
        match field.name() {
            "app_key" => field.text(&mut self.0),
            _ => field.skip(),
        }
    }

    fn finish(self, _: Extra) -> Result<String, Rejection> {
        Ok(self.0)
    }
}

struct ErrorReport<'a> {
    identify: Identify<'a>,
    key: String,
    report: RawReport,
}

impl Draft for ErrorReport<'_> {
    type Record = RawReport;

    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, A>) -> Result<(), A::Error> {
        let report = &mut self.report;
        match field.name() {
            "app_key" => field.text(&mut self.key),
            "machine_id" => field.text(&mut report.device_id),
            "software_version" => field.text(&mut report.version),
            "error_type" => field.text(&mut report.exp_name),
            "error_message" => field.text(&mut report.exp_message),
            "error_stack" => field.text(&mut report.call_stack),
            "os_info" => field.text(&mut report.platform),
            _ => field.keep(),
        }
    }

    fn finish(self, extra: Extra) -> Result<RawReport, Rejection> {
        let received = (self.identify)(&self.key)?;
        let mut report = self.report;
        report.received_at = received.received_at;
        report.app_id.clone_from(&received.app_id);
        required("machine_id", &report.device_id)?;
        required("software_version", &report.version)?;
        required("error_type", &report.exp_name)?;
        report.exception_type = "AllCatched".to_owned();
        report.platform_id = platform::number(platform::of_os_info(&report.platform));
        extra.keep_in(&mut report);
        let platform = report.platform_id.to_string();
        let content = Content::of([&report.exp_message, &report.call_stack, &report.exp_name, &report.version, &platform]);
        report.set_content(&content);
        let delivery = Delivery::new("", &report.device_id, None, received.nonce);
        report.report_id = digest::report_id(&report.app_id, &content, delivery);
        received.describe(&mut report);
        cut_long(&mut report);
        report.os_name = report.platform.clone();
        Ok(report)
    }
}

fn cut_long(report: &mut RawReport) {
    let RawReport { truncated, .. } = report;
    for (name, text, most) in [
        ("error_message", &mut report.exp_message, MESSAGE),
        ("error_stack", &mut report.call_stack, STACK),
        ("machine_id", &mut report.device_id, ID),
        ("software_version", &mut report.version, VERSION),
        ("error_type", &mut report.exp_name, EXCEPTION_NAME),
        ("os_info", &mut report.platform, SHORT),
    ] {
        cut_marked(name, text, most, truncated);
    }
}

struct Heartbeat<'a> {
    identify: Identify<'a>,
    key: String,
    machine_id: String,
    version: String,
}

impl Draft for Heartbeat<'_> {
    type Record = Connection;

    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, A>) -> Result<(), A::Error> {
        match field.name() {
            "app_key" => field.text(&mut self.key),
            "machine_id" => field.text(&mut self.machine_id),
            "version" => field.text(&mut self.version),
            _ => field.keep(),
        }
    }

    fn finish(self, extra: Extra) -> Result<Connection, Rejection> {
        let received = (self.identify)(&self.key)?;
        required("machine_id", &self.machine_id)?;
        required("version", &self.version)?;
        let mut beat = received.connection(Dialect::AppKey.name(), ConnectionKind::Heartbeat);
        beat.device_id = self.machine_id;
        beat.version = self.version;
        beat.extra = extra.json();
        super::native_connection::identified(beat, received.nonce)
    }
}
