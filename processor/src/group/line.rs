//! The line protocol of `aftershock group`: a JSON report in, a JSON issue out.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::{Grouping, Subject, group};

/// Answers one line: `{"id","issue","signature"}`, or `{"id":null,"error"}` where it is no report.
#[must_use]
pub fn line(json: &str) -> String {
    answer(json, false)
}

/// Answers one line with what went in beside the issue.
#[must_use]
pub fn explain(json: &str) -> String {
    answer(json, true)
}

fn answer(text: &str, is_explained: bool) -> String {
    let report = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(report)) => report,
        Ok(_) => return refusal("the line is no object"),
        Err(_) => return refusal("the line is no JSON"),
    };
    let own = fingerprint_of(&report);
    let category = said(&report, &["category"]);
    let subject = Subject {
        app_id: said(&report, &["appId", "project"]),
        platform_id: platform_id(&report),
        category: if category.is_empty() { "crash" } else { category },
        exception_type: said(&report, &["exceptionType"]),
        platform_text: said(&report, &["platform"]),
        exp_name: said(&report, &["expName", "error_type"]),
        exp_message: said(&report, &["expMessage", "message"]),
        stack: said(&report, &["callStack", "stack"]),
        client_fingerprint: &own,
        app_version: said(&report, &["productVersion", "app_version"]),
    };
    let grouping = group(&subject);
    let id = report.get("id").or_else(|| report.get("eventId")).cloned().unwrap_or(Value::Null);
    let mut reply = json!({"id": id, "issue": hex(&grouping.issue_id), "signature": grouping.signature});
    if is_explained {
        add_explanation(&mut reply, &grouping);
    }
    reply.to_string()
}

fn add_explanation(reply: &mut Value, grouping: &Grouping) {
    if let Some(reply) = reply.as_object_mut() {
        reply.insert("version".into(), json!(super::VERSION));
        reply.insert("kind".into(), json!(grouping.kind.name()));
        reply.insert("parser".into(), json!(grouping.parser));
        reply.insert("frames".into(), json!(grouping.frames));
        reply.insert("keyFrame".into(), json!(grouping.key_frame));
        reply.insert("expName".into(), json!(grouping.exp_name));
        reply.insert("isSystemStack".into(), json!(grouping.is_system_stack));
        reply.insert("fingerprint".into(), json!(hex(&grouping.fingerprint)));
        reply.insert("parts".into(), json!(grouping.parts));
    }
}

fn refusal(error: &str) -> String {
    json!({"id": null, "error": error}).to_string()
}

/// The first of these names that holds a text.
fn said<'a>(report: &'a Map<String, Value>, names: &[&str]) -> &'a str {
    names.iter().find_map(|name| report.get(*name).and_then(Value::as_str)).unwrap_or("")
}

fn platform_id(report: &Map<String, Value>) -> u8 {
    let value = report.get("platformId");
    let number = value.and_then(Value::as_u64).or_else(|| value.and_then(Value::as_str).and_then(|text| text.parse().ok()));
    number.and_then(|number| u8::try_from(number).ok()).unwrap_or(0)
}

fn fingerprint_of(report: &Map<String, Value>) -> Vec<String> {
    let list = report.get("fingerprint").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sets_of_names_say_the_same() {
        let a = line(r#"{"id":"1","error_type":"java.io.IOException","message":"磁盘 7 已满","stack":null}"#);
        let b = line(r#"{"id":"1","expName":"java.io.IOException","expMessage":"磁盘 8 已满","category":"crash"}"#);
        assert_eq!(a, b);
        assert!(a.contains("IOException | 磁盘 <num> 已满"), "{a}");
    }

    #[test]
    fn a_line_that_is_no_report_is_answered_in_its_place() {
        assert_eq!(line("{"), r#"{"id":null,"error":"the line is no JSON"}"#);
        assert_eq!(line("[]"), r#"{"id":null,"error":"the line is no object"}"#);
    }

    #[test]
    fn an_explanation_names_what_went_in() {
        let text = explain(r#"{"id":7,"stack":"TypeError: x\n    at pay (https://shop.cn/a.js:1:2)"}"#);
        assert!(
            text.contains(
                r#""parts":[{"kind":"kind","value":"exception"},{"kind":"type","value":"TypeError"},{"kind":"frame","value":"a.js:pay"}]"#
            ),
            "{text}"
        );
    }
}
