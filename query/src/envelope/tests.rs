#![allow(clippy::unwrap_used)]
use super::*;
use serde_json::json;
use service::throttle::RetryAfter;
use std::time::Duration;

fn identity() -> Identity {
    Identity { trace: "t1".to_owned(), request: Some("r1".to_owned()), path: "/uniform/openapi/x".to_owned() }
}

fn refused<E: Envelope>(class: Class, message: &str) -> Reply {
    E::failure(&Refusal { class, message: message.to_owned() }, &identity())
}

fn written<E: Envelope>() -> (Value, Value) {
    (serde_json::to_value(E::success(vec![7], &identity())).unwrap(), refused::<E>(Class::Invalid, "type: 无").body)
}

/// The order in which the clients of the OpenAPI look for the payload.
fn unwrapped(envelope: &Value) -> &Value {
    match &envelope["ret"] {
        Value::Object(ret) => ret.get("data").unwrap_or(&envelope["ret"]),
        Value::Array(_) => &envelope["ret"],
        _ => &envelope["data"],
    }
}

#[test]
fn clients_find_the_payload_in_each() {
    for (success, failure) in [written::<A>(), written::<B>(), written::<C>(), written::<D>(), written::<E>()] {
        assert_eq!(unwrapped(&success), &json!([7]), "{success}");
        assert_eq!(unwrapped(&failure), &Value::Null, "{failure}");
        assert!(failure.to_string().contains("\"t1\"") && failure.to_string().contains("type: 无"), "{failure}");
    }
}

#[test]
fn each_has_its_documented_members() {
    let ok = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(written::<A>().0, ok(r#"{"status":200,"ret":{"code":200,"message":"OK","errorCode":"","data":[7]}}"#));
    assert_eq!(written::<B>().0, ok(r#"{"status":200,"ret":[7]}"#));
    assert_eq!(written::<C>().0, ok(r#"{"status":200,"ret":200,"data":[7],"message":"OK","errorCode":""}"#));
    assert_eq!(written::<D>().0, ok(r#"{"requestid":"r1","code":200,"errmsg":null,"data":[7],"cost":0}"#));
    assert_eq!(written::<E>().0, ok(r#"{"code":100000,"msg":"成功","data":[7],"status":200,"ret":[7]}"#));
    assert_eq!(written::<Admin>().0, ok(r#"{"code":0,"msg":"OK","data":[7]}"#));
    assert_eq!(written::<AppKey>().0, ok(r#"{"code":200,"message":"OK","data":[7]}"#));
    assert_eq!(written::<Bare>().0, json!([7]));
}

#[test]
fn each_error_has_its_documented_members() {
    let failure = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let ret = r#"{"code":400,"message":"type: 无","errorCode":"InvalidParams","traceId":"t1","data":null}"#;
    assert_eq!(written::<A>().1, failure(&format!(r#"{{"status":200,"ret":{ret}}}"#)));
    assert_eq!(written::<B>().1, written::<A>().1);
    let c = r#"{"status":200,"ret":400,"data":null,"message":"type: 无","errorCode":"InvalidParams","traceId":"t1"}"#;
    assert_eq!(written::<C>().1, failure(c));
    let d = r#"{"requestid":"r1","code":400,"errmsg":"type: 无","errorCode":"InvalidParams","traceId":"t1","data":null,"cost":0}"#;
    assert_eq!(written::<D>().1, failure(d));
    let e = r#"{"code":400,"msg":"type: 无","errorCode":"InvalidParams","traceId":"t1","data":null}"#;
    assert_eq!(written::<E>().1, failure(e));
    assert_eq!(written::<Admin>().1, failure(r#"{"code":400,"msg":"InvalidParams: type: 无"}"#));
    assert_eq!(written::<AppKey>().1, failure(r#"{"code":400,"message":"type: 无"}"#));
}

#[test]
fn the_openapi_denies_by_status() {
    let wait = Class::TooMany(RetryAfter(Duration::from_millis(1_500)));
    for (class, status, code) in
        [(Class::Unauthenticated, 401, "AuthenticationFailed"), (Class::Forbidden, 403, "Forbidden"), (wait, 429, "TooManyRequests")]
    {
        let Reply { status: found, body, retry_after } = refused::<A>(class, "");
        assert_eq!((found.as_u16(), &body["ret"]["errorCode"], &body["ret"]["code"]), (status, &json!(code), &json!(status)));
        assert_eq!(retry_after, (status == 429).then_some(2));
    }
    let busy = refused::<A>(Class::Busy, "the tables are busy");
    assert_eq!((busy.status.as_u16(), busy.retry_after, &busy.body["path"]), (503, Some(5), &json!("/uniform/openapi/x")));
    let silent = refused::<C>(Class::Unavailable, "the log gave no answer");
    assert_eq!((silent.status.as_u16(), &silent.body["message"]), (500, &json!("the log gave no answer")));
    assert_eq!(refused::<A>(Class::Unreadable, "").status.as_u16(), 400);
    assert_eq!(refused::<A>(Class::NotFound, "").body["ret"]["code"], 404);
}

/// The OpenAPI document lists what is sent, and nothing else is sent.
#[test]
fn every_status_that_is_sent_is_documented() {
    let classes = || {
        let wait = Class::TooMany(RetryAfter(Duration::from_secs(1)));
        let rest = [Class::NoToken, Class::Unauthenticated, Class::Forbidden, Class::Unreadable, Class::Invalid, Class::NotFound];
        rest.into_iter().chain([wait, Class::Conflict, Class::Busy, Class::Unavailable, Class::Fault])
    };
    fn sorted(statuses: impl Iterator<Item = StatusCode>) -> Vec<u16> {
        let mut statuses: Vec<u16> = statuses.map(|status| status.as_u16()).collect();
        statuses.sort_unstable();
        statuses.dedup();
        statuses
    }
    fn documented<E: Envelope>() -> Vec<u16> {
        sorted(E::failures(&mut SchemaGenerator::default()).into_iter().map(|failure| failure.status))
    }
    assert_eq!(sorted(classes().map(|class| refused::<A>(class, "").status)), documented::<A>());
    assert_eq!(sorted(classes().map(|class| refused::<E>(class, "").status)), documented::<E>());
    assert_eq!(sorted(classes().map(|class| refused::<Admin>(class, "").status)), documented::<Admin>());
    assert_eq!(sorted(classes().map(|class| refused::<AppKey>(class, "").status)), documented::<AppKey>());
}
