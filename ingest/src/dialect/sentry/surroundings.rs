//! Device, system and app of an event, and what is kept of it as it was sent.

use super::event::{Contexts, Event};
use crate::dialect::object::DEPTH_LIMIT;
use crate::dialect::platform;
use crate::dialect::surrogate;
use crate::dialect::value::is_shallow;
use schemas::record::RawReport;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What is kept as it was sent, together, in bytes: beyond, a field is left out and marked.
const KEPT_LIMIT: usize = 1 << 20;

/// Fields that say nothing to a reader: how the client library is built, what its server should make of it.
const LEFT_OUT: [&str; 6] = ["_meta", "_metrics", "_dsc", "_grouping", "grouping_config", "sentry.interfaces.Template"];

/// Fills in what the contexts say.
pub(super) fn describe(contexts: &Contexts<'_>, event: &Event<'_>, report: &mut RawReport) {
    let (device, os, app) = (&contexts.device, &contexts.os, &contexts.app);
    report.platform_id = platform_id(&os.name.0, &event.sdk.name.0);
    report.os_name = os.name.to_owned();
    report.os_version = os.version.to_owned();
    report.rom = os.build.to_owned();
    report.is_rooted = os.rooted.0;
    report.model = device.model.or(&device.family).to_owned();
    report.brand = device.brand.or(&device.manufacturer).to_owned();
    report.cpu_type = device.archs.0.first().filter(|_| device.arch.is_empty()).unwrap_or(&device.arch).to_owned();
    report.cpu_name = device.processor.to_owned();
    report.gpu = contexts.gpu.name.to_owned();
    report.is_emulator = device.simulator.0;
    report.mem_size = device.memory_size.0;
    report.free_mem = device.free_memory.0;
    report.disk_size = device.storage_size.0;
    report.free_storage = device.free_storage.0;
    // A cast of a float saturates; battery levels are percent.
    report.battery = device.battery_level.0.filter(|level| level.is_finite()).map(|level| level.round() as i64);
    report.apn = device.connection_type.to_owned();
    report.in_background = app.in_foreground.0.map(|in_front| !in_front);
    report.process_name = app.name.to_owned();
    report.elapsed_time =
        event.timestamp.0.zip(app.started.0).map(|(now, started)| now.saturating_sub(started)).filter(|elapsed| *elapsed >= 0);
    if !contexts.culture.locale.is_empty() {
        report.locale = contexts.culture.locale.to_owned();
    }
}

/// The platform of a system, or of a client library that runs on one system only.
pub(super) fn platform_id(os: &str, sdk: &str) -> i32 {
    match os {
        "" if sdk.contains("android") => platform::ANDROID,
        "" => platform::PC,
        os if os.eq_ignore_ascii_case("android") => platform::ANDROID,
        os if ["ios", "ipados", "iphone os"].iter().any(|name| os.eq_ignore_ascii_case(name)) => platform::IOS,
        _ => platform::PC,
    }
}

/// Keeps the contexts, and in `extra` the marks of the stack's lines and every other field of the event.
pub(super) fn keep(event: &Event<'_>, marks: &str, report: &mut RawReport) {
    let mut left = KEPT_LIMIT;
    if let Some(contexts) = event.contexts.filter(|contexts| contexts.get().starts_with('{')) {
        match kept(contexts, &mut left) {
            Some(json) => report.context = json.into_owned(),
            None => report.truncated.push("context".to_owned()),
        }
    }
    let mut extra = String::new();
    if !marks.is_empty() {
        // Marks are ASCII without quotes.
        extra = format!("{{\"stackInApp\":\"{marks}\"");
    }
    let known = [("user", event.user), ("request", event.request)];
    let known = known.into_iter().filter_map(|(name, raw)| Some((name, raw?)));
    let others = event.kept.iter().map(|(name, raw)| (&**name, *raw)).filter(|(name, _)| !LEFT_OUT.contains(name));
    for (name, raw) in known.chain(others) {
        let Some((json, name)) = kept(raw, &mut left).zip(serde_json::to_string(name).ok()) else {
            report.truncated.push(format!("extra.{}", name.chars().take(64).collect::<String>()));
            continue;
        };
        extra.push(if extra.is_empty() { '{' } else { ',' });
        extra.push_str(&name);
        extra.push(':');
        extra.push_str(&json);
    }
    if !extra.is_empty() {
        extra.push('}');
    }
    report.extra = extra;
}

/// The JSON as it may be kept: within what is left, shallow, without lone surrogates.
fn kept<'a>(raw: &'a RawValue, left: &mut usize) -> Option<Cow<'a, str>> {
    let json = raw.get();
    if json.len() > *left || !is_shallow(json, DEPTH_LIMIT) {
        return None;
    }
    *left -= json.len();
    Some(surrogate::mend(json).map_or(Cow::Borrowed(json), Cow::Owned))
}
