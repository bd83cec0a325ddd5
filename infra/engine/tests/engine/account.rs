//! The two accounts, and what each may do; processes that come and go on one folder.

use crate::harness::{self, Answer, Engine, engine};
use clickhouse::Client;
use std::io::Read;
use std::process::Stdio;

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

/// Of the table functions those that a reader may call.
const TABLES: [&str; 11] = [
    "format",
    "generateRandom",
    "generateSeries",
    "generate_series",
    "numbers",
    "numbers_mt",
    "primes",
    "values",
    "view",
    "zeros",
    "zeros_mt",
];

#[test]
fn every_table_function_of_the_engine_is_harmless_or_refused() {
    let Some(engine) = engine() else { return };
    let all = engine.value("select arrayStringConcat(groupArray(name), ',') from system.table_functions");
    assert!(all.split(',').count() > 80, "{all}");
    for name in all.split(',').filter(|name| !TABLES.contains(name)) {
        let calls = match name {
            // It has a grammar of its own: anything else does not even parse.
            "viewIfPermitted" => vec!["select * from viewIfPermitted(select 1 as x else null('x UInt8'))".to_owned()],
            _ => {
                vec![format!("select * from {name}()"), format!("select * from `{name}` ('x')"), format!("describe table {name}('x', 'y')")]
            }
        };
        for sql in calls {
            let answer = read(engine, "", &sql);
            assert!(answer.status >= 400 && answer.text().contains("READONLY"), "{sql}: {}", answer.text());
        }
    }
    assert_eq!(read(engine, "", "select count() from numbers(3)").text(), "3\n");
    assert_eq!(read(engine, "", "select count() from view(select 1)").text(), "1\n");
    for name in ["reverseDNSQuery('127.0.0.1')", "getServerPort('tcp_port')", "hostName()", "showCertificate()", "no_such_function_yet(1)"]
    {
        let answer = read(engine, "", &format!("select {name}"));
        assert!(answer.status >= 400 && answer.text().contains("READONLY"), "{name}: {}", answer.text());
    }
}

#[test]
fn silent_connections_of_others_delay_no_statement() {
    let Some(engine) = engine() else { return };
    // As many as there may be places, and more: of people without an account.
    let mut crowd: Vec<_> = (0..600).map(|_| engine.connect()).collect();
    let mut held = crowd.iter_mut().take(10);
    held.by_ref().for_each(|stream| drop(std::io::Write::write_all(stream, b"POST / HTTP/1.1\r\nhost: localhost\r\n")));
    let asked = std::time::Instant::now();
    assert_eq!(engine.value("select 1"), "1");
    // The places of silent connections were given back after 30 seconds.
    assert!(asked.elapsed() < std::time::Duration::from_secs(15), "{:?} beside {} connections", asked.elapsed(), crowd.len());
}

#[test]
fn a_page_of_the_web_is_not_answered() {
    let Some(engine) = engine() else { return };
    let account = [("x-clickhouse-user", "writer"), ("x-clickhouse-key", "secret")];
    for (name, value) in [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
        let answer = engine.send("POST", "", &[&account[..], &[(name, value)]].concat(), b"select 1");
        assert_eq!(answer.status, 403, "{name}: {}", answer.text());
    }
    let mut rebound = engine.connect();
    let head = "GET /ping HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    std::io::Write::write_all(&mut rebound, head.as_bytes()).unwrap();
    let mut answer = String::new();
    rebound.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
}

