use super::{REPORTS, TOPIC, assert_costs_itself, interrupted, pipeline};
use crate::harness::{KEY, Options, Pipeline, Process, Replica, until};
use serde_json::json;

const MARKER: &str = "毒药";
const ABORT: [(&str, &str); 1] = [("AFTERSHOCK_TEST_ABORT_ON", MARKER)];
const PANIC: [(&str, &str); 1] = [("AFTERSHOCK_TEST_PANIC_ON", MARKER)];

/// A release build cannot be provoked.
fn is_provokable() -> bool {
    if !cfg!(debug_assertions) {
        println!("skipped: a release build has no fault to provoke");
    }
    cfg!(debug_assertions)
}

/// Starts a processor again each time it ends, until it has caught up; how often it ended.
fn fold_through(replica: &Replica<'_>, limit: usize) -> usize {
    for ends in 0..=limit {
        let mut processor = replica.processor_with(&ABORT);
        let has_caught_up = until("the processor ends or catches up", || match processor.exit_code() {
            Some(_) => Ok(false),
            None => replica.try_caught_up(TOPIC, 1).map(|()| true),
        });
        if has_caught_up {
            assert_eq!(processor.terminate(), Some(0));
            return ends;
        }
    }
    panic!("the processor ended more than {limit} times");
}

#[test]
fn a_record_that_ends_the_process_costs_itself() {
    if !is_provokable() {
        return;
    }
    let pipeline = pipeline(&[17], MARKER);
    let replica = interrupted(&pipeline, "killer");
    let ends = fold_through(&replica, 6);
    assert!(ends >= 2, "nothing ended the process");
    assert_costs_itself(&replica, &[17], "killed_processor");
    // The token is the slice's own: a late twin of an insert with every record in it is known as one.
    let engine = replica.engine();
    let every_row = engine.run("select * from aftershock.occurrences order by log_offset format RowBinary").unwrap().bytes;
    let twin = engine.insert("killer.occurrences", &format!("raw-reports:0:0-{}@0", REPORTS - 1), &every_row).unwrap();
    assert_eq!(twin.status, 200, "{}", twin.text);
    assert_eq!(engine.number("select count() from killer.occurrences"), REPORTS - 1);
}

#[test]
fn several_of_them_in_one_slice_cost_themselves() {
    if !is_provokable() {
        return;
    }
    let poisoned = [0, 11, 12, REPORTS - 1];
    let pipeline = pipeline(&poisoned, MARKER);
    let replica = interrupted(&pipeline, "killers");
    fold_through(&replica, 12);
    assert_costs_itself(&replica, &poisoned, "killed_processor");
}

#[test]
fn a_record_that_panics_costs_itself_and_nobody_ends() {
    if !is_provokable() {
        return;
    }
    let poisoned = [3, 30];
    let pipeline = pipeline(&poisoned, MARKER);
    let replica = interrupted(&pipeline, "panics");
    let mut processor = replica.processor_with(&PANIC);
    replica.caught_up(TOPIC, 1);
    assert_eq!(processor.terminate(), Some(0));
    assert_costs_itself(&replica, &poisoned, "panicked");
}

/// Two processors share the partitions and hand them to each other as they end; good records of both are under suspicion meanwhile.
#[test]
fn a_group_whose_processors_end_in_turn_leaves_out_the_record_at_fault_alone() {
    if !is_provokable() {
        return;
    }
    let pipeline = Pipeline::start_with(&Options { partitions: 2, ..Options::default() });
    let line = |n: i64| {
        let message = if n == 60 { MARKER.to_owned() } else { format!("崩溃 {n}") };
        json!({"category": "crash", "platformId": 1, "eventId": format!("e{n}"), "deviceId": format!("d{n}"), "expMessage": message})
            .to_string()
    };
    let lines: Vec<String> = (0..120).map(line).collect();
    pipeline.deliver("/v1/reports", &[("x-app-key", KEY), ("content-type", "application/x-ndjson")], lines.join("\n").as_bytes());
    pipeline.operator().drained();
    let replica = Replica::new(&pipeline, "turns", 2, "linger = \"50ms\"");
    let start = || replica.processor_with(&ABORT);
    let (mut pair, mut ends): ([Process; 2], usize) = ([start(), start()], 0);
    until("the pair has caught up", || {
        for processor in &mut pair {
            if processor.exit_code().is_some() {
                ends += 1;
                *processor = start();
            }
        }
        assert!(ends <= 16, "the processors ended {ends} times");
        replica.try_caught_up(TOPIC, 2)
    });
    assert!(pair.iter_mut().all(|processor| processor.terminate() == Some(0)));
    let engine = replica.engine();
    let left_out = engine.rows("select exp_message from (select * from aftershock.occurrences except select * from turns.occurrences)");
    assert_eq!(left_out.len(), 1, "{left_out:?}");
    assert_eq!(left_out[0]["exp_message"], MARKER);
    assert_eq!(engine.number("select count() from turns.occurrences"), 119);
    assert_eq!(engine.number("select uniqExact(report_id) from turns.occurrences"), 119);
}
