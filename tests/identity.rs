//! What belongs to one issue by configuration, by rule and by resemblance, from outside.

use crate::aliases::{CART, HANG, PAY, issue_of, issues, listed, report, unmerge};
use crate::harness::{APP, KEY, Options, Pipeline, binary};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a command on a configuration; its lines of JSON.
fn run(config: &Path, arguments: &[&str], input: &str) -> Vec<Value> {
    let mut command = Command::new(binary());
    command.args(arguments).args(["--config", config.to_str().unwrap()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn send(pipeline: &Pipeline, reports: &[Value]) {
    let body = reports.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let reply = pipeline.deliver("/v1/reports", &[("x-app-key", KEY), ("content-type", "application/x-ndjson")], body.as_bytes());
    assert_eq!(reply["accepted"].as_u64(), Some(reports.len() as u64), "{reply}");
}

const RULES: &str = "[[processor.grouping.rules]]\nname = 'cart or pay'\napp = 'a1b2c3d4e5'\nwhen.type = '*.NullPointerException'\n\
    when.frame = 'com.shop.*'\nfingerprint = ['空指针', '{{ type }}']\n[[processor.grouping.apps]]\ngroup_by = 'type'\n";

#[test]
fn rules_of_a_project_decide_and_the_crash_detail_says_so() {
    let pipeline = Pipeline::start_with(&Options { more: RULES, ..Options::default() });
    let reports = [report(CART, "d1", "1.0"), report(PAY, "d2", "1.0"), report(HANG, "d1", "1.0")];
    send(&pipeline, &reports);
    pipeline.operator().drained();
    let list = issues(&pipeline);
    assert_eq!(list.len(), 2, "one of the rule, and an ANR shares no issue with a crash: {list:?}");
    let whole = list.iter().find(|issue| issue["count"] == 2).unwrap()["issueId"].as_str().unwrap().to_owned();
    let analyst = pipeline.analyst();
    let page = analyst.ask("crashList", &json!({"appId": APP, "platformId": 1, "issueId": whole, "rows": 10}))["ret"].clone();
    let document = analyst.ask("crashDoc", &json!({"appId": APP, "platformId": 1, "crashHash": page["crashIdList"][0]}));
    let grouping = &document["ret"]["grouping"];
    let parts = json!([{"kind": "rule", "value": "空指针"}, {"kind": "rule", "value": "java.lang.NullPointerException"}]);
    assert_eq!(
        (&grouping["basis"], &grouping["parts"], &grouping["issueId"]),
        (&json!("rule cart or pay"), &parts, &json!(whole)),
        "{document}"
    );
    assert_ne!(grouping["rules"], 0);

    // The command on the same rules says the same of the same report.
    let config = pipeline.role_config("rules", RULES);
    let mut line = reports[0].clone();
    line["appId"] = json!(APP);
    let answer = run(&config, &["group", "--explain"], &line.to_string()).remove(0);
    assert_eq!(
        (answer["issue"].as_str().unwrap().to_uppercase(), &answer["basis"], &answer["rules"]),
        (whole, &grouping["basis"], &grouping["rules"])
    );
}

#[test]
fn an_issue_under_a_new_grouping_is_linked_to_the_old_one_unless_a_person_says_no() {
    let pipeline = Pipeline::start();
    send(&pipeline, &[report(CART, "d1", "1.0"), report(CART, "d2", "1.0"), report(PAY, "d1", "1.0"), report(HANG, "d1", "1.0")]);
    pipeline.operator().drained();
    let (cart, pay) = (issue_of(&pipeline, CART), issue_of(&pipeline, PAY));
    // Rows of the time before: the same reports, earlier, under another version of the grouping and so of another name.
    let old = "AA000000000000000000000000000001";
    let forged = format!(
        "insert into aftershock.occurrences select * replace (99 as log_generation, 0 as grouping_version, received_at - toIntervalHour(1) as received_at, \
         toFixedString(unhex('{old}'), 16) as issue_id, toFixedString(reverse(report_id), 16) as report_id) from (select * from aftershock.occurrences where hex(issue_id) = '{cart}')"
    );
    let reply = pipeline.engine().run(&forged).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!((listed(&pipeline, old), listed(&pipeline, &cart)), (Some((2, 2)), Some((2, 2))));

    let config = pipeline.role_config("link", "");
    let expected = json!({"app": APP, "platform": 1, "into": old, "issue": cart, "rule": "other_grouping", "stated": false});
    assert_eq!(run(&config, &["link", "--dry-run"], ""), std::slice::from_ref(&expected));
    assert_eq!(listed(&pipeline, &cart), Some((2, 2)), "nothing was stated");
    assert_eq!(run(&config, &["link"], "").len(), 1);
    pipeline.operator().drained();
    assert_eq!((listed(&pipeline, old), listed(&pipeline, &cart), listed(&pipeline, &pay)), (Some((4, 2)), None, Some((1, 1))));
    assert!(run(&config, &["link"], "").is_empty(), "it holds already");

    unmerge(&pipeline, &[&cart]);
    assert!(run(&config, &["link"], "").is_empty(), "a person has spoken");
    assert_eq!((listed(&pipeline, old), listed(&pipeline, &cart)), (Some((2, 2)), Some((2, 2))));
}

#[test]
fn issues_that_look_alike_are_suggested_and_none_is_merged() {
    let pipeline = Pipeline::start();
    let deep = |class: &str, category: &str| {
        let mut report = report(CART, "d1", "1.0");
        let top = format!("\tat com.shop.{class}.call(A.java:1)\n");
        let rest = "\tat com.shop.订单.pay(A.java:2)\n\tat com.shop.Checkout.run(A.java:3)\n\tat com.shop.Screen.click(A.java:4)";
        (report["callStack"], report["category"]) = (json!(format!("java.lang.NullPointerException: 空\n{top}{rest}")), json!(category));
        report
    };
    send(&pipeline, &[deep("Old", "crash"), deep("New", "crash"), deep("Old", "error"), report(PAY, "d1", "1.0")]);
    pipeline.operator().drained();
    let config = pipeline.role_config("suggest", "");
    let found = run(&config, &["suggest", "--app", APP], "");
    assert_eq!(found.len(), 1, "of one category only: {found:?}");
    assert_eq!((&found[0]["category"], found[0]["score"].as_f64().unwrap() > 0.6), (&json!("crash"), true), "{found:?}");
    let pair = [found[0]["into"].as_str().unwrap(), found[0]["issue"].as_str().unwrap()];
    assert!(pair.iter().all(|issue| listed(&pipeline, issue).is_some()), "nothing is merged");
    crate::aliases::merge(&pipeline, pair[0], &[pair[1]]);
    assert!(run(&config, &["suggest", "--app", APP], "").is_empty(), "what is one issue is not suggested");
}

#[test]
fn two_reports_are_told_apart_frame_by_frame() {
    let folder = tempfile::tempdir().unwrap();
    let line = |id: &str, bug| {
        let mut report = report(bug, "d1", "1.0");
        report["id"] = json!(id);
        report.to_string()
    };
    let file = folder.path().join("一.jsonl");
    std::fs::write(&file, line("cart", CART) + "\n").unwrap();
    let input = format!("no report\n{}\n{}\n", line("other cart", CART), line("支付", PAY));
    let diff = |a: &str, b: &str| {
        let mut child = Command::new(binary())
            .args(["group", "--diff", a, b])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have seen enough.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = diff(file.to_str().unwrap(), "支付");
    assert_eq!(
        (code, said.contains("two issues: part 3 is frame com.shop.Cart.run in A and frame com.shop.Pay.run in B")),
        (Some(0), true),
        "{said}"
    );
    assert!(said.contains("= system   android.os.Handler.dispatchMessage"), "{said}");
    let (code, said) = diff("other cart", file.to_str().unwrap());
    assert_eq!((code, said.contains("one issue: all 3 parts are the same")), (Some(0), true), "{said}");
    let (code, said) = diff("nobody", "支付");
    assert_eq!((code, said.contains("nobody is neither a file nor the id of a report")), (Some(1), true), "{said}");
}
