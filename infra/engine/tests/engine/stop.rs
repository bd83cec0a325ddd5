//! A stop that was asked for, whatever the engine is doing, and copies of what it keeps.

use crate::harness;
use std::time::{Duration, Instant};

const FILL: &str = "insert into kept.t select number % 50, number, repeat('闪', 100) from numbers(300000)";
const COUNTS: &str = "select k, count(), uniqExact(n) from kept.t group by k order by k settings ";

/// An engine with rows and roll-ups.
fn filled(folder: &std::path::Path) -> harness::Engine {
    let engine = harness::start(folder);
    engine.value("create database kept engine = Atomic");
    engine.value(
        "create table kept.t (k UInt64, n UInt64, s String, projection p (select k, count(), uniqExact(n) group by k)) engine = MergeTree order by (k, n)",
    );
    engine.value(FILL);
    engine
}

#[test]
fn an_idle_engine_with_tables_stops_at_once() {
    if !harness::present() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let engine = filled(folder.path());
    let asked = Instant::now();
    assert!(engine.stop());
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}

#[test]
fn a_busy_engine_stops_soon_and_loses_nothing() {
    if !harness::present() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let engine = filled(folder.path());
    for _ in 0..3 {
        engine.value(FILL);
    }
    let busy: Vec<_> = ["select count() from numbers(1000000000000) where number % 3 = 7", "optimize table kept.t final"]
        .into_iter()
        .map(|sql| {
            let mut stream = engine.connect();
            let head = "POST / HTTP/1.1\r\nhost: localhost\r\nx-clickhouse-user: writer\r\nx-clickhouse-key: secret\r\n";
            std::io::Write::write_all(&mut stream, format!("{head}content-length: {}\r\n\r\n{sql}", sql.len()).as_bytes()).unwrap();
            stream
        })
        .collect();
    engine.wait_for("select count() from system.processes where query like '%number % 3 = 7' and query not like '%processes%'", "1");
    let asked = Instant::now();
    assert!(engine.stop());
    // A second to end by itself, one to be stopped; the rest is the machine's.
    assert!(asked.elapsed() < Duration::from_secs(6), "{:?}", asked.elapsed());
    drop(busy);
    let again = harness::start(folder.path());
    assert_eq!(again.value("select count() from kept.t"), "1200000");
    let rows = again.value(&format!("{COUNTS} optimize_use_projections = 0"));
    assert_eq!(again.value(&format!("{COUNTS} force_optimize_projection = 1")), rows);
}

#[test]
fn a_copy_is_made_and_put_back_with_its_roll_ups() {
    if !harness::present() {
        return;
    }
    let (folder, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = filled(folder.path());
    let rows = engine.value(&format!("{COUNTS} optimize_use_projections = 0"));
    for name in ["folder", "file.tar"] {
        let copy = copies.path().join(name);
        engine.value(&format!("backup database kept to File('{}')", copy.display()));
        let again = engine.post("", format!("backup database kept to File('{}')", copy.display()).as_bytes());
        assert!(again.text().contains("(BACKUP_ALREADY_EXISTS)"), "{}", again.text());
        engine.value("drop database kept sync");
        engine.value(&format!("restore database kept from File('{}')", copy.display()));
        assert_eq!(engine.value(&format!("{COUNTS} optimize_use_projections = 0")), rows);
        assert_eq!(engine.value(&format!("{COUNTS} force_optimize_projection = 1")), rows);
    }
}
