//! What a record can do to a processor, done to a real one: it costs itself, every other record counts once.
//!
//! A record that ends the process, or panics, is made by `processor/src/fault_injection.rs`, which debug builds alone have.

/// Streams on which nothing can go on, beside others that do.
mod halted;
/// Records that end the process, or panic.
mod killers;
/// Rows that the table refuses.
mod refused;

use crate::harness::{KEY, Options, Pipeline, Replica, until};
use serde_json::json;

const REPORTS: i64 = 40;
const TOPIC: &str = "raw-reports";

/// Reports in one partition; the message of those at `poisoned` contains `marker`. Folded by the standalone, which does not mind.
fn pipeline(poisoned: &[i64], marker: &str) -> Pipeline {
    let pipeline = Pipeline::start_with(&Options { partitions: 1, ..Options::default() });
    for n in 0..REPORTS {
        let message = if poisoned.contains(&n) { format!("{marker} {n}") } else { format!("崩溃 {n}") };
        let line =
            json!({"category": "crash", "platformId": 1, "eventId": format!("e{n}"), "deviceId": format!("d{n}"), "expMessage": message});
        // One after the other: report n is at offset n.
        pipeline.deliver("/v1/reports", &[("x-app-key", KEY), ("content-type", "application/json")], line.to_string().as_bytes());
    }
    pipeline.operator().drained();
    pipeline
}

/// A fold whose group has a slice of all of them open.
fn interrupted<'a>(pipeline: &'a Pipeline, name: &'static str) -> Replica<'a> {
    let replica = Replica::new(pipeline, name, 1, "linger = \"50ms\"");
    replica.broker().commit(name, TOPIC, 0, 0, &format!("aftershock/1 end={}", REPORTS - 1)).unwrap();
    replica
}

/// All but the poisoned reports are in the table, as the standalone has them, in one part; each poisoned one is one dead letter.
fn assert_costs_itself(replica: &Replica<'_>, poisoned: &[i64], reason: &str) {
    let (engine, name) = (replica.engine(), replica.name);
    let left_out: Vec<i64> = engine
        .rows(&format!("select log_offset from aftershock.occurrences where log_offset not in (select log_offset from {name}.occurrences) order by log_offset"))
        .iter()
        .map(|row| row["log_offset"].as_i64().unwrap())
        .collect();
    assert_eq!(left_out, poisoned);
    assert_eq!(engine.number(&format!("select count() from {name}.occurrences")), REPORTS - poisoned.len() as i64);
    assert_eq!(replica.differences("occurrences"), poisoned.len() as i64, "a row differs");
    assert_eq!(
        engine.number(&format!("select count() from system.parts where database = '{name}' and table = 'occurrences' and active")),
        1
    );
    let letters =
        "select source_offset, reason, payload from aftershock.rejected_reports where source_topic = 'raw-reports' order by source_offset";
    let letters = until("the dead letters are in their table", || {
        let letters = engine.try_rows(letters)?;
        if letters.len() >= poisoned.len() { Ok(letters) } else { Err(format!("{letters:?}")) }
    });
    let offsets: Vec<i64> = letters.iter().map(|letter| letter["source_offset"].as_i64().unwrap()).collect();
    assert_eq!(offsets, poisoned);
    assert!(
        letters.iter().all(|letter| letter["reason"] == reason && letter["payload"].as_str().unwrap().starts_with("wwE")),
        "{letters:?}"
    );
}
