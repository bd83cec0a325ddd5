//! An event to a report.
//!
//! Where the protocol leaves a choice: the device is whom the SDKs count sessions by (the user, else the installation), so
//! that crashed and connected devices are the same; `tags` are the report's custom keys, what the server side adds
//! (environment, server, logger, URL) its server keys; `transaction` is the scene. An event that says nothing is still one.

use super::breadcrumbs;
use super::contexts;
use super::event::{Contexts, Event, Request, Thread as SentThread, User};
use super::language::Language;
use super::packed_frames::Stack;
use super::print::{Print, Printed};
use super::release::Release;
use super::stack;
use crate::dialect::bounds::{FINGERPRINT_PART, ID, NAME, PRINT_SPARE, SHORT, STACK, THREAD_STACKS, VALUE, VERSION};
use crate::dialect::cut::{beginning, copied, cut, mark};
use crate::dialect::native::{cut_long, cut_short, identify};
use crate::dialect::{Dialect, Received};
use schemas::record::{Category, RawReport, Thread};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// What is known of an event besides itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent<'a> {
    /// Stands in where the event has no id of its own.
    pub(super) event_id: &'a str,
    pub(super) nonce: u128,
    /// Bytes of its JSON.
    pub(super) length: usize,
}

/// Makes the report of an event.
pub(super) fn report(event: &Event<'_>, sent: Sent<'_>, received: &Received) -> RawReport {
    let mut report = RawReport::new(&received.app_id, Dialect::Sentry.name(), Category::Error, received.received_at);
    received.describe(&mut report);
    let language = Language::of(event);
    report.event_id = match identifier(&event.event_id.0) {
        id if id.is_empty() => identifier(sent.event_id),
        id => id,
    };
    report.occurred_at = event.timestamp.0;
    report.platform = event.platform.copied(SHORT);
    report.level = level(&event.level.0);
    classify(event, language, &mut report);
    let marks = story(event, language, sent.length.saturating_add(PRINT_SPARE), &mut report);
    surroundings(event, &mut report);
    contexts::keep(event, &marks, &mut report);
    mark_lists(event, &mut report);
    identify(&mut report, sent.nonce);
    cut_long(&mut report);
    cut_short(&mut report);
    report
}

/// The 32 digits of an id; dashes and case differ from client to client.
pub(super) fn identifier(sent: &str) -> String {
    // Twice its bound, for the dashes.
    let sent = beginning(sent.trim(), 2 * ID);
    sent.chars().filter(|letter| *letter != '-').map(|letter| letter.to_ascii_lowercase()).collect()
}

