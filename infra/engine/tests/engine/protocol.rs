//! ClickHouse's HTTP interface, request by request.

use crate::harness::engine;
use std::io::{Read, Write};

#[test]
fn ping_and_unknown_paths() {
    let Some(engine) = engine() else { return };
    let ping = engine.send("GET", "ping", &[], b"");
    assert_eq!((ping.status, ping.text().as_str()), (200, "Ok.\n"));
    assert_eq!(engine.send("GET", "", &[], b"").text(), "Ok.\n");
    assert_eq!(engine.send("GET", "nothing", &[], b"").status, 404);
    assert_eq!(engine.send("PUT", "", &[], b"").status, 405);
}

#[test]
fn statements_come_in_the_url_in_the_body_or_in_both() {
    let Some(engine) = engine() else { return };
    assert_eq!(engine.post("", b"select 1").text(), "1\n");
    assert_eq!(engine.post("?query=select+2", b"").text(), "2\n");
    assert_eq!(engine.post("?query=select", b" 3").text(), "3\n");
    assert_eq!(engine.post("", b"select 4 -- \xe9\x97\xaa;\n;").text(), "4\n");
    assert_eq!(engine.post_chunked("", [&b"sel"[..], b"ect 5"].into_iter()).text(), "5\n");
    let long = format!("select length('{}')", "x".repeat(200_000));
    assert_eq!(engine.post("", long.as_bytes()).text(), "200000\n");
    let get = [("authorization", "Basic d3JpdGVyOnNlY3JldA==")];
    assert_eq!(engine.send("GET", "?query=select+6", &get, b"").text(), "6\n");
    assert_eq!(engine.send("GET", "?query=select+7&user=writer&password=secret", &[], b"").text(), "7\n");
}

#[test]
fn a_get_changes_nothing() {
    let Some(engine) = engine() else { return };
    for statement in ["create+database+gotten", "insert+into+x+values+(1)", "kill+query+where+1", "set+a=1"] {
        let answer = engine.send("GET", &format!("?user=writer&password=secret&query={statement}"), &[], b"");
        assert_eq!((answer.header("x-clickhouse-exception-code"), answer.status), (Some("164"), 500), "{statement}");
    }
}

#[test]
fn formats_and_parameters() {
    let Some(engine) = engine() else { return };
    let json = engine.post("?default_format=JSONEachRow", "select '闪退' as s, 1 as n".as_bytes());
    assert_eq!(json.text(), "{\"s\":\"闪退\",\"n\":1}\n");
    assert_eq!(json.header("content-type"), Some("application/x-ndjson; charset=UTF-8"));
    assert_eq!(json.header("x-clickhouse-format"), Some("JSONEachRow"));
    let whole = engine.post("", b"select number from numbers(200000) format JSON");
    assert!(whole.text().contains("\"rows\": 200000") && whole.complete);
    let names = engine.post("", b"select number as n from numbers(200000) format TSVWithNames").text();
    assert_eq!((names.lines().count(), names.matches('n').count()), (200_001, 1));
    assert_eq!(engine.post("?param_a=%E9%97%AA&param_n=7", b"select {a:String}, {n:UInt8}").text(), "闪\t7\n");
    let form = "--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nselect {p:Array(String)}\r\n--b\r\nContent-Disposition: form-data; name=\"param_p\"\r\n\r\n['a','闪']\r\n--b--\r\n";
    let headers = [("content-type", "multipart/form-data; boundary=b"), ("x-clickhouse-user", "writer"), ("x-clickhouse-key", "secret")];
    assert_eq!(engine.send("POST", "", &headers, form.as_bytes()).text(), "['a','闪']\n");
    for format in
        ["Pretty", "CSVWithNames", "Vertical", "Parquet", "ArrowStream", "XML", "JSONCompact", "Markdown", "Null", "Native", "Values"]
    {
        assert_eq!(engine.post(&format!("?default_format={format}"), b"select 1 as a").status, 200, "{format}");
    }
}

#[test]
fn every_output_format_is_the_same_in_pieces_and_as_a_whole() {
    let Some(engine) = engine() else { return };
    // These need a description of their own that a client gives as a file.
    let described = ["Protobuf", "ProtobufList", "ProtobufSingle", "CapnProto", "Template"];
    let names = engine.value("select name from system.formats where is_output order by name format TSVRaw");
    let sql = b"select number as n, toString(number) as s from numbers(70000)";
    let mut same = 0;
    for name in names.lines().filter(|name| !described.contains(name)) {
        let pieces = engine.post(&format!("?default_format={name}"), sql);
        let whole = engine.post(&format!("?default_format={name}&wait_end_of_query=1"), sql);
        assert_eq!(pieces.status, whole.status, "{name}: {}", pieces.text().lines().next().unwrap_or_default());
        assert!(pieces.complete && whole.complete, "{name}");
        // Avro marks its blocks by chance, and some formats tell how long it took.
        assert!(pieces.body == whole.body || name == "Avro" || name.starts_with("JSON") || name == "XML", "{name}");
        same += u32::from(pieces.status == 200 && pieces.body == whole.body);
    }
    assert!(same > 40, "{same} of {}", names.lines().count());
}

