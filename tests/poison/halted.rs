use crate::harness::{KEY, Options, Pipeline, get, until};
use schemas::ids::{ChangeId, IssueId};
use schemas::record::{self, IssueChange, Record};
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");

fn report(pipeline: &Pipeline, n: i64) {
    let body = json!({"category": "crash", "platformId": 1, "eventId": format!("e{n}"), "expMessage": "崩溃"});
    pipeline.deliver("/v1/reports", &[("x-app-key", KEY), JSON], body.to_string().as_bytes());
}

/// Reports go all the way, whatever else is halted.
fn assert_reports_are_counted(pipeline: &Pipeline, count: i64) {
    let engine = pipeline.engine();
    until("reports are counted", || match engine.try_rows("select count() as n from aftershock.occurrences")?[0]["n"].as_i64() {
        Some(found) if found == count => Ok(()),
        found => Err(format!("{found:?} of {count}")),
    });
}

/// Waits for the reason of a topic's only partition in `/v1/admin/pipeline`.
fn until_halted(pipeline: &Pipeline, topic: &str, reason: &Value) {
    until(&format!("{topic} is halted for {reason}"), || {
        let reply = pipeline.operator().try_get("/v1/admin/pipeline")?;
        let state: Value = serde_json::from_str(&reply.text).map_err(|error| error.to_string())?;
        let is_so = |partition: &Value| partition["topic"] == topic && partition["halted"] == *reason;
        if state["partitions"].as_array().is_some_and(|all| all.iter().any(is_so)) { Ok(()) } else { Err(reply.text) }
    });
}

fn ready(pipeline: &Pipeline) -> Result<(u16, String), String> {
    get(&format!("{}/readyz", pipeline.admin("processor")), &[]).map(|reply| (reply.status, reply.text))
}

fn until_not_ready(pipeline: &Pipeline, for_what: &str) {
    until(&format!("the processor is not ready for {for_what}"), || match ready(pipeline)? {
        (503, text) if text.contains(for_what) => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

fn change(n: u8) -> (Vec<u8>, Vec<u8>) {
    let change = IssueChange {
        change_id: ChangeId([n; 16]),
        app_id: crate::harness::APP.to_owned(),
        platform_id: 1,
        issue_id: IssueId([n; 16]),
        kind: "note".to_owned(),
        value: "\"说明\"".to_owned(),
        author: "10001".to_owned(),
        changed_at: 5,
    };
    (change.key(), record::encode(&change).unwrap())
}

#[test]
fn a_stream_of_nothing_valid_is_halted_alone_and_goes_on_with_the_first_valid_record() {
    let mut pipeline = Pipeline::start_with(&Options { partitions: 1, ..Options::default() });
    let garbage: Vec<(Vec<u8>, Vec<u8>)> = (0..1_200_u32).map(|n| (n.to_be_bytes().to_vec(), b"garbage".to_vec())).collect();
    pipeline.broker().append("issue-changes", &garbage);
    until_halted(&pipeline, "issue-changes", &json!("nothing_valid"));
    until_not_ready(&pipeline, "issue-changes 0 is halted");
    let metrics = get(&format!("{}/metrics", pipeline.admin("processor")), &[]).unwrap().text;
    let metric =
        |line: &str| line.starts_with("aftershock_stream_halted{") && line.contains("topic=\"issue-changes\"") && line.ends_with(" 1");
    assert_eq!(metrics.lines().filter(|line| metric(line)).count(), 1, "{metrics}");
    report(&pipeline, 1);
    assert_reports_are_counted(&pipeline, 1);
    assert!(pipeline.is_running());

    pipeline.kill();
    pipeline.restart();
    report(&pipeline, 2);
    assert_reports_are_counted(&pipeline, 2);
    until_not_ready(&pipeline, "issue-changes 0 is halted");
    let committed = pipeline.broker().committed("aftershock-processor", "issue-changes", 0).unwrap();
    assert!(committed.0 < 1_200 && committed.1.ends_with(" halted=nothing_valid"), "{committed:?}");

    pipeline.broker().append("issue-changes", &[change(7)]);
    pipeline.operator().drained();
    until_halted(&pipeline, "issue-changes", &Value::Null);
    until("the processor is ready", || match ready(&pipeline)? {
        (200, _) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let engine = pipeline.engine();
    assert_eq!(engine.number("select count() from aftershock.issue_changes"), 1);
    assert_eq!(
        engine.number("select uniqExact(source_offset) from aftershock.rejected_reports where source_topic = 'issue-changes'"),
        1_200
    );
}

/// Its offsets are behind those in the table: the stream stands still, the others and the edge go on.
#[test]
fn a_topic_that_was_put_in_anew_halts_its_own_stream() {
    let mut pipeline = Pipeline::start_with(&Options { partitions: 1, ..Options::default() });
    pipeline.broker().append("issue-changes", &[change(1), change(2), change(3)]);
    pipeline.operator().drained();
    pipeline.broker().delete("issue-changes");
    until_not_ready(&pipeline, "topic issue-changes is not in the log");
    pipeline.broker().make_anew("issue-changes", 1);
    until_not_ready(&pipeline, "issue-changes 0 is halted");
    until_halted(&pipeline, "issue-changes", &json!("log_anew"));
    report(&pipeline, 1);
    assert_reports_are_counted(&pipeline, 1);
    assert!(pipeline.is_running());
}
