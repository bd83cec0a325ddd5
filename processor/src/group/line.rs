//! The line protocol of `aftershock group`: a JSON report in, a JSON issue out.

use super::explanation::{Explanation, explain};
use super::{Subject, group_with};
use crate::project::Rules;
use serde_json::{Map, Value, json};

/// Answers one line: `{"id","issue","signature"}`, or `{"id":null,"error"}` where it is not a report.
#[must_use]
pub fn line(json: &str, rules: &Rules) -> String {
    answer(json, |subject| {
        let grouping = group_with(subject, rules);
        json!({"issue": const_hex::encode(grouping.issue_id), "signature": grouping.signature})
    })
}

/// Answers one line with the issue and the evidence.
#[must_use]
pub fn explained_line(json: &str, rules: &Rules) -> String {
    answer(json, |subject| written(&explain(subject, rules), rules))
}

fn answer(text: &str, reply: impl FnOnce(&Subject<'_>) -> Value) -> String {
    let report = match read(text) {
        Ok(report) => report,
        Err(error) => return json!({"id": null, "error": error}).to_string(),
    };
    let own = fingerprint_of(&report);
    let mut answer = json!({"id": id_of(&report)});
    if let (Some(answer), Value::Object(said)) = (answer.as_object_mut(), reply(&subject_of(&report, &own))) {
        answer.extend(said);
    }
    answer.to_string()
}

/// Reads the report of a line.
///
/// # Errors
/// The line is not a report.
pub fn read(text: &str) -> Result<Map<String, Value>, &'static str> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(report)) => Ok(report),
        Ok(_) => Err("the line is no object"),
        Err(_) => Err("the line is no JSON"),
    }
}

/// The id that a report has itself.
#[must_use]
pub fn id_of(report: &Map<String, Value>) -> Value {
    report.get("id").or_else(|| report.get("eventId")).cloned().unwrap_or(Value::Null)
}

/// Calls `with` for the report of a line; `None` where the line is not a report.
pub fn with_subject<T>(text: &str, with: impl FnOnce(&Subject<'_>) -> T) -> Option<T> {
    let report = read(text).ok()?;
    let own = fingerprint_of(&report);
    Some(with(&subject_of(&report, &own)))
}

/// The id that the report of a line has itself, as text; `None` where the line is not a report or has no id.
#[must_use]
pub fn id_of_line(text: &str) -> Option<String> {
    match id_of(&read(text).ok()?) {
        Value::String(id) => Some(id),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// The parts of the report of a line that grouping reads; `own` is its [`fingerprint_of`].
#[must_use]
pub fn subject_of<'a>(report: &'a Map<String, Value>, own: &'a [String]) -> Subject<'a> {
    let category = said(report, &["category"]);
    Subject {
        app_id: said(report, &["appId", "project"]),
        platform_id: platform_id(report),
        category: if category.is_empty() { "crash" } else { category },
        exception_type: said(report, &["exceptionType"]),
        platform_text: said(report, &["platform"]),
        exp_name: said(report, &["expName", "error_type"]),
        exp_message: said(report, &["expMessage", "message"]),
        stack: said(report, &["callStack", "stack"]),
        client_fingerprint: own,
        app_version: said(report, &["productVersion", "app_version"]),
    }
}

fn written(explanation: &Explanation, rules: &Rules) -> Value {
    let Explanation { grouping, message, frames } = explanation;
    json!({
        "issue": const_hex::encode(grouping.issue_id),
        "signature": grouping.signature,
        "version": super::VERSION,
        "rules": rules.stamp(),
        "basis": grouping.basis,
        "kind": grouping.kind.name(),
        "parser": grouping.parser,
        "frames": grouping.frames,
        "keyFrame": grouping.key_frame,
        "expName": grouping.exp_name,
        "isSystemStack": grouping.is_system_stack,
        "fingerprint": const_hex::encode(grouping.fingerprint),
        "parts": grouping.parts,
        "message": message,
        "stack": frames,
    })
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

/// The client's own grouping.
#[must_use]
pub fn fingerprint_of(report: &Map<String, Value>) -> Vec<String> {
    let list = report.get("fingerprint").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(json: &str) -> String {
        super::line(json, &Rules::default())
    }

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
        let text = explained_line(r#"{"id":7,"stack":"TypeError: x\n    at pay (https://shop.cn/a.js:1:2)"}"#, &Rules::default());
        assert!(
            text.contains(
                r#""parts":[{"kind":"kind","value":"exception"},{"kind":"type","value":"TypeError"},{"kind":"frame","value":"a.js:pay"}]"#
            ),
            "{text}"
        );
        assert!(
            text.contains(r#""basis":"type, frame""#) && text.contains(r#""stack":[{"class":"app","counts":true,"name":"a.js:pay"}]"#),
            "{text}"
        );
    }
}
