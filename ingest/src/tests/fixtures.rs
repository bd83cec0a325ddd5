//! Every fixture of a dialect and what becomes of it.

use super::{Shape, key_in, native_connections, native_reports, parse_error, parse_heartbeat, read_envelope, read_store, received};
use crate::dialect::log_message;

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
        assert_eq!(key_in(&body).as_deref(), Ok("534a235d30f13cac"));
        insta::assert_debug_snapshot!(parse_error(&body, &received()));
    });
}

#[test]
fn app_key_heartbeat() {
    insta::glob!("../../fixtures/app_key_heartbeat", "*.json", |path| {
        insta::assert_debug_snapshot!(parse_heartbeat(&std::fs::read(path).unwrap(), &received()));
    });
}

#[test]
fn native() {
    insta::glob!("../../fixtures/native", "*json", |path| {
        let lines = path.extension().is_some_and(|extension| extension == "ndjson");
        let shape = Shape { content_type: lines.then_some("application/x-ndjson; charset=utf-8"), encoding: None };
        insta::assert_debug_snapshot!(native_reports(&std::fs::read(path).unwrap(), shape, &received()));
    });
}

#[test]
fn native_connection() {
    insta::glob!("../../fixtures/native_connection", "*.json", |path| {
        insta::assert_debug_snapshot!(native_connections(&std::fs::read(path).unwrap(), Shape::default(), &received()));
    });
}

#[test]
fn sentry_event() {
    insta::glob!("../../fixtures/sentry_event", "*.json", |path| {
        let event = std::fs::read(path).unwrap();
        let stored = read_store(&event, None, &received());
        insta::assert_debug_snapshot!(stored);
        let header = format!("{{}}\n{{\"type\":\"event\",\"length\":{}}}\n", event.len());
        let envelope = [header.as_bytes(), &event].concat();
        assert_eq!(read_envelope(&envelope, None, &received()), stored, "an event is the same in an envelope");
    });
}

#[test]
fn sentry_envelope() {
    insta::glob!("../../fixtures/sentry_envelope", "*.envelope", |path| {
        insta::assert_debug_snapshot!(read_envelope(&std::fs::read(path).unwrap(), None, &received()));
    });
}
