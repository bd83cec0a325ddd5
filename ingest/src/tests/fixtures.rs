//! Every fixture of a dialect and what becomes of it.

use super::received;
use crate::dialect::{app_key, log_message, native, native_connection, sentry};
use native::Shape;

#[test]
fn log_message() {
    insta::glob!("../../fixtures/log_message", "*.json", |path| {
        insta::assert_debug_snapshot!(log_message::parse(&std::fs::read(path).unwrap(), &received()));
    });
}

#[test]
fn app_key_error() {
    insta::glob!("../../fixtures/app_key_error", "*.json", |path| {
        let body = std::fs::read(path).unwrap();
        assert_eq!(app_key::key(&body).as_deref(), Ok("534a235d30f13cac"));
        insta::assert_debug_snapshot!(app_key::parse_error(&body, &received()));
    });
}

#[test]
fn app_key_heartbeat() {
    insta::glob!("../../fixtures/app_key_heartbeat", "*.json", |path| {
        insta::assert_debug_snapshot!(app_key::parse_heartbeat(&std::fs::read(path).unwrap(), &received()));
    });
}

#[test]
fn native() {
    insta::glob!("../../fixtures/native", "*json", |path| {
        let lines = path.extension().is_some_and(|extension| extension == "ndjson");
        let shape = Shape { content_type: lines.then_some("application/x-ndjson; charset=utf-8"), encoding: None };
        insta::assert_debug_snapshot!(native::parse(&std::fs::read(path).unwrap(), shape, &received()));
    });
}

#[test]
fn native_connection() {
    insta::glob!("../../fixtures/native_connection", "*.json", |path| {
        insta::assert_debug_snapshot!(native_connection::parse(&std::fs::read(path).unwrap(), Shape::default(), &received()));
    });
}

#[test]
fn sentry_event() {
    insta::glob!("../../fixtures/sentry_event", "*.json", |path| {
        let event = std::fs::read(path).unwrap();
        let stored = sentry::read_store(&event, None, &received());
        insta::assert_debug_snapshot!(stored);
        let header = format!("{{}}\n{{\"type\":\"event\",\"length\":{}}}\n", event.len());
        let envelope = [header.as_bytes(), &event].concat();
        assert_eq!(sentry::read_envelope(&envelope, None, &received()), stored, "an event is the same in an envelope");
    });
}

#[test]
fn sentry_envelope() {
    insta::glob!("../../fixtures/sentry_envelope", "*.envelope", |path| {
        insta::assert_debug_snapshot!(sentry::read_envelope(&std::fs::read(path).unwrap(), None, &received()));
    });
}
