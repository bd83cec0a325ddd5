use super::{TOPIC, assert_costs_itself, interrupted, pipeline};
use crate::harness::{KEY, Options, Pipeline, until};
use serde_json::json;

#[test]
fn a_row_that_the_table_refuses_costs_itself() {
    let poisoned = [5, 6, 33];
    let pipeline = pipeline(&poisoned, "拒绝");
    let replica = interrupted(&pipeline, "refused");
    let constraint = "alter table refused.occurrences add constraint no_poison check position(exp_message, '拒绝') = 0";
    assert_eq!(replica.engine().run(constraint).unwrap().status, 200);
    replica.fold(&[TOPIC], 1);
    assert_costs_itself(&replica, &poisoned, "refused_by_table");
    let left = "select count() from system.tables where database = 'refused' and name like '%check%'";
    assert_eq!(replica.engine().number(left), 0, "the table that rows were tried on is still there");
}

/// A record that is as large as the log takes leaves no room for the rest of a dead letter.
#[test]
fn a_letter_that_would_be_too_large_is_cut() {
    const BYTES: usize = 16_777_100;
    let mut pipeline = Pipeline::start_with(&Options { partitions: 1, ..Options::default() });
    pipeline.broker().append(TOPIC, &[(b"poison".to_vec(), vec![0xA5; BYTES])]);
    let report = json!({"category": "crash", "platformId": 1, "expMessage": "之后"});
    pipeline.deliver("/v1/reports", &[("x-app-key", KEY), ("content-type", "application/json")], report.to_string().as_bytes());
    let engine = pipeline.engine();
    let letter = until("the dead letter is in its table", || {
        let rows = engine
            .try_rows("select reason, message, length(base64Decode(payload)) as bytes, source_offset from aftershock.rejected_reports")?;
        rows.into_iter().next().ok_or_else(|| "none".to_owned())
    });
    assert_eq!((&letter["reason"], &letter["source_offset"]), (&json!("not_avro"), &json!(0)), "{letter}");
    let kept = letter["bytes"].as_u64().unwrap();
    assert!(kept > 16_000_000 && kept < BYTES as u64, "{letter}");
    assert!(letter["message"].as_str().unwrap().contains(&format!("the payload had {BYTES} bytes, the first {kept} are kept")), "{letter}");
    pipeline.operator().drained();
    assert_eq!(engine.number("select count() from aftershock.occurrences"), 1);
    assert!(pipeline.is_running());
}
