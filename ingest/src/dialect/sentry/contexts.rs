//! Device, system and app of an event, and what is kept of it as it was sent.

use super::event::{Contexts, Event};
use crate::dialect::bounds::{CONTEXT, EXTRA, LOCALE, SHORT, VERSION};
use crate::dialect::cut::{beginning, copied, mark};
use crate::dialect::extra::Extra;
use crate::dialect::object::DEPTH_LIMIT;
use crate::dialect::platform;
use crate::dialect::surrogate;
use crate::dialect::value::is_shallow;
use schemas::platform::Platform;
use schemas::record::RawReport;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Bytes of a field's name that stand in the mark of one that was left out.
const NAMED: usize = 64;

/// Fields that say nothing to a reader: how the client library is built, what its server should make of it.
const LEFT_OUT: [&str; 6] = ["_meta", "_metrics", "_dsc", "_grouping", "grouping_config", "sentry.interfaces.Template"];

/// Fills in what the contexts say.
pub(super) fn describe(contexts: &Contexts<'_>, event: &Event<'_>, report: &mut RawReport) {
    let (device, os, app) = (&contexts.device, &contexts.os, &contexts.app);
    report.platform_id = platform::number(platform_of(&os.name.0, &event.sdk.name.0));
    report.os_name = os.name.copied(SHORT);
    report.os_version = os.version.copied(VERSION);
    report.rom = os.build.copied(SHORT);
    report.is_rooted = os.rooted.0;
    report.model = copied(device.model.or(&device.family), SHORT);
    report.brand = copied(device.brand.or(&device.manufacturer), SHORT);
    report.cpu_type = device.archs.0.first().filter(|_| device.arch.is_empty()).unwrap_or(&device.arch).copied(SHORT);
    report.cpu_name = device.processor.copied(SHORT);
    report.gpu = contexts.gpu.name.copied(SHORT);
    report.is_emulator = device.simulator.0;
    report.mem_size = device.memory_size.0;
    report.free_mem = device.free_memory.0;
    report.disk_size = device.storage_size.0;
    report.free_storage = device.free_storage.0;
    // A cast of a float saturates; battery levels are percent.
    report.battery = device.battery_level.0.filter(|level| level.is_finite()).map(|level| level.round() as i64);
    report.apn = device.connection_type.copied(SHORT);
    report.in_background = app.in_foreground.0.map(|in_front| !in_front);
    report.process_name = app.name.copied(SHORT);
    report.elapsed_time =
        event.timestamp.0.zip(app.started.0).map(|(now, started)| now.saturating_sub(started)).filter(|elapsed| *elapsed >= 0);
    if !contexts.culture.locale.is_empty() {
        report.locale = contexts.culture.locale.copied(LOCALE);
    }
}

/// The platform of a system, or of a client library that runs on one system only.
pub(super) fn platform_of(os: &str, sdk: &str) -> Platform {
    match os {
        "" if sdk.contains("android") => Platform::Android,
        "" => Platform::Pc,
        os if os.eq_ignore_ascii_case("android") => Platform::Android,
        os if ["ios", "ipados", "iphone os"].iter().any(|name| os.eq_ignore_ascii_case(name)) => Platform::Ios,
        _ => Platform::Pc,
    }
}

/// Keeps the contexts, and in `extra` the marks of the stack's lines and every other field of the event.
pub(super) fn keep(event: &Event<'_>, marks: &str, report: &mut RawReport) {
    if let Some(contexts) = event.contexts.filter(|contexts| contexts.get().starts_with('{')) {
        match kept(contexts).filter(|json| json.len() <= CONTEXT) {
            Some(json) => report.context = json.into_owned(),
            None => mark("context", &mut report.truncated),
        }
    }
    let mut extra = Extra::default();
    if !marks.is_empty() {
        // Marks are ASCII without quotes.
        keep_field(&mut extra, ("stackInApp", Some(Cow::Owned(format!("\"{marks}\"")))), report);
    }
    let known = [("user", event.user), ("request", event.request)];
    let known = known.into_iter().filter_map(|(name, raw)| Some((name, raw?)));
    let others = event.kept.fields.iter().map(|(name, raw)| (&**name, *raw)).filter(|(name, _)| !LEFT_OUT.contains(name));
    for (name, raw) in known.chain(others) {
        keep_field(&mut extra, (name, kept(raw)), report);
    }
    if event.kept.is_cut {
        extra.leave_out();
    }
    extra.keep_in(report);
}

fn keep_field(extra: &mut Extra, (name, json): (&str, Option<Cow<'_, str>>), report: &mut RawReport) {
    let json = json.filter(|json| extra.has_room(name, json));
    if json.is_none_or(|json| extra.add(name, &json).is_err()) {
        mark(&format!("extra.{}", beginning(name, NAMED)), &mut report.truncated);
    }
}

/// The JSON as it may be kept: not longer than anything is, shallow, without lone surrogates.
fn kept(raw: &RawValue) -> Option<Cow<'_, str>> {
    let json = raw.get();
    if json.len() > CONTEXT.max(EXTRA) || !is_shallow(json, DEPTH_LIMIT) {
        return None;
    }
    Some(surrogate::mend(json).map_or(Cow::Borrowed(json), Cow::Owned))
}
