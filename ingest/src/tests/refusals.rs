//! What is refused, and that the message names the field.

use super::{Shape, key_in, native_connections, native_reports, parse_error, parse_heartbeat, received};
use crate::dialect::log_message;
use crate::rejection::Rejection;

/// The explanation of a refusal.
fn why<T: std::fmt::Debug>(parsed: Result<T, Rejection>) -> String {
    match parsed {
        Err(Rejection::InvalidParams(why)) => why,
        other => panic!("expected InvalidParams, found {other:?}"),
    }
}

fn single<T: std::fmt::Debug>(parsed: Result<Vec<Result<T, Rejection>>, Rejection>) -> String {
    let mut items = parsed.unwrap();
    assert_eq!(items.len(), 1);
    why(items.remove(0))
}

#[test]
fn log_message_names_the_field() {
    let texts = ["platform", "appVersion", "osName", "osVersion", "deviceId", "sessionId", "errorCode", "message", "stack"];
    let wrong = texts.map(|name| (name, "5")).into_iter().chain(texts.map(|name| (name, "{\"a\":1}"))).chain([
        ("level", "\"3\""),
        ("level", "5"),
        ("level", "-1"),
        ("level", "256"),
        ("level", "2.5"),
        ("level", "true"),
        ("context", "[]"),
        ("context", "\"text\""),
        ("occurredAt", "\"2025-11-21\""),
        ("occurredAt", "1.5"),
        ("occurredAt", "9223372036854775808"),
    ]);
    for (name, value) in wrong {
        let mut fields = vec![("platform", "\"web\""), ("message", "\"x\"")];
        fields.retain(|(known, _)| *known != name);
        fields.push((name, value));
        let members: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let body = format!("{{{}}}", members.join(","));
        let message = why(log_message::parse(body.as_bytes(), &received()));
        assert!(message.starts_with(&format!("{name}: ")), "{body}: {message}");
    }
}

