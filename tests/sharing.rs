//! Several processors share the partitions of one group.

use crate::exactness::generator::{Event, Generator};
use crate::exactness::{assert_openapi, assert_tables};
use crate::harness::{KEY, Options, Pipeline};

/// Sends everything in batches of 50; every third batch goes twice.
fn send(pipeline: &Pipeline, events: &[Event]) {
    for (number, batch) in events.chunks(50).enumerate() {
        for (path, is_connection) in [("/v1/reports", false), ("/v1/connections", true)] {
            let lines: Vec<&str> =
                batch.iter().filter(|event| event.is_connection == is_connection).map(|event| event.line.as_str()).collect();
            for _ in 0..if number % 3 == 0 { 2 } else { 1 } {
                pipeline.deliver(path, &[("x-app-key", KEY), ("content-type", "application/x-ndjson")], lines.join("\n").as_bytes());
            }
        }
    }
}

#[test]
fn processors_come_and_go_without_a_duplicate() {
    let pipeline = Pipeline::start_with(&Options { partitions: 4, ..Options::default() });
    let generator = Generator::new(7);
    let events: Vec<Event> = (0..3000).map(|_| generator.next()).collect();
    let (first, rest) = events.split_at(1000);
    let (second, third) = rest.split_at(1000);
    send(&pipeline, first);
    let mut joined = pipeline.processor("joined");
    send(&pipeline, second);
    let mut killed = pipeline.processor("killed");
    send(&pipeline, third);
    killed.kill();
    assert_eq!(joined.terminate(), Some(0), "a processor finishes its slice and leaves");
    pipeline.operator().drained();
    assert_tables(&pipeline, &events, 7);
    assert_openapi(&pipeline, &events, 7);
}
