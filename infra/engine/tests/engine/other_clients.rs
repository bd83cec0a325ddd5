//! What is no Rust: `clickhouse-connect` of Python and `curl`.

use crate::harness::{self, Engine, engine};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Runs a program; `None` where it is not there.
fn run(program: impl AsRef<Path>, arguments: &[&str]) -> Option<Output> {
    Command::new(program.as_ref()).args(arguments).stdin(Stdio::null()).output().ok()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The Python of the clients that `make setup` fetches, if it has `clickhouse-connect`.
fn python() -> Option<PathBuf> {
    let python = harness::cache().join("clients/bin/python");
    let has_it = run(&python, &["-c", "import clickhouse_connect"]).is_some_and(|output| output.status.success());
    if !has_it {
        harness::left_out(&format!("{} has no clickhouse-connect (make setup)", python.display()));
    }
    has_it.then_some(python)
}

#[test]
fn clickhouse_connect_works() {
    let Some(engine) = engine() else { return };
    let Some(python) = python() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/engine/connect.py");
    let (host, port) = engine.address.rsplit_once(':').unwrap();
    let done = run(python, &[&script.display().to_string(), host, port]).unwrap();
    assert!(done.status.success() && text(&done.stdout).ends_with("fine\n"), "{}{}", text(&done.stdout), text(&done.stderr));
}

/// What curl prints for this URL, as the writer.
fn curl(engine: &Engine, target: &str, more: &[&str]) -> Option<String> {
    let url = format!("http://{}/{target}", engine.address);
    let done = run("curl", &[&["-sS", "-u", "writer:secret", &url], more].concat());
    let Some(done) = done else {
        harness::left_out("there is no curl (make setup)");
        return None;
    };
    assert!(done.status.success(), "{}", text(&done.stderr));
    Some(text(&done.stdout))
}

#[test]
fn curl_works() {
    let Some(engine) = engine() else { return };
    let Some(one) = curl(engine, "?query=select+1", &[]) else { return };
    assert_eq!(one, "1\n");
    let ask = |target, more: &[&str]| curl(engine, target, more).unwrap();
    assert_eq!(ask("ping", &[]), "Ok.\n");
    ask("", &["-d", "create database if not exists curled engine = Atomic"]);
    ask("", &["-d", "create or replace table curled.t (n UInt64, s String) engine = MergeTree order by n"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "n,s\n1,闪退\n2,\"a,b\"\n").unwrap();
    let upload = format!("@{}", file.path().display());
    for more in [&[][..], &["-H", "Transfer-Encoding: chunked"]] {
        let insert = "?query=insert+into+curled.t+format+CSVWithNames";
        assert_eq!(ask(insert, &[&["--data-binary", &upload], more].concat()), "");
    }
    assert_eq!(ask("?database=curled", &["-d", "select count(), countIf(s = '闪退') from t"]), "4\t2\n");
    assert_eq!(ask("", &["-F", "query=select {x:String}", "-F", "param_x=it's"]), "it\\'s\n");
    assert_eq!(ask("?enable_http_compression=1", &["--compressed", "-d", "select count() from numbers(1000)"]), "1000\n");
    assert_eq!(ask("", &["-G", "--data-urlencode", "query=select 'a b' format JSONEachRow"]), "{\"'a b'\":\"a b\"}\n");
    assert_eq!(ask("", &["-d", "select nope", "-o", "/dev/null", "-w", "%{http_code}"]), "404");
    let summary = ask("", &["-D", "-", "-o", "/dev/null", "-d", "insert into curled.t select number, '' from numbers(5)"]);
    assert!(summary.to_ascii_lowercase().contains("x-clickhouse-summary: {") && summary.contains("\"written_rows\":\"5\""), "{summary}");
}