#[test]
fn settings_are_taken_and_unknown_ones_refused() {
    let Some(engine) = engine() else { return };
    assert_eq!(engine.post("?max_threads=1", b"select getSetting('max_threads')").text(), "1\n");
    assert_eq!(
        engine.post("?session_id=a&session_timeout=60&send_progress_in_http_headers=1&wait_end_of_query=1", b"select 1").text(),
        "1\n"
    );
    let answer = engine.post("?no_such_setting=1", b"select 1");
    assert_eq!((answer.status, answer.header("x-clickhouse-exception-code")), (404, Some("115")));
    assert_eq!(engine.post("?database=no_such_database", b"select 1").header("x-clickhouse-exception-code"), Some("81"));
    assert_eq!(engine.post("?query_id=mine", b"select 1").header("x-clickhouse-query-id"), Some("mine"));
}

/// A number of the JSON that a progress or summary header holds.
fn number(header: &str, name: &str) -> u64 {
    let json: serde_json::Value = serde_json::from_str(header).unwrap();
    json[name].as_str().unwrap_or_else(|| panic!("{name} in {header}")).parse().unwrap()
}

#[test]
fn the_summary_tells_what_was_read_and_written() {
    let Some(engine) = engine() else { return };
    engine.value("create database if not exists counted engine = Atomic");
    engine.value("create table counted.t (n UInt64) engine = MergeTree order by n");
    let summary = |answer: &crate::harness::Answer, name: &str| number(answer.header("x-clickhouse-summary").unwrap(), name);
    let written = engine.post("?query=insert+into+counted.t+format+TSV", "7\n".repeat(5000).as_bytes());
    assert_eq!((summary(&written, "written_rows"), summary(&written, "written_bytes")), (5000, 40_000), "{}", written.head);
    for target in ["", "?wait_end_of_query=1"] {
        let read = engine.post(target, b"select n from counted.t limit 100000");
        let seen = ["read_rows", "read_bytes", "total_rows_to_read", "written_rows"].map(|name| summary(&read, name));
        assert_eq!(seen, [5000, 40_000, 5000, 0], "{}", read.head);
        assert!(summary(&read, "elapsed_ns") > 0 && summary(&read, "result_rows") == 5000 && summary(&read, "result_bytes") > 0);
        assert!(read.header("x-clickhouse-progress").is_none(), "nobody asked for it");
    }
}

