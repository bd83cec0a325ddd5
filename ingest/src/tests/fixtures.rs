//! Every fixture of a dialect and what becomes of it.

use super::received;
use crate::dialect::{app_key, log_message, native, native_connection};
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