/// Reads what was kept raw; what cannot be read is absent.
pub(super) fn parsed<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> T {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

fn level(name: &str) -> i32 {
    match name {
        "fatal" | "critical" => 1,
        "warning" | "warn" => 3,
        "info" | "debug" | "log" | "trace" => 4,
        // What an event is that says nothing.
        _ => 2,
    }
}

fn classify(event: &Event<'_>, language: Language, report: &mut RawReport) {
    let mechanisms = || event.exceptions.0.iter().map(|exception| &exception.mechanism);
    let is_hang = |kind: &str| {
        ["anr", "apphang", "appexitinfo", "app_hang"].iter().any(|name| kind.eq_ignore_ascii_case(name))
            || kind == "ApplicationNotResponding"
    };
    let hangs =
        mechanisms().any(|mechanism| is_hang(&mechanism.kind.0)) || event.exceptions.0.iter().any(|exception| is_hang(&exception.kind.0));
    let is_unhandled = mechanisms().any(|mechanism| mechanism.handled.0 == Some(false));
    let is_unity = event.sdk.name.0.contains("unity");
    let (category, kind) = match (hangs, is_unhandled || report.level == 1) {
        (true, _) => (Category::Anr, "ANR"),
        (_, true) if language.is_native() => (Category::Crash, "Native"),
        (_, true) => (Category::Crash, "Crash"),
        _ if is_unity => (Category::Error, "Unity3D"),
        _ if language == Language::JavaScript => (Category::Error, "JS"),
        _ if language == Language::Lua => (Category::Error, "Lua"),
        _ => (Category::Error, "AllCatched"),
    };
    report.category = category;
    kind.clone_into(&mut report.exception_type);
}

/// Notes the lists of which not everything was kept.
fn mark_lists(event: &Event<'_>, report: &mut RawReport) {
    let lists = [
        ("exception", event.exceptions.1),
        ("threads", event.threads.1),
        ("userLogs", event.crumbs.1),
        ("fingerprint", event.fingerprint.1),
        ("userKey", event.tags.1),
    ];
    lists.into_iter().filter(|(_, is_cut)| *is_cut).for_each(|(name, _)| mark(name, &mut report.truncated));
}

/// What happened: exception, message, stacks, all prints together within `room`. Gives the marks of the stack's lines.
fn story(event: &Event<'_>, language: Language, room: usize, report: &mut RawReport) -> String {
    let chain = stack::order(event);
    let main = chain.first();
    let said = event.logentry.text();
    let said = if said.is_empty() { event.message.text() } else { said };
    let dying = dying_thread(event, main.map(|exception| &*exception.thread_id.0));
    if let Some(exception) = main {
        report.exp_name = stack::class(language, exception);
        report.exp_message = exception.value.to_owned();
    }
    if report.exp_message.is_empty() {
        report.exp_message = said.into_owned();
    }
    if report.exp_name.is_empty() && report.exp_message.is_empty() {
        report.exp_message = nameless(event);
    }
    report.thread_name = dying.map(|thread| thread.name.copied(SHORT)).unwrap_or_default();
    let own = main.is_none_or(|exception| exception.stacktrace.frames.is_empty()).then(|| elsewhere(event, dying)).flatten();
    let mut print = Print::within(room.min(STACK));
    match (main, own) {
        (Some(_), own) => stack::print(&mut print, language, &chain, own),
        (None, Some(stack)) => alone(&mut print, language, stack),
        (None, None) => {}
    }
    let Printed { text, marks, is_cut } = print.finish();
    put_threads(event, (language, room - text.len()), dying, report);
    // A header without frames says no more than the exception itself.
    let has_frames =
        own.is_some_and(|stack| !stack.frames.is_empty()) || chain.iter().any(|exception| !exception.stacktrace.frames.is_empty());
    if has_frames || chain.len() > 1 {
        report.call_stack = text;
        if is_cut {
            mark("callStack", &mut report.truncated);
        }
    }
    marks
}

fn alone(print: &mut Print, language: Language, stack: &Stack) {
    match language {
        Language::Python => print.words("Stack (most recent call last):\n"),
        Language::Go => print.words("goroutine 1 [running]:\n"),
        Language::Rust => print.words("stack backtrace:\n"),
        _ => {}
    }
    print.stack(language, stack);
}

/// The stack of an event whose exception has none.
fn elsewhere<'e>(event: &'e Event<'_>, dying: Option<&'e SentThread<'_>>) -> Option<&'e Stack> {
    let threads = dying.map(|thread| &thread.stacktrace);
    [Some(&event.stacktrace), threads].into_iter().flatten().find(|stack| !stack.frames.is_empty())
}

/// The thread of the exception, else the one that crashed, else the current one, else the only one.
fn dying_thread<'e, 'a>(event: &'e Event<'a>, id: Option<&str>) -> Option<&'e SentThread<'a>> {
    let threads = &event.threads.0;
    let by_id = id.filter(|id| !id.is_empty()).and_then(|id| threads.iter().find(|thread| thread.id.0 == id));
    let is_crashed = |thread: &&SentThread<'_>| thread.crashed.0 == Some(true);
    let is_current = |thread: &&SentThread<'_>| thread.current.0 == Some(true);
    let alone = || threads.first().filter(|_| threads.len() == 1);
    by_id.or_else(|| threads.iter().find(is_crashed)).or_else(|| threads.iter().find(is_current)).or_else(alone)
}

/// The other threads, as long as there is room for their stacks.
fn put_threads(event: &Event<'_>, (language, room): (Language, usize), dying: Option<&SentThread<'_>>, report: &mut RawReport) {
    let mut left = room.min(THREAD_STACKS);
    let is_dying = |thread: &SentThread<'_>| dying.is_some_and(|dying| std::ptr::eq(dying, thread));
    for thread in event.threads.0.iter().filter(|thread| !is_dying(thread)) {
        let mut print = Print::within(left);
        print.stack(language, &thread.stacktrace);
        let Printed { text: stack, is_cut, .. } = print.finish();
        if is_cut {
            mark("threads", &mut report.truncated);
        }
        left -= stack.len();
        let name = if thread.name.is_empty() { &thread.id } else { &thread.name };
        report.threads.push(Thread { name: name.copied(SHORT), stack });
    }
}

/// What an event without exception and message is called.
fn nameless(event: &Event<'_>) -> String {
    match event.transaction.or(&event.culprit) {
        "" if event.kind.is_empty() => "unlabeled event".to_owned(),
        "" => format!("unlabeled event of type {}", event.kind.0),
        place => format!("unlabeled event in {place}"),
    }
}

/// Who, where and in what state.
fn surroundings(event: &Event<'_>, report: &mut RawReport) {
    let contexts: Contexts<'_> = parsed(event.contexts);
    let user: User<'_> = parsed(event.user);
    let request: Request<'_> = parsed(event.request);
    let release = Release::of(&event.release.0);
    let or = |first: &str, second: &str, limit: usize| copied(if first.is_empty() { second } else { first }, limit);
    report.version = or(release.version, &contexts.app.version.0, usize::MAX);
    report.build_number = or(release.build, event.dist.or(&contexts.app.build), SHORT);
    report.bundle_id = or(release.package, &contexts.app.identifier.0, SHORT);
    if !event.sdk.name.is_empty() {
        report.sdk_version = format!("{}/{}", beginning(&event.sdk.name.0, VERSION), beginning(&event.sdk.version.0, VERSION));
    }
    report.user_id = or(&user.id.0, user.username.or(&user.email), ID);
    report.device_id = or(&report.user_id, &contexts.device.id.0, ID);
    if let Ok(address) = user.ip_address.0.parse::<IpAddr>() {
        report.client_ip = address.to_string();
    }
    report.country = user.geo.country_code.copied(SHORT);
    report.scene_tag = event.transaction.copied(SHORT);
    report.fingerprint = event.fingerprint.0.iter().map(|part| part.copied(FINGERPRINT_PART)).collect();
    for (name, value) in event.tags.0.iter().filter(|(name, _)| !name.is_empty()) {
        put_pair(("userKey", &mut report.user_key), (&name.0, &value.0), &mut report.truncated);
    }
    let server =
        [("environment", &event.environment), ("server_name", &event.server_name), ("logger", &event.logger), ("url", &request.url)];
    let server = server.into_iter().chain([("method", &request.method)]).filter(|(_, value)| !value.is_empty());
    for (name, value) in server {
        put_pair(("serverKey", &mut report.server_key), (name, &value.0), &mut report.truncated);
    }
    report.user_logs = breadcrumbs::log(&event.crumbs.0);
    contexts::describe(&contexts, event, report);
}

fn put_pair((field, pairs): (&str, &mut BTreeMap<String, String>), (name, value): (&str, &str), truncated: &mut Vec<String>) {
    let (mut name, mut value) = (copied(name, NAME), copied(value, VALUE));
    if cut(&mut name, NAME) | cut(&mut value, VALUE) {
        mark(field, truncated);
    }
    pairs.insert(name, value);
}
