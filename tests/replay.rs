//! `aftershock replay`, from outside: a second fold of the log is damaged, replayed and put in place, and goes on where it was.

use crate::aliases::fact;
use crate::exactness::generator::{Event, Generator};
use crate::harness::{Engine, KEY, Options, Pipeline, Process, Replica, binary, until};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

const TOPICS: [&str; 4] = ["raw-reports", "connections", "rejected-reports", "issue-changes"];
const TABLES: [&str; 4] = ["occurrences", "connections", "rejected_reports", "issue_changes"];

/// What a command that has ended said.
struct Said {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Configuration of a processor and of a replay of it, in the database and group `name`; `more` = keys of `[processor]`.
fn config(pipeline: &Pipeline, name: &str, partitions: u32, more: &str) -> PathBuf {
    let more = format!(
        "database = \"{name}\"\n[topics]\npartitions = {partitions}\n[processor]\nlisten = \"127.0.0.1:0\"\nsession_timeout = \"6s\"\n{more}\n[processor.slice]\nrecords = 20\nlinger = \"20ms\"\n"
    );
    pipeline.role_config_in_group(&format!("{name}-replay"), name, &more)
}

fn replay(config: &Path, arguments: &[&str]) -> Said {
    let output = Command::new(binary()).args(["replay", "--config", config.to_str().unwrap()]).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

fn assert_done(said: &Said) {
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
}

fn assert_refused(said: &Said, because: &str) {
    assert_eq!(said.code, Some(1), "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains(because), "{}", said.stderr);
}

fn deliver(pipeline: &Pipeline, events: &[Event]) {
    for batch in events.chunks(100).chain(events.chunks(70).step_by(3)) {
        for (path, is_connection) in [("/v1/reports", false), ("/v1/connections", true)] {
            let lines: Vec<&str> =
                batch.iter().filter(|event| event.is_connection == is_connection).map(|event| event.line.as_str()).collect();
            pipeline.deliver(path, &[("x-app-key", KEY), ("content-type", "application/x-ndjson")], lines.join("\n").as_bytes());
        }
    }
}

fn run(engine: &Engine, statement: &str) {
    let reply = engine.run(statement).unwrap();
    assert_eq!(reply.status, 200, "{statement}: {}", reply.text);
}

fn assert_equal(live: &Replica<'_>) {
    for table in TABLES {
        assert_eq!(live.differences(table), 0, "rows of {table} that differ");
    }
}

fn side_databases(engine: &Engine) -> i64 {
    engine.number("select count() as n from system.databases where position(name, '_replay_') > 0")
}

/// Drops the last log day of a table.
fn damage(live: &Replica<'_>, table: &str) {
    let day = live.engine().rows(&format!("select toString(max(log_day)) as day from {}.{table}", live.name));
    run(&live.engine(), &format!("alter table {}.{table} drop partition '{}'", live.name, day[0]["day"].as_str().unwrap()));
}

#[test]
fn a_damaged_table_is_made_whole_and_its_group_goes_on() {
    let pipeline = Pipeline::start_with(&Options { partitions: 2, ..Options::default() });
    let generator = Generator::new(23);
    let events: Vec<Event> = (0..900).map(|_| generator.next()).collect();
    let (first, rest) = events.split_at(700);
    deliver(&pipeline, first);
    // Starts that a client counted together are as many in every fold of the log.
    let counted: u64 = crate::exactness::counted(&pipeline, &generator).iter().map(|event| event.count).sum();
    // What cannot be read becomes a dead letter once, whoever reads it again.
    pipeline.broker().append("raw-reports", &[(b"junk".to_vec(), "不是报告".as_bytes().to_vec())]);
    // What people stated stays stated, in their order.
    let issue = |number: u32| format!("{number:032X}");
    let facts: Vec<_> = (0..7).map(|number| fact(number, &issue(number / 2), &[issue(number + 100), issue(number + 101)])).collect();
    pipeline.broker().append("issue-changes", &facts);
    pipeline.operator().drained();

    let live = Replica::new(&pipeline, "live", 2, "linger = \"50ms\"");
    let config = config(&pipeline, "live", 2, "");
    let mut processor = live.processor();
    TOPICS.iter().for_each(|topic| live.caught_up(topic, 2));
    pipeline.operator().drained();
    TOPICS.iter().for_each(|topic| live.caught_up(topic, 2));
    assert_equal(&live);
    assert_refused(&replay(&config, &[]), "stop every processor");
    let trial = replay(&config, &["--dry-run"]);
    assert_done(&trial);
    assert!(trial.stdout.contains("rows that differ: 0\n"), "{}", trial.stdout);
    assert_eq!(processor.terminate(), Some(0), "the processor was not harmed");

    damage(&live, "occurrences");
    run(&live.engine(), "alter table live.connections update version = 'wrong' where log_offset < 5 settings mutations_sync = 2");
    let count = || live.engine().number("select count() as n from live.occurrences");
    let damaged = count();
    run(&live.engine(), "truncate table live.issue_changes");
    let letters = || (0..2).map(|partition| live.broker().watermarks("rejected-reports", partition)).collect::<Vec<_>>();
    let letters_before = letters();
    let trial = replay(&config, &["--dry-run"]);
    assert_done(&trial);
    assert!(trial.stdout.starts_with("nothing was changed") && !trial.stdout.contains("differ: 0"), "{}", trial.stdout);
    assert_eq!(count(), damaged, "a dry run changes nothing");
    let whole = replay(&config, &[]);
    assert_done(&whole);
    assert!(whole.stdout.starts_with("replaced: occurrences, connections, rejected_reports, issue_changes"), "{}", whole.stdout);
    assert_equal(&live);
    let starts = "select toInt64(sum(count)) as n from live.connections where dialect = 'sentry' settings optimize_use_projections = 0";
    assert_eq!(live.engine().number(starts), i64::try_from(counted).unwrap());
    let rolled = |use_projections: u8| {
        let sums = "select hour, version, sum(count) as n from live.connections group by hour, version order by hour, version";
        live.engine()
            .rows(&format!("{sums} settings optimize_use_projections = {use_projections}, force_optimize_projection = {use_projections}"))
    };
    assert_eq!(rolled(1), rolled(0));
    assert_eq!(live.engine().number("select count() as n from live.rejected_reports"), 1);
    assert_eq!(live.engine().number("select count() as n from live.issue_changes where kind = 'alias'"), 7);
    assert_eq!(letters(), letters_before, "a replay writes nothing to the log");
    assert!(live.broker().groups("live-replay-").is_empty(), "nor does it leave its groups there");
    assert_eq!(side_databases(&live.engine()), 0);

    // The group goes on: what is new counts once, what comes again does not.
    let mut processor = live.processor();
    deliver(&pipeline, rest);
    deliver(&pipeline, &first[..200]);
    pipeline.operator().drained();
    TOPICS.iter().for_each(|topic| live.caught_up(topic, 2));
    assert_eq!(processor.terminate(), Some(0));
    let reports = events.iter().filter(|event| !event.is_connection).count() as i64;
    assert_eq!(count(), reports);
    assert_equal(&live);
}

#[test]
fn a_replay_that_was_killed_harms_nothing_and_is_begun_anew() {
    let pipeline = Pipeline::start_with(&Options { partitions: 2, ..Options::default() });
    let generator = Generator::new(29);
    let events: Vec<Event> = (0..3000).map(|_| generator.next()).collect();
    deliver(&pipeline, &events);
    pipeline.operator().drained();
    let live = Replica::new(&pipeline, "live", 2, "linger = \"50ms\"");
    live.fold(&TOPICS, 2);
    damage(&live, "occurrences");
    let config = config(&pipeline, "live", 2, "");
    let damaged = live.differences("occurrences");
    assert!(damaged > 0);

    let mut killed = Process::start(&["replay", "--config", config.to_str().unwrap()]);
    let engine = live.engine();
    let side = "system.parts where position(database, 'live_replay_') = 1 and table = 'occurrences' and active";
    until("the replay folds", || match engine.number(&format!("select toInt64(sum(rows)) as n from {side}")) {
        0 if killed.is_running() => Err("no row yet"),
        rows => Ok(rows),
    });
    killed.kill();
    assert_eq!(live.differences("occurrences"), damaged, "the live table is as it was");
    assert_eq!(side_databases(&engine), 1, "it was killed in the middle");
    assert_done(&replay(&config, &[]));
    assert_equal(&live);
    assert_eq!(side_databases(&engine), 0);
}

/// A report of a generation of the log that is gone, and its twin in the log of today.
#[test]
fn days_that_have_left_the_log_stay_and_their_twins_are_found() {
    let pipeline = Pipeline::start_with(&Options { partitions: 1, ..Options::default() });
    let line = |name: String| json!({"category": "crash", "platformId": 1, "eventId": name, "expMessage": "旧日志"}).to_string();
    let lines: Vec<String> = (0..40).map(|n| line(format!("e{n}"))).collect();
    pipeline.deliver("/v1/reports", &[("x-app-key", KEY), ("content-type", "application/x-ndjson")], lines.join("\n").as_bytes());
    pipeline.operator().drained();
    let live = Replica::new(&pipeline, "aged", 1, "linger = \"50ms\"");
    let engine = live.engine();
    run(
        &engine,
        "insert into aged.occurrences select * replace(log_day - 3 as log_day, appended_at - interval 3 day as appended_at) \
         from aftershock.occurrences where event_id = 'e7'",
    );
    let config = config(&pipeline, "aged", 1, "log_generation = 1");
    assert_refused(&replay(&config, &[]), "has committed nothing");
    let mut processor = Process::start(&["processor", "--config", config.to_str().unwrap()]);
    TOPICS.iter().for_each(|topic| live.caught_up(topic, 1));
    assert_eq!(processor.terminate(), Some(0));
    let counts = || {
        let rows = engine
            .rows("select toInt64(countIf(log_generation = 0)) as old, toInt64(countIf(log_generation = 1)) as new from aged.occurrences");
        (rows[0]["old"].as_i64().unwrap(), rows[0]["new"].as_i64().unwrap())
    };
    assert_eq!(counts(), (1, 39), "the twin of the old one does not count");
    let days = engine.rows(
        "select toString(min(log_day)) as old, toString(max(log_day)) as new, toString(max(log_day) - 1) as before from aged.occurrences",
    );
    let day = |name: &str| days[0][name].as_str().unwrap().to_owned();

    run(&engine, "alter table aged.occurrences delete where log_generation = 1 and log_offset > 9 settings mutations_sync = 2");
    let part = counts();
    assert_refused(&replay(&config, &["--from", &day("old")]), "whole days from");
    assert_refused(&replay(&config, &["--from", &day("new"), "--to", &day("before")]), "before it begins");
    assert_eq!(replay(&config, &["--from", "gestern"]).code, Some(2));
    assert_done(&replay(&config, &["--to", &day("before")]));
    assert_eq!(counts(), part, "a later day stays as it is");
    assert_done(&replay(&config, &["--from", &format!("{}T00:00:00Z", day("new"))]));
    assert_eq!(counts(), (1, 39));
    run(&engine, "alter table aged.occurrences delete where log_generation = 1 settings mutations_sync = 2");
    assert_done(&replay(&config, &[]));
    assert_eq!(counts(), (1, 39));
    let rollup = "select toInt64(sum(n)) as n from (select hour, count() as n from aged.occurrences group by hour settings force_optimize_projection = 1)";
    assert_eq!(engine.number(rollup), 40);
}

#[test]
fn a_standalone_that_stands_still_is_replayed_by_its_folder_alone() {
    let mut pipeline = Pipeline::start_with(&Options { partitions: 1, ..Options::default() });
    let generator = Generator::new(5);
    let events: Vec<Event> = (0..120).map(|_| generator.next()).collect();
    deliver(&pipeline, &events);
    let count = |pipeline: &Pipeline| pipeline.engine().number("select count() from aftershock.occurrences");
    until("everything is in the tables", || {
        let reply = pipeline.operator().try_get("/v1/admin/pipeline")?;
        if reply.json()["lag"] == 0 { Ok(()) } else { Err(reply.text) }
    });
    let before = count(&pipeline);
    assert!(before > 0);
    let config = pipeline.data().parent().unwrap().join("aftershock.toml");
    let trial = replay(&config, &["--dry-run"]);
    assert_done(&trial);
    assert!(trial.stdout.contains("rows that differ: 0"), "{}", trial.stdout);
    assert_refused(&replay(&config, &[]), "standalone runs on");
    run(&pipeline.engine(), "truncate table aftershock.occurrences");
    assert_eq!(pipeline.terminate(), Some(0));
    let done = replay(&config, &[]);
    assert_done(&done);
    assert!(done.stdout.contains("replaced: occurrences"), "{}", done.stdout);
    pipeline.restart();
    assert_eq!(count(&pipeline), before);
}
