//! The two accounts, and what each may do; processes that come and go on one folder.

use std::io::Read;
use std::process::Stdio;

use clickhouse::Client;

use crate::harness::{self, Answer, Engine, engine};

fn read(engine: &Engine, target: &str, sql: &str) -> Answer {
    engine.send("POST", target, &[("x-clickhouse-user", "reader"), ("x-clickhouse-key", "looks")], sql.as_bytes())
}

fn code(answer: &Answer) -> u32 {
    answer.header("x-clickhouse-exception-code").map_or(0, |c| c.parse().unwrap())
}

#[test]
fn strangers_are_refused() {
    let Some(engine) = engine() else { return };
    let nobody = engine.send("POST", "", &[], b"select 1");
    assert_eq!((nobody.status, code(&nobody)), (401, 194));
    assert!(nobody.header("www-authenticate").is_some());
    for (user, password) in [("writer", "looks"), ("reader", "secret"), ("other", "secret"), ("", "")] {
        let answer = engine.send("POST", "", &[("x-clickhouse-user", user), ("x-clickhouse-key", password)], b"select 1");
        assert_eq!((answer.status, code(&answer)), (403, 516), "{user}");
        assert!(answer.text().contains("(AUTHENTICATION_FAILED)"));
    }
}

#[test]
fn a_reader_reads_and_does_nothing_else() {
    let Some(engine) = engine() else { return };
    engine.value("create database if not exists readers engine = Atomic");
    engine.value("create table readers.t (n UInt64) engine = MergeTree order by n");
    engine.value("insert into readers.t select number from numbers(100)");
    assert_eq!(read(engine, "", "select sum(n) from readers.t").text(), "4950\n");
    assert_eq!(read(engine, "?database=readers", "describe table t").text(), "n\tUInt64\t\t\t\t\t\n");
    assert_eq!(read(engine, "?database=readers", "show tables").text(), "t\n");
    let refused = [
        "insert into readers.t values (1)",
        "insert into readers.t select 1",
        "create table readers.x (n UInt8) engine = Memory",
        "create temporary table x (n UInt8)",
        "drop table readers.t",
        "alter table readers.t delete where 1",
        "truncate table readers.t",
        "kill query where 1",
        "system stop merges",
        "backup database readers to File('x')",
        "set readonly = 0",
        "select * from file('/etc/passwd', 'LineAsString')",
        "select * from url('http://127.0.0.1:1/', 'CSV', 'a String')",
        "select * from remote('127.0.0.1:1', system.one)",
        "select * from executable('ls', 'CSV', 'a String')",
        "select 1 settings readonly = 0",
        "select sum(n) from readers.t settings max_execution_time = 1000",
    ];
    for sql in refused {
        let answer = read(engine, "", sql);
        assert!(answer.status >= 400 && answer.text().contains("(READONLY)"), "{sql}: {} {}", answer.status, answer.text());
    }
    // A string that the shim's own look at the text does not understand.
    assert_eq!(code(&read(engine, "", "select $a$ ' $a$ into outfile '/nowhere/x' -- '")), 164);
    assert_eq!(engine.value("select count() from readers.t"), "100");
}

#[test]
fn a_readers_limits_hold() {
    let Some(engine) = engine() else { return };
    assert_eq!(code(&read(engine, "", "select number from numbers(2001)")), 396);
    assert_eq!(code(&read(engine, "?max_result_rows=0", "select number from numbers(2001)")), 396);
    assert_eq!(code(&read(engine, "?max_result_rows=10", "select number from numbers(11)")), 396);
    assert_eq!(
        code(&read(engine, "?max_memory_usage=1000000", "select count() from (select number from numbers(10000000) group by number)")),
        241
    );
    assert_eq!(
        code(&read(engine, "?max_execution_time=1", "select count() from numbers(1000000000000) where cityHash64(number) = 1")),
        159
    );
    assert_eq!(code(&read(engine, "?max_insert_threads=4", "select 1")), 164);
    assert_eq!(
        read(engine, "?readonly=0&output_format_json_quote_64bit_integers=1&default_format=JSONEachRow", "select toUInt64(1) as n").text(),
        "{\"n\":\"1\"}\n"
    );
    assert_eq!(read(engine, "?force_optimize_projection=0&session_id=x", "select 1").text(), "1\n");
}

#[tokio::test]
async fn the_crate_works_as_the_reader() {
    let Some(engine) = engine() else { return };
    let reader: Client = engine.reader();
    let rows = reader
        .query("select number from numbers({n:UInt64})")
        .param("n", 5)
        .with_setting("force_optimize_projection", "0")
        .fetch_all::<u64>()
        .await
        .unwrap();
    assert_eq!(rows, [0, 1, 2, 3, 4]);
    let error = reader.query("drop database system").execute().await.unwrap_err().to_string();
    assert!(error.contains("(READONLY)"), "{error}");
}

#[test]
fn more_statements_than_places_wait_their_turn() {
    let Some(engine) = engine() else { return };
    let threads: Vec<_> = (0..40).map(|n| std::thread::spawn(move || engine.value(&format!("select {n}, sleep(0.05)")))).collect();
    for (n, thread) in threads.into_iter().enumerate() {
        assert_eq!(thread.join().unwrap(), format!("{n}\t0"));
    }
}

#[test]
fn a_folder_has_one_engine_and_keeps_its_rows() {
    if !harness::present() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut first = harness::start(folder.path());
    first.value("create database kept engine = Atomic");
    first.value("create table kept.t (n UInt64, projection p (select count(), sum(n))) engine = MergeTree order by n");
    first.value("insert into kept.t select number from numbers(1000)");
    let mut second = harness::command(folder.path()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(!second.wait().unwrap().success());
    let mut said = String::new();
    second.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(said.contains("another process uses the engine's folder"), "{said}");
    first.kill();
    let again = harness::start(folder.path());
    assert_eq!(again.value("select count(), sum(n) from kept.t"), "1000\t499500");
    assert!(again.stop(), "a stop that was asked for is a success");
    assert_eq!(harness::start(folder.path()).value("select count() from kept.t"), "1000");
}

#[tokio::test]
async fn a_missing_library_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let config = aftershock::engine::Config::new(folder.path().into(), folder.path().join("libchdb.so"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = aftershock::engine::run(config, listener, std::future::pending()).await.unwrap_err().to_string();
    assert!(error.contains("make engine") || error.contains("platform"), "{error}");
    assert!(error.contains("clickhouse.url"), "{error}");
}
