//! A session that is used again keeps nothing of the statements before.

use crate::harness::{Engine, present, start};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// More than the engine keeps ready.
const AT_ONCE: usize = 12;

/// Every session that is ready for plain statements: its mark, and what it would let its next statement see.
fn seen(engine: &Engine) -> Vec<(String, String)> {
    let sql = "select getSetting('log_comment'), currentDatabase(), \
        (select arraySort(groupArray(name || '=' || value)) from system.settings where changed and name != 'log_comment'), \
        (select count() from system.tables where is_temporary), sleep(0.3)";
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(|| engine.post("", sql.as_bytes()))).collect();
        let answers = asked.into_iter().map(|answer| answer.join().unwrap());
        let split = |text: String| text.split_once('\t').map(|(mark, rest)| (mark.to_owned(), rest.to_owned())).unwrap();
        answers.map(|answer| split(answer.text())).collect()
    })
}

#[test]
fn what_reads_or_inserts_leaves_nothing_in_a_session_that_is_used_again() {
    if !present() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let engine = start(dir.path());
    engine.post("", b"create database kept engine = Atomic");
    engine.post("", b"create table kept.t (a String) engine = MergeTree order by a");
    let fresh = seen(&engine)[0].1.clone();
    let mark = "select getSetting('log_comment')";
    for (target, sql) in [
        ("", format!("{mark} settings max_threads = 1, max_block_size = 77")),
        ("", format!("{mark} from numbers(1) format TSV settings output_format_tsv_crlf_end_of_line = 0")),
        ("?param_p=7", format!("{mark}, {{p:UInt8}}")),
        ("", format!("with (select 1) as one {mark}, one, rand(), sleep(0.01)")),
        ("", format!("select * from ({mark} union all {mark} settings max_threads = 3) settings max_execution_time = 5")),
    ] {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = engine.post(target, sql.as_bytes());
            assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
            let used = answer.text().split(['\t', '\n']).next().unwrap().to_owned();
            let all = seen(&engine);
            assert!(all.iter().all(|(_, rest)| *rest == fresh), "{sql}: {all:?}");
            if all.iter().any(|(mark, _)| *mark == used) {
                break;
            }
            assert!(Instant::now() < deadline, "the session of {sql} is not used again");
        }
    }
    assert_eq!(
        engine.post("", b"select {p:UInt8}").header("x-clickhouse-exception-code"),
        Some("456"),
        "a parameter of an earlier statement"
    );
    for n in 0..3 {
        let target = format!("?query=insert+into+kept.t+format+TSV&insert_deduplication_token={n}");
        assert_eq!(engine.post(&target, "闪退\n".as_bytes()).status, 200);
        assert!(seen(&engine).iter().all(|(_, rest)| *rest == fresh));
    }
}

#[test]
fn what_changes_a_session_is_its_last_statement() {
    if !present() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let engine = start(dir.path());
    engine.post("", b"create database other engine = Atomic");
    let fresh = seen(&engine)[0].1.clone();
    for sql in ["set max_threads = 7", "use other", "create temporary table mine (a UInt8)", "set param_p = 3"] {
        let answer = engine.post("", sql.as_bytes());
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
        assert!(seen(&engine).iter().all(|(_, rest)| *rest == fresh), "{sql}");
    }
    for (sql, code) in [("select * from mine", "60"), ("select {p:UInt8}", "456")] {
        assert_eq!(engine.post("", sql.as_bytes()).header("x-clickhouse-exception-code"), Some(code), "{sql}");
    }
    // Each pair of account, database and settings has sessions of its own.
    let asked =
        |target: &str| engine.post(target, b"select getSetting('max_block_size'), currentDatabase(), getSetting('readonly')").text();
    for _ in 0..AT_ONCE {
        assert_eq!(asked("?max_block_size=100&database=other"), "100\tother\t0\n");
        assert_eq!(asked("?max_block_size=200"), "200\tdefault\t0\n");
        assert_eq!(asked("?database=other"), "65409\tother\t0\n");
        let reader = [("x-clickhouse-user", "reader"), ("x-clickhouse-key", "looks")];
        let read = engine.send("POST", "?database=other", &reader, b"select currentDatabase(), getSetting('readonly')");
        assert_eq!(read.text(), "other\t1\n");
    }
}

#[test]
fn a_session_whose_statement_was_stopped_is_not_used_again() {
    if !present() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let engine = start(dir.path());
    let mut stopped = BTreeSet::new();
    for n in 0..3 {
        let target = format!("?query_id=long-{n}");
        std::thread::scope(|scope| {
            scope.spawn(|| engine.post(&target, b"select count() from numbers(1000000000000)"));
            let running = "select Settings['log_comment'] from system.processes where query like 'select count() from numbers(1%'";
            let deadline = Instant::now() + Duration::from_secs(30);
            while engine.value(running).is_empty() {
                assert!(Instant::now() < deadline, "the statement does not run");
            }
            stopped.insert(engine.value(running).trim().to_owned());
            engine.post("", format!("kill query where query_id = 'long-{n}' sync").as_bytes());
        });
    }
    assert_eq!(stopped.len(), 3, "{stopped:?}");
    assert!(seen(&engine).iter().all(|(mark, _)| !stopped.contains(mark)));
}