#[test]
fn progress_is_told_to_who_asks() {
    let Some(engine) = engine() else { return };
    const ROWS: u64 = 400_000_000;
    let sql = format!("select count() from numbers({ROWS}) where cityHash64(number) % 3 = 1");
    let asked = "send_progress_in_http_headers=1&http_headers_progress_interval_ms=20";
    for (target, headers) in [
        (format!("?{asked}&wait_end_of_query=1"), [("x-clickhouse-user", "writer"), ("x-clickhouse-key", "secret")]),
        (format!("?{asked}"), [("x-clickhouse-user", "reader"), ("x-clickhouse-key", "looks")]),
    ] {
        let answer = engine.send("POST", &target, &headers, sql.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told: Vec<&str> = answer.head.lines().filter_map(|line| line.strip_prefix("x-clickhouse-progress: ")).collect();
        assert!((2..=40).contains(&told.len()), "{}", answer.head);
        let read: Vec<u64> = told.iter().map(|one| number(one, "read_rows")).collect();
        assert!(read.is_sorted() && read[read.len() - 1] > 0 && read.iter().all(|rows| *rows <= ROWS), "{read:?}");
        let last = told[told.len() - 1];
        assert!(number(last, "total_rows_to_read") == ROWS && number(last, "elapsed_ns") > 0, "{last}");
        let summary = answer.header("x-clickhouse-summary").unwrap();
        assert_eq!((number(summary, "read_rows"), number(summary, "total_rows_to_read")), (ROWS, ROWS), "{summary}");
        assert!(number(summary, "elapsed_ns") > number(last, "elapsed_ns"), "{summary} after {last}");
    }
}

#[test]
fn one_statement_at_a_time_and_no_files() {
    let Some(engine) = engine() else { return };
    let several = engine.post("", b"select 1; select 2");
    assert!(several.text().contains("Multi-statements are not allowed"), "{}", several.text());
    assert_eq!(several.status, 400);
    for statement in ["exit", "", ";", "selct 1", "\\q"] {
        assert_eq!(engine.post("", statement.as_bytes()).header("x-clickhouse-exception-code"), Some("62"), "{statement}");
    }
    let file = std::env::temp_dir().join(format!("aftershock-outfile-{}", engine.pid()));
    let answer = engine.post("", format!("select 1 into outfile '{}'", file.display()).as_bytes());
    assert_eq!(answer.status, 501);
    assert!(!file.exists());
}

#[test]
fn inserts_in_every_way() {
    let Some(engine) = engine() else { return };
    engine.value("create database if not exists ways engine = Atomic");
    engine.value("create table ways.t (n UInt64, s String default 'd') engine = MergeTree order by n");
    engine.value("insert into ways.t values (1, 'a'), (2, concat('b', '闪'))");
    assert_eq!(engine.post("", b"insert into ways.t format CSV\n3,c\n4,d\n").status, 200);
    assert_eq!(engine.post("?query=insert+into+ways.t(n)+format+TSV", b"5\n").status, 200);
    assert_eq!(engine.post("?query=insert+into+ways.t+format+CSV%0A6,x", b"\n7,y\n").status, 200);
    assert_eq!(engine.post("?query=insert+into+ways.t+values", b"(8, 'h')").status, 200);
    assert_eq!(engine.post("?database=ways&query=insert+into+t", b"(9, 'i')").status, 200);
    engine.value("insert into ways.t select 10, 'j'");
    let done = engine.post("?query=insert+into+ways.t(n)+format+JSONEachRow", "{\"n\":11}\n".repeat(3).as_bytes());
    assert!(done.header("x-clickhouse-summary").unwrap().contains("\"written_rows\":\"3\""), "{}", done.head);
    assert_eq!(engine.value("select count(), sum(n), countIf(s = 'd') from ways.t"), "13\t88\t5");
    let wrong = engine.post("?query=insert+into+ways.t+format+CSV", b"x,y\n");
    assert!(wrong.status == 400 && wrong.text().contains("DB::Exception"), "{}", wrong.text());
    assert_eq!(
        engine.post("?query=insert+into+ways.nothing+format+CSV", &vec![b'x'; 3 << 20]).header("x-clickhouse-exception-code"),
        Some("60")
    );
}

#[test]
fn replies_are_packed_as_asked() {
    let Some(engine) = engine() else { return };
    let auth = [("x-clickhouse-user", "writer"), ("x-clickhouse-key", "secret")];
    let with = |target: &str, coding: &str| {
        engine.send("POST", target, &[auth[0], auth[1], ("accept-encoding", coding)], b"select number from numbers(100000)")
    };
    let plain = engine.post("", b"select number from numbers(100000)").body;
    let gzip = with("", "gzip, br");
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(&gzip.body[..]).read_to_end(&mut out).unwrap();
    assert!(out == plain && gzip.header("content-encoding") == Some("gzip"));
    let packed = with("", "zstd");
    assert!(zstd::decode_all(&packed.body[..]).unwrap() == plain && packed.header("content-encoding") == Some("zstd"));
    assert!(with("", "lz4").body == plain);
    let lz4 = with("?enable_http_compression=1", "lz4");
    out.clear();
    lz4_flex::frame::FrameDecoder::new(&lz4.body[..]).read_to_end(&mut out).unwrap();
    assert!(out == plain && lz4.header("content-encoding") == Some("lz4"));
    // ClickHouse's own blocks, and back in again.
    let blocks = engine.post("?compress=1&default_format=RowBinary", b"select number from numbers(100000)").body;
    engine.value("create database if not exists packed engine = Atomic");
    engine.value("create table packed.t (n UInt64) engine = MergeTree order by n");
    let answer = engine.post("?decompress=1&query=insert+into+packed.t+format+RowBinary", &blocks);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut damaged = blocks;
    damaged[40] ^= 1;
    assert_eq!(
        engine.post("?decompress=1&query=insert+into+packed.t+format+RowBinary", &damaged).header("x-clickhouse-exception-code"),
        Some("40")
    );
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&7_u64.to_le_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    let headers = [auth[0], auth[1], ("content-encoding", "gzip")];
    assert_eq!(engine.send("POST", "?query=insert+into+packed.t+format+RowBinary", &headers, &body).status, 200);
    assert_eq!(engine.value("select count(), sum(n) from packed.t"), format!("100001\t{}", 99_999_u64 * 50_000 + 7));
}

#[test]
fn a_failure_in_the_middle_breaks_the_body_off() {
    let Some(engine) = engine() else { return };
    let sql = b"select number, throwIf(number = 300000) from numbers(400000) settings max_block_size = 10000, max_threads = 1";
    let answer = engine.post("", sql);
    let tag = answer.header("x-clickhouse-exception-tag").unwrap();
    assert_eq!(answer.status, 200);
    assert!(
        answer.text().ends_with(&format!(" {tag}\r\n__exception__\r\n")) && answer.text().contains("Code: 395."),
        "{}",
        &answer.text()[answer.body.len() - 300..]
    );
    assert!(!answer.complete);
    let whole = engine.post("?wait_end_of_query=1", sql);
    assert_eq!((whole.status, whole.header("x-clickhouse-exception-code")), (500, Some("395")));
    // So few bytes before the failure that none of them has left.
    let few = engine.post("", b"select number, throwIf(number = 300) from numbers(400) settings max_block_size = 10, max_threads = 1");
    assert_eq!((few.status, few.header("x-clickhouse-exception-code"), few.complete), (500, Some("395"), true));
}

#[test]
fn a_small_result_has_a_length_and_a_large_one_comes_while_it_is_made() {
    let Some(engine) = engine() else { return };
    let small = engine.post("", "select number, '闪退' from numbers(300) settings max_block_size = 10".as_bytes());
    assert_eq!(small.header("content-length"), Some(small.body.len().to_string().as_str()));
    assert_eq!(small.text().lines().count(), 300);
    let large = engine.post("", b"select number, repeat('x', 1000) from numbers(300) settings max_block_size = 10");
    assert_eq!((large.header("content-length"), large.header("transfer-encoding")), (None, Some("chunked")));
    assert!(large.complete && large.text().lines().enumerate().all(|(row, line)| line.starts_with(&format!("{row}\t"))));
}

#[test]
fn the_statement_of_a_client_that_left_is_stopped() {
    let Some(engine) = engine() else { return };
    let running = "select count() from system.processes where query like '%left_behind%' and query not like '%processes%'";
    for sql in [
        "select count() from numbers(1000000000000) where number % 3 = 1 format JSON -- left_behind",
        "select sum(cityHash64(number)) as left_behind from numbers(1000000000000)",
        "select number as left_behind from system.numbers",
    ] {
        let mut stream = engine.connect();
        write!(
            stream,
            "POST / HTTP/1.1\r\nhost: localhost\r\nx-clickhouse-user: writer\r\nx-clickhouse-key: secret\r\ncontent-length: {}\r\n\r\n{sql}",
            sql.len()
        )
        .unwrap();
        engine.wait_for(running, "1");
        drop(stream);
        engine.wait_for(running, "0");
    }
}

#[test]
fn a_statement_is_killed_by_the_id_its_client_gave() {
    let Some(engine) = engine() else { return };
    let sql = "select count() from numbers(1000000000000) where number % 3 = 7 -- to_be_killed";
    let running = std::thread::spawn(move || engine.post("?query_id=%E9%97%AA%27s", sql.as_bytes()));
    engine.wait_for("select count() from system.processes where query like '%to_be_killed' and query not like '%processes%'", "1");
    let twice = engine.post("?query_id=%E9%97%AA%27s", b"select 1");
    assert_eq!(twice.header("x-clickhouse-exception-code"), Some("216"), "{}", twice.text());
    assert_eq!(engine.post("", b"kill query where query_id = 'other' sync").text(), "");
    let killed = engine.post("", "kill query where query_id in ('other', '闪\\'s') sync".as_bytes());
    assert_eq!(killed.status, 200, "{}", killed.text());
    assert!(killed.text().contains("to_be_killed"), "{}", killed.text());
    let answer = running.join().unwrap();
    assert_eq!(answer.header("x-clickhouse-exception-code"), Some("394"), "{}", answer.text());
    assert_eq!(engine.post("?query_id=%E9%97%AA%27s", b"select 1").text(), "1\n", "the id is free again");
}

#[test]
fn nonsense_on_the_wire_is_survived() {
    let Some(engine) = engine() else { return };
    for bytes in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        &[0; 4096],
        b"POST /?query=%ff HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n",
    ] {
        let mut stream = engine.connect();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
    let header = "x".repeat(2 << 20);
    let mut stream = engine.connect();
    let _ = write!(stream, "GET / HTTP/1.1\r\nx-long: {header}\r\n\r\n");
    let _ = stream.read_to_end(&mut Vec::new());
    assert_eq!(engine.value("select 1"), "1");
}
