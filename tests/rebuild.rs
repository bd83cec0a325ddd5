//! Equal log, equal tables: the log folded again into empty tables, in other slices, gives the same rows, every column of them.

use crate::exactness::generator::{Event, Generator};
use crate::harness::{KEY, Options, Pipeline, Replica};
use serde_json::json;

#[test]
fn the_log_folded_again_in_other_slices_gives_the_same_rows() {
    let pipeline = Pipeline::start_with(&Options { partitions: 2, ..Options::default() });
    let generator = Generator::new(11);
    let events: Vec<Event> = (0..1500).map(|_| generator.next()).collect();
    for batch in events.chunks(100).chain(events.chunks(70).step_by(3)) {
        for (path, is_connection) in [("/v1/reports", false), ("/v1/connections", true)] {
            let lines: Vec<&str> =
                batch.iter().filter(|event| event.is_connection == is_connection).map(|event| event.line.as_str()).collect();
            pipeline.deliver(path, &[("x-app-key", KEY), ("content-type", "application/x-ndjson")], lines.join("\n").as_bytes());
        }
    }
    // Without event id and time there is no telling deliveries apart: each post counts, in every fold of the log.
    let bare = json!({"category": "error", "platformId": 10, "expMessage": "没有时间"}).to_string();
    for _ in 0..3 {
        pipeline.deliver("/v1/reports", &[("x-app-key", KEY), ("content-type", "application/json")], bare.as_bytes());
    }
    pipeline.operator().drained();
    let expected = events.iter().filter(|event| !event.is_connection).count() as i64 + 3;
    assert_eq!(pipeline.engine().number("select count() from aftershock.occurrences"), expected);

    let replica = Replica::new(&pipeline, "again", 2, "records = 37\nlinger = \"10ms\"");
    replica.fold(&["raw-reports", "connections"], 2);
    assert_eq!(replica.engine().number("select count() from again.occurrences"), expected);
    for table in ["occurrences", "connections"] {
        assert_eq!(replica.differences(table), 0, "rows of {table} that differ");
    }
}

#[test]
fn query_follows_the_group_that_is_configured() {
    let pipeline = Pipeline::start();
    let report = json!({"category": "error", "platformId": 10, "expMessage": "夜班"}).to_string();
    pipeline.deliver("/v1/reports", &[("x-app-key", KEY), ("content-type", "application/json")], report.as_bytes());
    pipeline.operator().drained();
    let replica = Replica::new(&pipeline, "night", 2, "linger = \"50ms\"");
    let (_query, operator) = replica.query();
    assert_eq!(operator.get("/v1/admin/pipeline")["lag"], 1, "the other group has folded it, this one has not");
    let _processor = replica.processor();
    operator.drained();
}