/// Ways out of the tables: to files, to other servers, to programs, to more rights.
const WAYS_OUT: &[&str] = &[
    "select * from fileCluster('default', '/etc/passwd', 'LineAsString')",
    "select * from urlCluster('default', 'http://127.0.0.1:1/', 'CSV', 'a String')",
    "select * from s3('http://127.0.0.1:1/b/x.csv', 'CSV', 'a String')",
    "select * from s3Cluster('default', 'http://127.0.0.1:1/b/x.csv', 'CSV', 'a String')",
    "select * from gcs('http://127.0.0.1:1/b/x.csv', 'CSV', 'a String')",
    "select * from azureBlobStorage('http://127.0.0.1:1/', 'c', 'x', 'u', 'a2V5', 'CSV')",
    "select * from hdfs('hdfs://127.0.0.1:1/x', 'CSV', 'a String')",
    "select * from iceberg('http://127.0.0.1:1/b/t')",
    "select * from deltaLake('http://127.0.0.1:1/b/t')",
    "select * from hudi('http://127.0.0.1:1/b/t')",
    "select * from remote('127.0.0.1:1', 'system', 'one', 'u', 'p')",
    "select * from remoteSecure('127.0.0.1:1', system.one)",
    "select * from cluster('default', system.one)",
    "select * from mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "select * from postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "select * from mongodb('127.0.0.1:1', 'd', 't', 'u', 'p', 'a String')",
    "select * from redis('127.0.0.1:1', 'k', 'k String')",
    "select * from sqlite('/tmp/x.db', 't')",
    "select * from odbc('DSN=x', 'd', 't')",
    "select * from jdbc('jdbc:x', 'd', 't')",
    "select * from executable('ls', 'TSV', 'a String', (select 1))",
    "select * from python('sys')",
    "select * from Python(sys)",
    "select * from input('a String')",
    "insert into function file('/tmp/aftershock-out.csv') select 1",
    "insert into function null('a UInt8') values (1)",
    "insert into function remote('127.0.0.1:1', 'a', 'b') values (1)",
    "describe table file('/etc/passwd', 'LineAsString')",
    "describe file('/etc/passwd')",
    "describe url('http://127.0.0.1:1/')",
    "describe s3('http://127.0.0.1:1/bucket/x.csv')",
    "describe mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "describe (select * from url('http://127.0.0.1:1/'))",
    "explain syntax select * from url('http://127.0.0.1:1/')",
    "explain query tree select * from url('http://127.0.0.1:1/')",
    "explain select * from file('/etc/passwd', 'LineAsString')",
    "explain estimate select * from file('/etc/passwd', 'LineAsString')",
    "select (select * from file('/etc/passwd', 'LineAsString') limit 1)",
    "with x as (select * from file('/etc/passwd', 'LineAsString')) select * from x",
    "select 1 where 1 in (select 1 from file('/etc/passwd', 'LineAsString'))",
    "select * from view(select * from file('/etc/passwd', 'LineAsString'))",
    "select * from viewIfPermitted(select * from file('/etc/passwd', 'LineAsString') else null('line String'))",
    "select * from loop(file('/etc/passwd', 'LineAsString')) limit 1",
    "select file('/etc/passwd')",
    "select file('engine.xml')",
    "select `file`('/etc/passwd')",
    "select `f\\x69le`('/etc/passwd')",
    "select “file”('/etc/passwd')",
    "select $a$ ' $a$, file('/etc/passwd'), $a$ ' $a$",
    "select ‘'’, file('/etc/passwd'), ‘'’",
    "select /* */ file /* */ ('/etc/passwd')",
    "select arrayMap(x -> file(x), ['/etc/passwd'])",
    "select * apply(file) from (select '/etc/passwd' as a)",
    "select * apply file from (select '/etc/passwd' as a)",
    "select {f:Identifier}('/etc/passwd')",
    "select * from {f:Identifier}('/etc/passwd')",
    "select * apply({f:Identifier}) from (select '/etc/passwd' as a)",
    "select count() from numbers(1) where file('/etc/passwd') != ''",
    "explain select file('/etc/passwd')",
    "select * from viewExplain('EXPLAIN', '', (select file('/etc/passwd')))",
    "select * from eval(concat('select fi', 'le(\\'/etc/passwd\\')'))",
    "select * from filesystem('/etc')",
    "select * from arrowstream('1')",
    "select catboostEvaluate('/tmp/model', 1)",
    "select aiGenerate('x')",
    "select * from executable('id', 'TSV', 'a String')",
    "select * from clusterAllReplicas('default', system.one)",
    "select * from icebergLocal('/etc')",
    "select * from deltaLakeLocal('/etc')",
    "select * from paimonLocal('/etc')",
    "select * from ytsaurus('http://127.0.0.1:1', '//t', 'x', 'a String')",
    "select * from way_out.v",
    "select 1 from numbers(1) into outfile '/tmp/aftershock-out.csv'",
    "select 1 /* */ INTO /* */ OUTFILE '/tmp/aftershock-out.csv' truncate",
    "create view way_out.x as select 1",
    "create function f as (x) -> x",
    "create named collection c as a = 1",
    "create user u",
    "grant all on *.* to reader",
    "create dictionary way_out.d (k UInt64) primary key k source(file(path '/etc/passwd' format 'CSV')) layout(flat())",
    "attach table way_out.x from '/tmp' (a UInt8) engine = MergeTree order by a",
    "detach table way_out.t",
    "rename table way_out.t to way_out.u",
    "optimize table way_out.t final",
    "system shutdown",
    "system flush logs",
    "system drop mark cache",
    "system reload config",
    "kill mutation where 1",
    "restore database way_out from File('/tmp/x')",
    "set max_execution_time = 0",
    "set profile = 'default'",
    "set role all",
    "select 1 settings max_memory_usage = 0",
    "select 1 settings allow_introspection_functions = 1",
    "select * from (select 1 settings max_execution_time = 0, readonly = 0)",
    "select * from (select * from file('/etc/passwd', 'LineAsString') settings readonly = 0)",
    "with x as (select * from numbers(1) settings readonly = 0) select * from x",
    "select (select 1 settings max_memory_usage = 0)",
    "select * from (select 1 sEttings/**/`readonly`/**/=/**/0)",
    "select * from (select * from eval('select 1') settings allow_experimental_eval_table_function = 1, readonly = 0)",
    "select 1 settings log_comment = 'aftershock-0'",
    "select demangle('x')",
    "begin transaction",
];

