//! An event to a report (ingest-protocols, sections 3 and 4).
//!
//! Where the documents leave a choice: the device is whom the SDKs count sessions by (the user, else the installation), so
//! that crashed and connected devices are the same; `tags` are the report's custom keys, what the server side adds
//! (environment, server, logger, URL) its server keys; `transaction` is the scene. An event that says nothing is still one.

use super::breadcrumbs;
use super::event::{Contexts, Event, Request, Stack, Thread as SentThread, User};
use super::language::Language;
use super::release::Release;
use super::stack::{self, Print};
use super::surroundings;
use crate::dialect::native::{cut_long, cut_short, identify};
use crate::dialect::{Received, STACK_LIMIT, name};
use schemas::record::{Category, RawReport, Thread};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::net::IpAddr;

/// The stacks of all other threads together.
const THREADS_LIMIT: usize = STACK_LIMIT;

/// Makes the report of an event; `event_id` stands in where the event has none of its own.
pub(super) fn report(event: &Event<'_>, event_id: &str, received: &Received, nonce: u128) -> RawReport {
    let mut report = RawReport::new(&received.app_id, name::SENTRY, Category::Error, received.received_at);
    received.describe(&mut report);
    let language = Language::of(event);
    report.event_id = match identifier(&event.event_id.0) {
        id if id.is_empty() => identifier(event_id),
        id => id,
    };
    report.occurred_at = event.timestamp.0;
    report.platform = event.platform.to_owned();
    report.level = level(&event.level.0);
    classify(event, language, &mut report);
    let marks = story(event, language, &mut report);
    surroundings(event, &mut report);
    surroundings::keep(event, &marks, &mut report);
    identify(&mut report, nonce);
    cut_long(&mut report);
    cut_short(&mut report);
    report
}

/// The 32 digits of an id; dashes and case differ from client to client.
pub(super) fn identifier(sent: &str) -> String {
    sent.trim().chars().filter(|letter| *letter != '-').map(|letter| letter.to_ascii_lowercase()).collect()
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

/// What happened: exception, message, stacks. Gives the marks of the stack's lines.
fn story(event: &Event<'_>, language: Language, report: &mut RawReport) -> String {
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
    report.thread_name = dying.map(|thread| thread.name.to_owned()).unwrap_or_default();
    report.threads = others(event, language, dying);
    let own = main.is_none_or(|exception| exception.stacktrace.frames.0.is_empty()).then(|| elsewhere(event, dying)).flatten();
    let print = match (main, own) {
        (Some(_), own) => stack::print(language, &chain, own),
        (None, Some(stack)) => alone(language, stack),
        (None, None) => Print::default(),
    };
    let (text, marks) = print.finish();
    // A header without frames says no more than the exception itself.
    let has_frames =
        own.is_some_and(|stack| !stack.frames.0.is_empty()) || chain.iter().any(|exception| !exception.stacktrace.frames.0.is_empty());
    if has_frames || chain.len() > 1 {
        report.call_stack = text;
    }
    marks
}

fn alone(language: Language, stack: &Stack<'_>) -> Print {
    let mut print = Print::default();
    match language {
        Language::Python => print.words("Stack (most recent call last):\n"),
        Language::Go => print.words("goroutine 1 [running]:\n"),
        Language::Rust => print.words("stack backtrace:\n"),
        _ => {}
    }
    print.stack(language, stack);
    print
}

/// The stack of an event whose exception has none.
fn elsewhere<'e, 'a>(event: &'e Event<'a>, dying: Option<&'e SentThread<'a>>) -> Option<&'e Stack<'a>> {
    let threads = dying.map(|thread| &thread.stacktrace);
    [Some(&event.stacktrace), threads].into_iter().flatten().find(|stack| !stack.frames.0.is_empty())
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

fn others(event: &Event<'_>, language: Language, dying: Option<&SentThread<'_>>) -> Vec<Thread> {
    let (mut threads, mut length) = (Vec::new(), 0);
    let is_dying = |thread: &SentThread<'_>| dying.is_some_and(|dying| std::ptr::eq(dying, thread));
    for thread in event.threads.0.iter().filter(|thread| !is_dying(thread)) {
        let mut print = Print::default();
        print.stack(language, &thread.stacktrace);
        let stack = print.finish().0;
        length += stack.len();
        if length > THREADS_LIMIT {
            break;
        }
        let name = if thread.name.is_empty() { &thread.id } else { &thread.name };
        threads.push(Thread { name: name.to_owned(), stack });
    }
    threads
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
    let or = |first: &str, second: &str| if first.is_empty() { second.to_owned() } else { first.to_owned() };
    report.version = or(release.version, &contexts.app.version.0);
    report.build_number = or(release.build, event.dist.or(&contexts.app.build));
    report.bundle_id = or(release.package, &contexts.app.identifier.0);
    if !event.sdk.name.is_empty() {
        report.sdk_version = format!("{}/{}", event.sdk.name.0, event.sdk.version.0);
    }
    report.user_id = or(&user.id.0, user.username.or(&user.email));
    report.device_id = or(&report.user_id, &contexts.device.id.0);
    if let Ok(address) = user.ip_address.0.parse::<IpAddr>() {
        report.client_ip = address.to_string();
    }
    report.country = user.geo.country_code.to_owned();
    report.scene_tag = event.transaction.to_owned();
    report.fingerprint = event.fingerprint.0.iter().map(|part| part.to_owned()).collect();
    report.user_key =
        event.tags.0.iter().filter(|(name, _)| !name.is_empty()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let server =
        [("environment", &event.environment), ("server_name", &event.server_name), ("logger", &event.logger), ("url", &request.url)];
    let server = server.into_iter().chain([("method", &request.method)]).filter(|(_, value)| !value.is_empty());
    report.server_key = server.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    report.user_logs = breadcrumbs::log(&event.crumbs.0);
    surroundings::describe(&contexts, event, report);
}