#[test]
fn log_message_needs_platform_and_message() {
    for (body, name) in [
        (r#"{"message":"x"}"#, "platform"),
        (r#"{"platform":"web"}"#, "message"),
        (r#"{"platform":"","message":"x"}"#, "platform"),
        (r#"{"platform":"web","message":null}"#, "message"),
        ("{}", "platform"),
    ] {
        assert_eq!(why(log_message::parse(body.as_bytes(), &received())), format!("{name}: is required"), "{body}");
    }
}

#[test]
fn what_is_no_json_object_is_refused() {
    let bodies: [&[u8]; 9] = [
        b"",
        b"null",
        b"[]",
        b"\"x\"",
        b"{",
        b"{\"platform\":\"web\",\"message\":\"x\"} x",
        b"\xff\xfe",
        b"{\"platform\":\"\xc3\"}",
        b"a=1&b=2",
    ];
    for body in bodies {
        why(log_message::parse(body, &received()));
        why(key_in(body));
        why(parse_error(body, &received()));
        why(parse_heartbeat(body, &received()));
    }
}

#[test]
fn app_key_names_the_field() {
    let whole = r#"{"app_key":"k","machine_id":"m","software_version":"1","error_type":"T","error_message":"x","version":"1"}"#;
    assert!(parse_error(whole.as_bytes(), &received()).is_ok());
    assert!(parse_heartbeat(whole.as_bytes(), &received()).is_ok());
    for name in ["machine_id", "software_version", "error_type"] {
        let missing = whole.replace(&format!("\"{name}\""), "\"elsewhere\"");
        assert_eq!(why(parse_error(missing.as_bytes(), &received())), format!("{name}: is required"));
        let wrong = whole.replace(&format!("\"{name}\":\""), &format!("\"{name}\":7,\"x\":\""));
        assert!(why(parse_error(wrong.as_bytes(), &received())).starts_with(&format!("{name}: invalid type")), "{wrong}");
    }
    for name in ["machine_id", "version"] {
        let missing = whole.replace(&format!("\"{name}\""), "\"elsewhere\"");
        assert_eq!(why(parse_heartbeat(missing.as_bytes(), &received())), format!("{name}: is required"));
    }
    assert!(why(key_in(br#"{"app_key":5}"#)).starts_with("app_key: "));
    assert_eq!(key_in(b"{}"), Ok(String::new()));
}

#[test]
fn native_names_the_field() {
    let cases = [
        ("category", r#"{"platformId":1,"expName":"x"}"#),
        ("category", r#"{"category":"Crash","platformId":1,"expName":"x"}"#),
        ("category", r#"{"category":1,"platformId":1,"expName":"x"}"#),
        ("platformId", r#"{"category":"crash","expName":"x"}"#),
        ("platformId", r#"{"category":"crash","platformId":3,"expName":"x"}"#),
        ("platformId", r#"{"category":"crash","platformId":"1","expName":"x"}"#),
        ("exceptionType", r#"{"category":"crash","platformId":1,"exceptionType":"ANR","expName":"x"}"#),
        ("exceptionType", r#"{"category":"anr","platformId":1,"exceptionType":"anr","expName":"x"}"#),
        ("expName", r#"{"category":"crash","platformId":1}"#),
        ("expName", r#"{"category":"crash","platformId":1,"expMessage":"","callStack":null}"#),
        ("attachments", r#"{"category":"crash","platformId":1,"expName":"x","attachments":{}}"#),
        ("attachments[1].data", r#"{"category":"crash","platformId":1,"expName":"x","attachments":[{},{"data":"中文"}]}"#),
    ];
    for (name, body) in cases {
        let message = single(native_reports(body.as_bytes(), Shape::default(), &received()));
        assert!(message.starts_with(&format!("{name}: ")), "{body}: {message}");
    }
}

#[test]
fn every_native_field_has_its_type() {
    let texts = "eventId exceptionType productVersion buildNumber bundleId channelId sdkVersion deviceId userId sessionId expName expMessage \
                 callStack threadName processName model brand osVer rom cpuType cpuName gpu country apn sceneTag userLogs sysLogs";
    let others = [
        ("isRooted isVirtualMachine appInBack oom", "\"true\""),
        ("occurredAt memSize freeMem diskSize freeStorage battery elapsedTime", "\"5\""),
        ("tags fingerprint", "[5]"),
        ("userKey serverKey", "{\"a\":5}"),
        ("threads", "[{\"name\":5}]"),
        ("attachments", "[{\"data\":5}]"),
    ];
    let names = texts.split_whitespace().map(|name| (name, "5"));
    for (name, value) in names.chain(others.iter().flat_map(|(names, value)| names.split(' ').map(|name| (name, *value)))) {
        let body = format!(r#"{{"category":"error","platformId":1,"expName":"x","callStack":"y","{name}":{value}}}"#);
        let message = single(native_reports(body.as_bytes(), Shape::default(), &received()));
        assert!(message.starts_with(&format!("{name}: ")), "{body}: {message}");
    }
}

#[test]
fn connections_name_the_field() {
    let texts = ["productVersion", "deviceId", "userId", "country", "model", "osVer", "eventId", "kind"].map(|name| (name, "5"));
    for (name, value) in
        texts.into_iter().chain([("isVirtualMachine", "1"), ("occurredAt", "\"1\""), ("platformId", "\"1\""), ("kind", "\"x\"")])
    {
        let body = match name {
            "platformId" => format!(r#"{{"platformId":{value}}}"#),
            _ => format!(r#"{{"platformId":1,"{name}":{value}}}"#),
        };
        let message = single(native_connections(body.as_bytes(), Shape::default(), &received()));
        assert!(message.starts_with(&format!("{name}: ")), "{body}: {message}");
    }
}

/// To write out a text that stands in the wrong place took seconds for a body of 8 MB that was packed to 8 KB.
#[test]
fn a_long_text_in_the_wrong_place_is_not_written_out() {
    let text = "崩溃".repeat(200_000);
    let native = r#""category":"error","platformId":1,"expName":"x""#;
    let wrong =
        ["occurredAt", "oom", "tags", "threads", "attachments", "userKey"].map(|name| format!("{{{native},\"{name}\":\"{text}\"}}"));
    let nested = ["threads", "attachments"].map(|name| format!("{{{native},\"{name}\":[\"{text}\"]}}"));
    for body in wrong.into_iter().chain(nested).chain([format!("\"{text}\""), format!("[{{{native}}},\"{text}\"]")]) {
        let (items, taken) = super::allocator::peak(|| native_reports(body.as_bytes(), Shape::default(), &received()));
        let refused = items.unwrap().pop().unwrap().unwrap_err().to_string();
        assert!(refused.contains("崩溃") && refused.len() < 300, "{refused}");
        assert!(taken < 64 << 10, "{taken} bytes for {:.80}", body);
    }
}
