//! States that only a crash at the worst moment leaves behind, forged one by one in the tables of a second fold.

use crate::harness::{KEY, Options, Pipeline, Replica};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

const TOPIC: &str = "raw-reports";
const REPORTS: i64 = 40;

/// One partition with forty reports, folded once by the standalone: what every other fold must come to.
fn pipeline() -> Pipeline {
    let pipeline = Pipeline::start_with(&Options { partitions: 1, ..Options::default() });
    let line = |n: i64| {
        json!({"category": "crash", "platformId": 1, "eventId": format!("e{n}"), "deviceId": format!("d{n}"), "expMessage": format!("崩溃 {n}")}).to_string()
    };
    let lines: Vec<String> = (0..REPORTS).map(line).collect();
    pipeline.deliver("/v1/reports", &[("x-app-key", KEY), ("content-type", "application/x-ndjson")], lines.join("\n").as_bytes());
    pipeline.operator().drained();
    pipeline
}

/// A fold whose group has a slice open: the first thirty offsets.
fn interrupted<'a>(pipeline: &'a Pipeline, name: &'static str) -> Replica<'a> {
    let replica = Replica::new(pipeline, name, 1, "linger = \"50ms\"");
    replica.broker().commit(name, TOPIC, 0, 0, "aftershock/1 end=29").unwrap();
    replica
}

/// The token of the open slice, as the processor writes it.
const TOKEN: &str = "raw-reports:0:0-29@0";

fn run(replica: &Replica<'_>, statement: &str) {
    let reply = replica.engine().run(statement).unwrap();
    assert_eq!(reply.status, 200, "{statement}: {}", reply.text);
}

fn copy(replica: &Replica<'_>, filter: &str, token: &str) {
    run(
        replica,
        &format!(
            "insert into {}.occurrences select * from aftershock.occurrences where {filter} \
             settings async_insert = 0, insert_deduplicate = 1, max_insert_threads = 1, insert_deduplication_token = '{token}'",
            replica.name
        ),
    );
}

fn assert_exact(replica: &Replica<'_>) {
    assert_eq!(replica.engine().number(&format!("select count() from {}.occurrences", replica.name)), REPORTS);
    assert_eq!(replica.differences("occurrences"), 0);
    let rollup = format!(
        "select sum(n) from (select hour, count() as n from {}.occurrences group by hour settings force_optimize_projection = 1)",
        replica.name
    );
    assert_eq!(replica.engine().number(&rollup), REPORTS);
}

#[test]
fn an_open_slice_without_anything_is_done() {
    let pipeline = pipeline();
    let replica = interrupted(&pipeline, "open");
    replica.fold(&[TOPIC], 1);
    assert_exact(&replica);
}

#[test]
fn a_part_without_its_token_is_not_inserted_again() {
    let pipeline = pipeline();
    let replica = interrupted(&pipeline, "tokenless");
    copy(&replica, "log_offset <= 29", "another-token");
    replica.fold(&[TOPIC], 1);
    assert_exact(&replica);
}

#[test]
fn a_token_without_its_part_loses_nothing() {
    let pipeline = pipeline();
    let replica = interrupted(&pipeline, "partless");
    // The token is known, by a part that is of another generation and goes again.
    run(&replica, &format!("create table {0}.forged as {0}.occurrences", replica.name));
    run(&replica, &format!("insert into {}.forged select * from aftershock.occurrences where log_offset <= 29", replica.name));
    run(&replica, &format!("alter table {}.forged update log_generation = 7 where 1 settings mutations_sync = 2", replica.name));
    run(
        &replica,
        &format!(
            "insert into {0}.occurrences select * from {0}.forged settings async_insert = 0, insert_deduplicate = 1, max_insert_threads = 1, insert_deduplication_token = '{TOKEN}'",
            replica.name
        ),
    );
    // The forged rows are a different past: another generation, other reports.
    run(
        &replica,
        &format!(
            "alter table {}.occurrences update report_id = unhex(hex(MD5(report_id))) where log_generation = 7 settings mutations_sync = 2",
            replica.name
        ),
    );
    replica.fold(&[TOPIC], 1);
    run(&replica, &format!("alter table {}.occurrences delete where log_generation = 7 settings mutations_sync = 2", replica.name));
    assert_exact(&replica);
}

#[test]
fn the_late_insert_of_a_zombie_changes_nothing() {
    let pipeline = pipeline();
    let replica = interrupted(&pipeline, "zombie");
    replica.fold(&[TOPIC], 1);
    copy(&replica, "log_offset <= 29", TOKEN);
    assert_exact(&replica);
}

#[test]
fn a_commit_lost_after_the_insert_does_not_count_twice() {
    let pipeline = pipeline();
    let replica = Replica::new(&pipeline, "ahead", 1, "linger = \"50ms\"");
    // The table is ahead of the group, which knows of no slice at all.
    copy(&replica, "log_offset <= 29", "raw-reports:0:0-29@0");
    replica.fold(&[TOPIC], 1);
    assert_exact(&replica);
}

#[test]
fn a_stranger_cannot_commit_for_a_group_at_work() {
    let pipeline = pipeline();
    let refused = pipeline.broker().commit("aftershock-processor", TOPIC, 0, 0, "");
    assert!(refused.is_err(), "a commit outside the group's generation was taken");
    assert_eq!(pipeline.broker().committed("aftershock-processor", TOPIC, 0), Some((REPORTS, String::new())));
}

/// A slice again over HTTP, in pieces of this many bytes, with other block sizes: one part each time a token is new, none where it is not.
#[test]
fn a_slice_sent_again_in_other_chunks_is_the_same_slice() {
    let pipeline = pipeline();
    let replica = Replica::new(&pipeline, "chunked", 1, "linger = \"50ms\"");
    let engine = replica.engine();
    let rows = engine.run("select * from aftershock.occurrences order by log_offset format RowBinary").unwrap().bytes;
    let parts = || engine.number("select count() from system.parts where database = 'chunked' and table = 'occurrences' and active");
    for (piece, more) in [
        (rows.len(), ""),
        (100, ""),
        (7_000, "&min_insert_block_size_rows=10&input_format_parallel_parsing=1"),
        (1 << 16, "&max_insert_block_size=1048576"),
    ] {
        let settings = format!(
            "?query=insert%20into%20chunked.occurrences%20format%20RowBinary&async_insert=0&insert_deduplicate=1&max_insert_threads=1&insert_deduplication_token=same{more}"
        );
        let status = send_in_pieces(&engine.url, &settings, (&engine.user, &engine.password), &rows, piece);
        assert_eq!(status, 200, "pieces of {piece} bytes");
        assert_eq!((parts(), engine.number("select count() from chunked.occurrences")), (1, REPORTS), "pieces of {piece} bytes");
    }
    assert_exact(&replica);
}

/// A chunked request, written piece by piece; its status.
fn send_in_pieces(url: &str, query: &str, user: (&str, &str), body: &[u8], piece: usize) -> u16 {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /{query} HTTP/1.1\r\nhost: {address}\r\nx-clickhouse-user: {}\r\nx-clickhouse-key: {}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        user.0, user.1
    );
    stream.write_all(head.as_bytes()).unwrap();
    for part in body.chunks(piece) {
        stream.write_all(format!("{:x}\r\n", part.len()).as_bytes()).unwrap();
        stream.write_all(part).unwrap();
        stream.write_all(b"\r\n").unwrap();
        stream.flush().unwrap();
    }
    stream.write_all(b"0\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{reply}"))
}
