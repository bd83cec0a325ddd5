//! Issues merged into others and taken out again, from outside: what every operation tells against an independent fold of the reports.

use crate::harness::{APP, KEY, Pipeline, Process, Replica, post_with, until};
use crate::journey::hour_text;
use schemas::ids::ChangeId;
use schemas::record::{IssueChange, Record, encode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

/// A bug of the test: what it throws and where.
#[derive(Clone, Copy)]
pub struct Bug {
    pub category: &'static str,
    pub class: &'static str,
}

pub const CART: Bug = Bug { category: "crash", class: "com.shop.Cart" };
pub const PAY: Bug = Bug { category: "crash", class: "com.shop.Pay" };
const LOGIN: Bug = Bug { category: "crash", class: "com.shop.登录" };
pub const HANG: Bug = Bug { category: "anr", class: "com.shop.Hang" };

/// What was sent: device and version of each report, by bug.
#[derive(Default)]
struct Sent(BTreeMap<&'static str, Vec<(String, String)>>);

impl Sent {
    /// Sends a report of each bug from each device.
    fn send(&mut self, pipeline: &Pipeline, bugs: &[Bug], devices: &[&str], version: &str) {
        let mut lines = Vec::new();
        for bug in bugs {
            for device in devices {
                self.0.entry(bug.class).or_default().push(((*device).to_owned(), version.to_owned()));
                lines.push(report(*bug, device, version).to_string());
            }
        }
        let headers = [("x-app-key", KEY), ("content-type", "application/x-ndjson")];
        let reply = pipeline.deliver("/v1/reports", &headers, lines.join("\n").as_bytes());
        assert_eq!(reply["accepted"].as_u64(), Some(lines.len() as u64), "{reply}");
    }

    /// Reports and distinct devices of some bugs together.
    fn counts(&self, bugs: &[Bug]) -> (u64, u64) {
        let all = bugs.iter().flat_map(|bug| &self.0[bug.class]);
        let devices: BTreeSet<&String> = all.clone().map(|(device, _)| device).collect();
        (all.count() as u64, devices.len() as u64)
    }

    /// The same by version.
    fn by_version(&self, bugs: &[Bug]) -> BTreeMap<String, (u64, u64)> {
        let mut versions: BTreeMap<String, (u64, BTreeSet<&String>)> = BTreeMap::new();
        for (device, version) in bugs.iter().flat_map(|bug| &self.0[bug.class]) {
            let entry = versions.entry(version.clone()).or_default();
            entry.0 += 1;
            entry.1.insert(device);
        }
        versions.into_iter().map(|(version, (reports, devices))| (version, (reports, devices.len() as u64))).collect()
    }
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

pub fn report(bug: Bug, device: &str, version: &str) -> Value {
    let Bug { category, class } = bug;
    json!({"category": category, "platformId": 1, "productVersion": version, "deviceId": device, "occurredAt": now(),
        "eventId": format!("{:016x}", rand::random::<u64>()), "expName": "java.lang.NullPointerException", "expMessage": "空",
        "callStack": format!("java.lang.NullPointerException: 空\n\tat {class}.run(A.java:41)\n\tat android.os.Handler.dispatchMessage(Handler.java:106)")})
}

/// The issue of each bug, by the frame that its reports have.
pub fn issue_of(pipeline: &Pipeline, bug: Bug) -> String {
    let list = issues(pipeline);
    let found = list.iter().find(|issue| issue["keyStack"].as_str().unwrap().contains(bug.class));
    found.unwrap_or_else(|| panic!("no issue of {} in {list:?}", bug.class))["issueId"].as_str().unwrap().to_owned()
}

pub fn issues(pipeline: &Pipeline) -> Vec<Value> {
    let body = json!({"appId": APP, "platformId": 1, "rows": 50, "exceptionTypeList": "", "sortField": "count"});
    pipeline.analyst().ask("queryIssueList", &body)["ret"]["issueList"].as_array().unwrap().clone()
}

/// Number of reports and devices of an issue in the list of issues.
pub fn listed(pipeline: &Pipeline, issue: &str) -> Option<(u64, u64)> {
    let list = issues(pipeline);
    let found = list.iter().find(|found| found["issueId"] == issue)?;
    Some((found["count"].as_u64().unwrap(), found["imeiCount"].as_u64().unwrap()))
}

/// The same in the list of top issues of today and yesterday.
fn ranked(pipeline: &Pipeline, issue: &str) -> Option<(u64, u64)> {
    let (first, last) = (hour_text(now() - 86_400_000), hour_text(now()));
    let body = json!({"appId": APP, "platformId": 1, "version": "-1", "minDate": &first[..8], "maxDate": &last[..8], "type": "crash", "limit": 50});
    let top = pipeline.analyst().ask("getTopIssueEx", &body);
    let found = top["data"]["topIssueList"].as_array().unwrap().iter().find(|found| found["issueId"] == issue)?.clone();
    Some((found["crashNum"].as_u64().unwrap(), found["crashUser"].as_u64().unwrap()))
}

/// States something; status and answer.
fn state(pipeline: &Pipeline, operation: &str, body: &Value) -> (u16, Value) {
    let operator = pipeline.operator();
    let headers = [("authorization", &*format!("Bearer {}", operator.token)), ("content-type", "application/json")];
    let reply = post_with(&format!("{}/v1/admin/issues/{operation}", operator.url), &headers, body.to_string().as_bytes()).unwrap();
    (reply.status, reply.json())
}

pub fn merge(pipeline: &Pipeline, into: &str, issues: &[&str]) -> Value {
    let (status, reply) =
        state(pipeline, "merge", &json!({"appId": APP, "platformId": 1, "into": into, "issues": issues, "author": "测试员"}));
    assert_eq!((status, &reply["code"], &reply["data"]["shown"]), (200, &json!(0), &json!(true)), "{reply}");
    reply["data"].clone()
}

pub fn unmerge(pipeline: &Pipeline, issues: &[&str]) -> Value {
    let (status, reply) = state(pipeline, "unmerge", &json!({"appId": APP, "platformId": 1, "issues": issues}));
    assert_eq!((status, &reply["code"], &reply["data"]["shown"]), (200, &json!(0), &json!(true)), "{reply}");
    reply["data"].clone()
}

/// What every operation tells about an issue, against what was sent of `bugs`.
fn assert_whole(pipeline: &Pipeline, issue: &str, sent: &Sent, bugs: &[Bug]) {
    let expected = sent.counts(bugs);
    assert_eq!(listed(pipeline, issue), Some(expected), "the list of issues");
    assert_eq!(ranked(pipeline, issue), Some(expected), "the top issues");
    let analyst = pipeline.analyst();
    let info = analyst.ask("issueInfo", &json!({"appId": APP, "platformId": 1, "issueId": issue}))["ret"].clone();
    assert_eq!((info["count"].as_u64().unwrap(), info["imeiCount"].as_u64().unwrap()), expected, "{info}");
    let versions =
        info["issueVersions"].as_array().unwrap().iter().map(|row| {
            (row["version"].as_str().unwrap().to_owned(), (row["count"].as_u64().unwrap(), row["deviceCount"].as_u64().unwrap()))
        });
    assert_eq!(versions.collect::<BTreeMap<_, _>>(), sent.by_version(bugs), "{info}");
    let page = analyst.ask("crashList", &json!({"appId": APP, "platformId": 1, "issueId": issue, "rows": 100}))["ret"].clone();
    let ids = page["crashIdList"].as_array().unwrap();
    assert_eq!((page["numFound"].as_u64(), ids.len() as u64), (Some(expected.0), expected.0), "{page}");
    for id in [ids.first(), ids.last()].into_iter().flatten() {
        let document = analyst.ask("crashDoc", &json!({"appId": APP, "platformId": 1, "crashHash": id}));
        assert_eq!(document["ret"]["crashMap"]["issueId"], issue, "{document}");
    }
}

#[test]
fn merged_issues_count_as_one_and_come_apart_again() {
    let pipeline = Pipeline::start();
    let mut sent = Sent::default();
    sent.send(&pipeline, &[CART, PAY], &["d1", "d2"], "1.0");
    sent.send(&pipeline, &[PAY, LOGIN], &["d2", "d3", "设备"], "2.0");
    pipeline.operator().drained();
    let (cart, pay, login) = (issue_of(&pipeline, CART), issue_of(&pipeline, PAY), issue_of(&pipeline, LOGIN));
    for (issue, bug) in [(&cart, CART), (&pay, PAY), (&login, LOGIN)] {
        assert_whole(&pipeline, issue, &sent, &[bug]);
    }

    let outcome = merge(&pipeline, &cart, &[&pay]);
    assert_eq!(outcome["groups"], json!([{"issueId": cart, "parts": [pay]}]));
    assert_whole(&pipeline, &cart, &sent, &[CART, PAY]);
    assert_whole(&pipeline, &login, &sent, &[LOGIN]);
    assert_eq!((listed(&pipeline, &pay), ranked(&pipeline, &pay), issues(&pipeline).len()), (None, None, 2));
    let asked = pipeline.analyst().ask("issueInfo", &json!({"appId": APP, "platformId": 1, "issueId": pay}))["ret"].clone();
    assert_eq!(
        (asked["issueId"].as_str(), asked["parentHash"].as_str().map(|text| text.replace(':', ""))),
        (Some(&*cart), Some(cart.clone()))
    );

    // Reports that come later land where their fingerprint was merged into.
    sent.send(&pipeline, &[PAY], &["d9"], "3.0");
    pipeline.operator().drained();
    assert_whole(&pipeline, &cart, &sent, &[CART, PAY]);

    // The same again states nothing new, also spelled in another way.
    let again = merge(&pipeline, &cart.to_lowercase(), &[&pay, &cart]);
    assert_eq!(again["changed"], json!([]), "{again}");

    // What a merged issue is merged into is the whole.
    merge(&pipeline, &pay, &[&login]);
    assert_whole(&pipeline, &cart, &sent, &[CART, PAY, LOGIN]);
    assert_eq!(pipeline.operator().get(&format!("/v1/admin/issues/aliases?appId={APP}&platformId=1"))["data"][0]["issueId"], cart);

    unmerge(&pipeline, &[&pay]);
    assert_whole(&pipeline, &cart, &sent, &[CART, LOGIN]);
    assert_whole(&pipeline, &pay, &sent, &[PAY]);
    unmerge(&pipeline, &[&login]);
    for (issue, bug) in [(&cart, CART), (&pay, PAY), (&login, LOGIN)] {
        assert_whole(&pipeline, issue, &sent, &[bug]);
    }
}

/// An alias fact as others put it in the log: `issues` are parts of `into`.
pub fn fact(number: u32, into: &str, issues: &[String]) -> (Vec<u8>, Vec<u8>) {
    let mut change_id = [0xEE; 16];
    change_id[..4].copy_from_slice(&number.to_be_bytes());
    let change = IssueChange {
        change_id: ChangeId(change_id),
        app_id: APP.to_owned(),
        platform_id: 1,
        issue_id: into.parse().unwrap(),
        kind: "alias".to_owned(),
        value: json!({"issues": issues}).to_string(),
        author: "测试".to_owned(),
        changed_at: now(),
    };
    (change.key(), encode(&change).unwrap())
}

#[test]
fn thousands_of_parts_are_no_burden() {
    let pipeline = Pipeline::start();
    let mut sent = Sent::default();
    sent.send(&pipeline, &[CART, PAY], &["d1", "d2"], "1.0");
    pipeline.operator().drained();
    let (cart, pay) = (issue_of(&pipeline, CART), issue_of(&pipeline, PAY));
    let names: Vec<String> = (0..8_000_u32).map(|number| format!("{number:032X}")).collect();
    let facts: Vec<_> = names.chunks(100).zip(0..).map(|(issues, number)| fact(number, &cart, issues)).collect();
    pipeline.broker().append("issue-changes", &facts);
    pipeline.operator().drained();
    merge(&pipeline, &cart, &[&pay]);
    assert_whole(&pipeline, &cart, &sent, &[CART, PAY]);
    let groups = pipeline.operator().get(&format!("/v1/admin/issues/aliases?appId={APP}&platformId=1"));
    assert_eq!(groups["data"][0]["parts"].as_array().map(Vec::len), Some(8_001));
}

#[test]
fn what_cannot_be_merged_is_refused() {
    let pipeline = Pipeline::start();
    let mut sent = Sent::default();
    sent.send(&pipeline, &[CART, HANG], &["d1"], "1.0");
    pipeline.operator().drained();
    let (cart, hang) = (issue_of(&pipeline, CART), issue_of(&pipeline, HANG));
    let nobody = "00112233445566778899AABBCCDDEEFF";
    let body = |into: &str, issues: Value| json!({"appId": APP, "platformId": 1, "into": into, "issues": issues});
    for (operation, body, status, says) in [
        ("merge", body(&cart, json!([hang])), 400, "never share an issue"),
        ("merge", body(&cart, json!([nobody])), 404, "NotFound"),
        ("merge", body(nobody, json!([cart])), 404, "NotFound"),
        ("merge", body("崩溃", json!([cart])), 400, "into"),
        ("merge", body(&cart, json!(["x"])), 400, "issues"),
        ("merge", body(&cart, json!([])), 400, "issues"),
        ("merge", json!({"appId": APP, "platformId": 1, "issues": [cart]}), 400, "into"),
        ("merge", json!({"appId": APP, "platformId": 7, "into": cart, "issues": [hang]}), 400, "platformId"),
        ("merge", json!({"appId": "other", "platformId": 1, "into": cart, "issues": [cart]}), 404, "NotFound"),
        ("unmerge", json!({"appId": APP, "platformId": 1, "issues": [nobody]}), 404, "NotFound"),
    ] {
        let (found, reply) = state(&pipeline, operation, &body);
        assert_eq!((found, reply["msg"].as_str().unwrap().contains(says)), (status, true), "{body}: {reply}");
    }
    let reply = post_with(&format!("{}/v1/admin/issues/merge", pipeline.query()), &[], b"{}").unwrap();
    assert_eq!(reply.status, 401, "{}", reply.text);
    assert_eq!(pipeline.engine().number("select count() as n from aftershock.issue_changes"), 0);
    for (issue, bug) in [(&cart, CART), (&hang, HANG)] {
        assert_eq!(listed(&pipeline, issue), Some(sent.counts(&[bug])));
    }
}

#[test]
fn two_who_merge_at_once_and_a_query_that_dies_leave_one_issue() {
    let mut pipeline = Pipeline::start();
    let mut sent = Sent::default();
    sent.send(&pipeline, &[CART, PAY, LOGIN], &["d1", "d2"], "1.0");
    sent.send(&pipeline, &[LOGIN], &["d3"], "1.0");
    pipeline.operator().drained();
    let (cart, pay, login) = (issue_of(&pipeline, CART), issue_of(&pipeline, PAY), issue_of(&pipeline, LOGIN));
    // Each into the other: whichever the log has last names the whole, and nothing is lost or counted twice.
    std::thread::scope(|scope| {
        scope.spawn(|| merge(&pipeline, &cart, &[&pay]));
        scope.spawn(|| merge(&pipeline, &pay, &[&cart]));
    });
    let whole = if listed(&pipeline, &cart).is_some() { &cart } else { &pay };
    assert_whole(&pipeline, whole, &sent, &[CART, PAY]);

    // Killed somewhere between the log and the reply; whoever repeats it gets the same.
    let body = json!({"appId": APP, "platformId": 1, "into": whole, "issues": [login]}).to_string();
    let (url, token) = (pipeline.query(), pipeline.operator().token);
    let asking = std::thread::spawn(move || {
        let headers = [("authorization", &*format!("Bearer {token}")), ("content-type", "application/json")];
        post_with(&format!("{url}/v1/admin/issues/merge"), &headers, body.as_bytes()).map(|reply| reply.status)
    });
    let broker = pipeline.broker();
    let written = || (0..2).map(|partition| broker.watermarks("issue-changes", partition).1).sum::<i64>();
    until("the change is in the log", || if written() > 2 { Ok(()) } else { Err("not yet") });
    drop(broker);
    pipeline.kill();
    println!("whoever was killed had answered: {:?}", asking.join().unwrap());
    pipeline.restart();
    pipeline.operator().drained();
    merge(&pipeline, whole, &[&login]);
    assert_whole(&pipeline, whole, &sent, &[CART, PAY, LOGIN]);
    let facts = "select count() as n from aftershock.issue_changes where position(value, '{}') > 0".replace("{}", &login);
    assert_eq!(pipeline.engine().number(&facts), 1, "stated once");
}

#[test]
fn aliases_are_the_same_when_the_log_is_folded_again() {
    let pipeline = Pipeline::start();
    let mut sent = Sent::default();
    sent.send(&pipeline, &[CART, PAY], &["d1", "d2"], "1.0");
    pipeline.operator().drained();
    let (cart, pay) = (issue_of(&pipeline, CART), issue_of(&pipeline, PAY));
    merge(&pipeline, &cart, &[&pay]);
    pipeline.operator().drained();
    let replica = Replica::new(&pipeline, "again", 2, "records = 3");
    replica.fold(&["raw-reports", "issue-changes"], 2);
    assert_eq!((replica.differences("occurrences"), replica.differences("issue_changes")), (0, 0));
    // A query service on the tables made again tells the same.
    let config = pipeline.role_config("query-again", "database = \"again\"\n[topics]\npartitions = 2\n");
    let mut query = Process::start(&["query", "--config", config.to_str().unwrap()]);
    let line = query.first_line().unwrap();
    let url = serde_json::from_str::<Value>(&line).unwrap()["query"].as_str().unwrap().to_owned();
    let analyst = crate::harness::Analyst { url, ..pipeline.analyst() };
    let body = json!({"appId": APP, "platformId": 1, "issueId": pay});
    let info = until("the query service answers", || match analyst.try_ask("issueInfo", &body) {
        Ok(reply) if reply.status == 200 => Ok(reply.json()),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(
        (info["ret"]["issueId"].as_str(), info["ret"]["count"].as_u64()),
        (Some(&*cart), Some(sent.counts(&[CART, PAY]).0)),
        "{info}"
    );
}
