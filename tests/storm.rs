//! One hot crash, all of the traffic the same digest, uses every partition evenly.

use crate::harness::{KEY, Options, Pipeline};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const PARTITIONS: u32 = 8;
const REPORTS: usize = 4000;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

/// Sends `REPORTS` of one content, each with what `more` adds to it.
fn send(pipeline: &Pipeline, version: &str, more: impl Fn(usize) -> Value) {
    let report = |number: usize| {
        let mut report = json!({"category": "crash", "platformId": 1, "expName": "热点崩溃", "callStack": "at a.B.c(B.java:1)", "productVersion": version});
        report.as_object_mut().unwrap().extend(more(number).as_object().unwrap().clone());
        report.to_string()
    };
    let lines: Vec<String> = (0..REPORTS).map(report).collect();
    for batch in lines.chunks(1000) {
        let headers = [("x-app-key", KEY), ("content-type", "application/x-ndjson")];
        let reply = pipeline.deliver("/v1/reports", &headers, batch.join("\n").as_bytes());
        assert_eq!(reply["accepted"], json!(1000), "{reply}");
    }
}

/// Chi-square of the counts over the partitions: with 7 degrees of freedom it is above 45 once in seven million fair runs.
fn assert_even(pipeline: &Pipeline, version: &str) {
    let query =
        format!("select log_partition, count() as reports from aftershock.occurrences where version = '{version}' group by log_partition");
    let counts: Vec<f64> = pipeline.engine().rows(&query).iter().map(|row| row["reports"].as_f64().unwrap()).collect();
    assert_eq!(counts.iter().sum::<f64>() as usize, REPORTS, "{version}: every report counts");
    let expected = REPORTS as f64 / f64::from(PARTITIONS);
    let absent = f64::from(PARTITIONS) - counts.len() as f64;
    let distance = counts.iter().map(|count| (count - expected).powi(2) / expected).sum::<f64>() + absent * expected;
    assert!(distance < 45.0, "{version}: {distance} for {counts:?}");
}

#[test]
fn a_hot_crash_uses_all_partitions_evenly() {
    let pipeline = Pipeline::start_with(&Options { partitions: PARTITIONS, ..Options::default() });
    let begun = now() - 60_000;
    send(&pipeline, "devices", |number| json!({"deviceId": format!("设备-{number}"), "occurredAt": begun}));
    send(&pipeline, "moments", |number| json!({"deviceId": "one", "occurredAt": begun + number as u64}));
    send(&pipeline, "bare", |_| json!({"deviceId": "one"}));
    send(&pipeline, "nothing", |_| json!({}));
    send(&pipeline, "events", |number| json!({"eventId": format!("{number}"), "occurredAt": begun}));
    pipeline.operator().drained();
    for version in ["devices", "moments", "bare", "nothing", "events"] {
        assert_even(&pipeline, version);
    }
}
