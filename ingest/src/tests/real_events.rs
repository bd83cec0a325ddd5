//! Real events of many client libraries, in both forms: none is refused, most give frames. Skipped where the data is not there.

use super::{read_envelope, read_store, received};
use flate2::read::GzDecoder;
use schemas::record::RawReport;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;

fn events() -> Option<Vec<Value>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/load/payloads_raw.jsonl.gz");
    let lines = BufReader::new(GzDecoder::new(std::fs::File::open(file).ok()?)).lines();
    Some(lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap()["payload"].take()).collect())
}

/// Frames that were sent, in exceptions, threads or alone.
fn sends_frames(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            (name == "frames" && value.as_array().is_some_and(|frames| frames.iter().any(Value::is_object))) || sends_frames(value)
        }),
        Value::Array(items) => items.iter().any(sends_frames),
        _ => false,
    }
}

#[test]
fn no_real_event_is_refused_and_frames_become_lines() {
    let Some(events) = events() else {
        println!("skipped: the folder of real data is not there");
        return;
    };
    let (mut with_stack, mut lost) = (0, Vec::new());
    for (number, event) in events.iter().enumerate() {
        let json = event.to_string();
        let stored = read_store(json.as_bytes(), None, &received()).unwrap();
        let envelope = read_envelope(format!("{{}}\n{{\"type\":\"event\"}}\n{json}\n").as_bytes(), None, &received()).unwrap();
        assert_eq!(stored, envelope);
        let [Ok(report)] = &stored.reports[..] else { panic!("{number}: {stored:?}") };
        let report: RawReport = report.record().unwrap();
        with_stack += usize::from(!report.call_stack.is_empty());
        if report.call_stack.is_empty() && sends_frames(event) {
            lost.push(number);
        }
        says_something(number, &report);
    }
    println!("{} events, {with_stack} with a stack, frames lost in {lost:?}", events.len());
    assert!(with_stack * 10 > events.len() * 9, "only {with_stack} of {} have a stack", events.len());
    assert!(lost.len() * 100 < events.len(), "frames lost in {lost:?}");
}

fn says_something(number: usize, report: &RawReport) {
    assert!(!report.exp_name.is_empty() || !report.exp_message.is_empty(), "{number}: {report:?}");
}
