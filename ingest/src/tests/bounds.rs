//! What is cut, what is marked, and that hashes are taken before.

use super::{Shape, native_connections, native_reports, parse_error, received, records};
use crate::dialect::log_message;
use crate::rejection::Rejection;
use base64::Engine as _;
use schemas::digest::Content;
use serde_json::{Value, json};

const KIB: usize = 1024;

fn bytes(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

fn report(value: &Value) -> Result<schemas::record::RawReport, Rejection> {
    records(native_reports(&bytes(value), Shape::default(), &received()).unwrap()).remove(0)
}

#[test]
fn log_message_is_cut_between_characters_and_hashed_before() {
    // Three bytes a character: neither bound is a multiple of three.
    let message = "崩".repeat(64 * KIB);
    let stack = format!("x{}", "溃".repeat(1024 * KIB));
    let body = bytes(&json!({"platform": "web", "message": message, "stack": stack}));
    let report = log_message::parse(&body, &received()).unwrap();
    assert_eq!(report.exp_message.len(), 64 * KIB - 1);
    assert_eq!(report.call_stack.len(), 1024 * KIB);
    assert!(message.starts_with(&report.exp_message) && stack.starts_with(&report.call_stack));
    assert_eq!(report.truncated, ["message", "stack"]);
    assert_eq!(report.digest, Content::of([&message, &stack, "", "", "web"]).digest);
}

#[test]
fn what_fits_exactly_is_whole() {
    let body = bytes(&json!({"platform": "web", "message": "m".repeat(64 * KIB), "stack": "s".repeat(1024 * KIB)}));
    let report = log_message::parse(&body, &received()).unwrap();
    assert_eq!((report.exp_message.len(), report.call_stack.len()), (64 * KIB, 1024 * KIB));
    assert!(report.truncated.is_empty());
}

#[test]
fn native_texts_have_their_bounds() {
    let long = |kib: usize| "志".repeat(kib * KIB / 3 + 1);
    let report = report(&json!({
        "category": "error", "platformId": 1, "deviceId": long(16), "eventId": long(16), "productVersion": long(16),
        "expMessage": long(64), "callStack": long(1024), "userLogs": long(256), "sysLogs": long(256),
    }));
    let report = report.unwrap();
    assert_eq!(report.truncated, ["expMessage", "callStack", "userLogs", "sysLogs", "eventId", "productVersion", "deviceId"]);
    assert!(report.exp_message.len() <= 64 * KIB && report.exp_message.len() > 64 * KIB - 3);
    assert!(report.call_stack.len() <= 1024 * KIB && report.call_stack.len() > 1024 * KIB - 3);
    assert!(report.user_logs.len() <= 256 * KIB && report.user_logs.len() > 256 * KIB - 3);
    assert!(report.sys_logs.len() <= 256 * KIB && report.device_id.len() == 510);
}

#[test]
fn app_key_texts_have_the_bounds_of_dialect_1() {
    let body = json!({"machine_id": "m", "software_version": "1", "error_type": "T", "error_message": "界".repeat(64 * KIB),
        "error_stack": "s".repeat(1024 * KIB + 1)});
    let report = parse_error(&bytes(&body), &received()).unwrap();
    assert_eq!(report.truncated, ["error_message", "error_stack"]);
    assert_eq!((report.exp_message.len(), report.call_stack.len()), (64 * KIB - 1, 1024 * KIB));
}

#[test]
fn attachments_are_bounded_together_after_base64() {
    let encode = |size: usize| base64::engine::general_purpose::STANDARD.encode(vec![7; size]);
    let with = |first: usize, second: usize| {
        report(&json!({"category": "error", "platformId": 1, "expName": "x",
            "attachments": [{"name": "甲", "data": encode(first)}, {"name": "b", "data": encode(second)}]}))
    };
    let report = with(1000 * KIB, 24 * KIB).unwrap();
    assert_eq!(report.attachments.iter().map(|attachment| attachment.data.len()).sum::<usize>(), 1024 * KIB);
    let Err(Rejection::InvalidParams(why)) = with(1000 * KIB, 24 * KIB + 1) else { panic!("too much was taken") };
    assert!(why.starts_with("attachments: together more than"), "{why}");
}

#[test]
fn a_long_id_of_a_connection_is_refused_and_its_labels_are_cut_as_those_of_reports() {
    let start = |value: Value| super::connections(native_connections(&bytes(&value), Shape::default(), &received()).unwrap()).remove(0);
    for (name, refusal) in [("deviceId", "device id: longer"), ("userId", "userId: longer"), ("eventId", "eventId: longer")] {
        let refused = start(json!({"platformId": 1, name: "号".repeat(171)}));
        assert!(matches!(&refused, Err(Rejection::InvalidParams(why)) if why.starts_with(refusal)), "{refused:?}");
        assert!(start(json!({"platformId": 1, name: format!("ab{}", "号".repeat(170))})).is_ok(), "{name} of 512 bytes");
    }
    let long = "型".repeat(5 * KIB);
    let (version, short) = ("型".repeat(42), "型".repeat(85));
    let cut = start(json!({"platformId": 1, "productVersion": long, "osVer": long, "model": long, "country": long})).unwrap();
    assert_eq!((&cut.version, &cut.os_version, &cut.model, &cut.country), (&version, &version, &short, &short));
    let report = report(&json!({"category": "error", "platformId": 1, "expName": "x", "productVersion": long, "model": long})).unwrap();
    assert_eq!((report.version, report.model), (version, short), "counted under the same name");
}

#[test]
fn depth_is_bounded_in_what_is_kept_and_costs_no_stack() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [127, 100_000] {
        for (name, value) in [("unknown", nested(depth)), ("context", format!("{{\"a\":{}}}", nested(depth)))] {
            let body = format!(r#"{{"platform":"web","message":"x","{name}":{value}}}"#);
            let Err(Rejection::InvalidParams(why)) = log_message::parse(body.as_bytes(), &received()) else { panic!("{name} was taken") };
            assert_eq!(why.split(" at line").next(), Some(format!("{name}: nested too deep").as_str()));
        }
        let body = format!(r#"{{"platform":"web","message":{}}}"#, nested(depth));
        assert!(log_message::parse(body.as_bytes(), &received()).is_err());
    }
    let body = format!(r#"{{"platform":"web","message":"x","unknown":{}}}"#, nested(126));
    let extra = log_message::parse(body.as_bytes(), &received()).unwrap().extra;
    assert!(serde_json::from_str::<Value>(&extra).is_ok());
}

#[test]
fn a_redelivery_is_told_by_event_id_or_moment_and_each_post_counts_without() {
    let id = |body: Value, nonce: u128| {
        let received = crate::dialect::Received { nonce, ..received() };
        records(native_reports(&bytes(&body), Shape::default(), &received).unwrap()).remove(0).unwrap().report_id
    };
    let base = json!({"category": "error", "platformId": 1, "expName": "x", "deviceId": "d"});
    let with = |name: &str, value: Value| {
        let mut body = base.clone();
        body[name] = value;
        body
    };
    assert_ne!(id(base.clone(), 1), id(base.clone(), 2));
    assert_eq!(id(with("occurredAt", json!(5)), 1), id(with("occurredAt", json!(5)), 2));
    assert_ne!(id(with("occurredAt", json!(5)), 1), id(with("occurredAt", json!(6)), 1));
    assert_eq!(id(with("eventId", json!("e")), 1), id(with("eventId", json!("e")), 2));
    assert_ne!(id(with("occurredAt", json!(0)), 1), id(with("occurredAt", json!(0)), 2));
}
