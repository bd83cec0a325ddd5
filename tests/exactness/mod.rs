//! A known multiset of reports is sent (with re-deliveries, late ones, several versions and devices) while the processor, the engine, the broker
//! and the whole tree are killed with -9 at random moments. What was not acknowledged is sent again with the same event id until it is.
//! In the end every hourly count and device count must equal an independent plain fold of the set, row by row.
//!
//! `AFTERSHOCK_TEST_KILLS` (20) says how many kills, `AFTERSHOCK_TEST_SEED` repeats a run.

mod chaos;
pub mod fold;
pub mod generator;

use crate::harness::{APP, Options, Pipeline, until};
use crate::journey::{hour_text, now};
use generator::{Event, Generator};
use std::sync::RwLock;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn counts_equal_an_independent_fold_whatever_is_killed() {
    let kills = number("AFTERSHOCK_TEST_KILLS").unwrap_or(20);
    let seed = number("AFTERSHOCK_TEST_SEED").unwrap_or_else(rand::random);
    println!("seed {seed}, {kills} kills");
    let pipeline = RwLock::new(Pipeline::start_with(&Options { partitions: 4, ..Options::default() }));
    let generator = Generator::new(seed);
    let mut sent = chaos::run(&pipeline, &generator, kills, seed);

    let mut pipeline = pipeline.into_inner().unwrap();
    pipeline.operator().drained();
    sent.events.extend(counted(&pipeline, &generator));
    pipeline.kill();
    pipeline.restart();
    pipeline.operator().drained();
    println!("{} distinct events in {} deliveries", sent.events.len(), sent.deliveries);
    assert_tables(&pipeline, &sent.events, seed);
    assert_openapi(&pipeline, &sent.events, seed);
}

/// Starts that were counted together, once each, while nothing is killed: a client that does not know whether they arrived cannot send
/// them again.
pub fn counted(pipeline: &Pipeline, generator: &Generator) -> Vec<Event> {
    let hour = |at: i64| at.div_euclid(3_600_000);
    (0..30)
        .map(|_| {
            // All of it within one hour: what is sent at the end of one may count in the next.
            let at = until("a moment that is not at the end of an hour", || match now() {
                at if hour(at) == hour(at + 10_000) => Ok(at),
                at => Err(at),
            });
            let event = generator.counted(at);
            crate::counted::post(pipeline, &event.line);
            event
        })
        .collect()
}

/// Every row of the roll-ups, read from the projections, against the fold.
pub fn assert_tables(pipeline: &Pipeline, events: &[generator::Event], seed: u64) {
    let engine = pipeline.engine();
    let letters = engine.rows("select source_topic, source_partition, source_offset, reason from aftershock.rejected_reports");
    assert!(letters.is_empty(), "a good record was rejected, seed {seed}: {letters:?}");
    for (table, expected) in [("occurrences", fold::reports(events)), ("connections", fold::connections(events))] {
        let found = fold::read(&engine, table);
        let missing: Vec<_> = expected.iter().filter(|(key, value)| found.get(*key) != Some(*value)).take(5).collect();
        let surplus: Vec<_> = found.iter().filter(|(key, value)| expected.get(*key) != Some(*value)).take(5).collect();
        assert!(missing.is_empty() && surplus.is_empty(), "{table}, seed {seed}: expected {missing:#?}, found {surplus:#?}");
    }
    let rows = engine.number("select count() from aftershock.occurrences");
    let ids = engine.number("select uniqExact(report_id) from aftershock.occurrences");
    let positions = engine.number("select uniqExact(log_partition, log_offset) from aftershock.occurrences");
    assert_eq!((rows, rows), (ids, positions), "a report or a place in the log counted twice, seed {seed}");
}

/// The same through the signed OpenAPI: per hour counts, affected devices, starts and connected devices.
pub fn assert_openapi(pipeline: &Pipeline, events: &[generator::Event], seed: u64) {
    let hours = fold::hours(events);
    let recent: Vec<i64> = hours.iter().copied().filter(|hour| hour + 3 * 86_400_000 > *hours.last().unwrap()).collect();
    let (first, last) = (recent[0], *recent.last().unwrap());
    for category in ["crash", "anr", "error"] {
        let rows = pipeline.analyst().hourly(APP, 1, category, &hour_text(first), &hour_text(last));
        for hour in &recent {
            let row = rows.iter().find(|row| row["date"] == hour_text(*hour)).unwrap_or_else(|| panic!("no row for {}", hour_text(*hour)));
            let found = ["crashNum", "crashUser", "accessNum", "accessUser"].map(|name| row[name].as_u64().unwrap());
            assert_eq!(found, fold::trend_row(events, 1, category, *hour), "{category} at {}, seed {seed}", hour_text(*hour));
        }
    }
}