#[test]
fn a_reader_finds_no_way_out() {
    let Some(engine) = engine() else { return };
    engine.value("create database if not exists way_out engine = Atomic");
    engine.value("create or replace view way_out.v as select * from file('/etc/passwd', 'LineAsString')");
    engine.value("create or replace table way_out.t (line String) engine = File(LineAsString, '/etc/passwd')");
    let mut open = Vec::new();
    for sql in WAYS_OUT {
        for target in ["", "?param_f=file", "?wait_end_of_query=1"] {
            let answer = read(engine, target, sql);
            if answer.status < 400 || answer.text().contains("root:") {
                open.push(format!("{sql}: {} {}", answer.status, answer.text().lines().next().unwrap_or_default()));
            }
        }
    }
    for target in ["?allow_ddl=1", "?profile=default", "?allow_introspection_functions=1", "?format_schema=x", "?readonly=2&allow_ddl=1"] {
        let answer = read(engine, target, "select 1");
        if answer.status < 400 {
            open.push(format!("{target}: {}", answer.text()));
        }
    }
    assert!(open.is_empty(), "{}", open.join("\n"));
    assert!(!std::path::Path::new("/tmp/aftershock-out.csv").exists());
    assert_eq!(read(engine, "", "select count() from system.settings where name = 'readonly'").text(), "1\n");
    assert_eq!(read(engine, "", "select 'file(1)' as file, 'it\\'s' as profile").text(), "file(1)\tit\\'s\n", "and it still runs");
}

#[test]
fn system_tables_do_not_grow() {
    let Some(engine) = engine() else { return };
    let sql = "select arrayStringConcat(groupArray(name), ' ') from system.tables where database = 'system' and engine like '%MergeTree'";
    assert_eq!(engine.value(sql), "", "logs that the engine would write about itself");
}

#[test]
fn what_it_takes_is_bounded_by_the_machine() {
    let Some(engine) = engine() else { return };
    let setting =
        |name: &str| engine.value(&format!("select value from system.server_settings where name = '{name}'")).parse::<u64>().unwrap();
    let memory = setting("max_server_memory_usage");
    assert!((256 << 20..=8 << 30).contains(&memory), "{memory}");
    let caches = ["mark_cache_size", "index_mark_cache_size", "primary_index_cache_size", "uncompressed_cache_size"];
    assert!(caches.iter().map(|name| setting(name)).sum::<u64>() <= memory / 4);
    let cores = std::thread::available_parallelism().unwrap().get() as u64;
    assert!(setting("background_pool_size") <= cores.max(4), "merges leave room for others");
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
    let config = embedded_engine::Config::new(folder.path().into(), folder.path().join("libchdb.so"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = embedded_engine::run(config, listener, std::future::pending()).await.unwrap_err().to_string();
    assert!(error.contains("make engine") || error.contains("platform"), "{error}");
    assert!(error.contains("clickhouse.url"), "{error}");
}
