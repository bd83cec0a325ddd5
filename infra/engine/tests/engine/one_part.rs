//! One insert is one part, whatever the network makes of its body, and a token names it.

use crate::harness::{Engine, engine};
use clickhouse::{Client, Row};
use serde::Serialize;
use std::io::Write;
use std::net::Shutdown;

const ROWS: u64 = 10_000;
/// Settings of a slice's insert.
const SETTINGS: &str = "async_insert=0&insert_deduplicate=1&max_insert_threads=1&max_insert_block_size=1000000&min_insert_block_size_rows=1000000&min_insert_block_size_bytes=1000000000";

/// About 2 KB a row, so a slice is 20 MB.
fn text(n: u64) -> String {
    format!("{n} 闪退 {}", "at com.example.Widget.draw(Widget.java:42)\n".repeat(46))
}

/// The slice as RowBinary.
fn rows(from: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for n in from..from + ROWS {
        let text = text(n);
        out.extend_from_slice(&n.to_le_bytes());
        out.extend_from_slice(&[(text.len() & 0x7f) as u8 | 0x80, (text.len() >> 7) as u8]);
        out.extend_from_slice(text.as_bytes());
    }
    out
}

async fn table(engine: &Engine, database: &str, name: &str) -> Client {
    let client = engine.client(database).await;
    let sql = format!(
        "create table {name} (n UInt64, text String, projection counts (select n % 10, count() group by n % 10)) engine = MergeTree order by n settings non_replicated_deduplication_window = 100"
    );
    client.query(&sql).execute().await.unwrap();
    // Merges would hide the parts.
    client.query(&format!("system stop merges {name}")).execute().await.unwrap();
    client
}

fn target(database: &str, name: &str, token: &str) -> String {
    format!("?database={database}&query=insert+into+{name}+format+RowBinary&insert_deduplication_token={token}&{SETTINGS}")
}

/// Parts and rows of a table.
fn parts(engine: &Engine, database: &str, name: &str) -> String {
    engine.value(&format!("select count(), sum(rows) from system.parts where active and database = '{database}' and table = '{name}'"))
}

#[tokio::test]
async fn http_chunks_and_compression_do_not_cut_a_slice() {
    let Some(engine) = engine() else { return };
    table(engine, "slices", "t").await;
    let body = rows(0);
    assert_eq!(engine.post(&target("slices", "t", "whole"), &body).status, 200);
    assert_eq!(parts(engine, "slices", "t"), format!("1\t{ROWS}"));
    let kinds = "select groupUniqArray(toString(part_type)) from system.parts where active and database = 'slices'";
    assert_eq!(engine.value(kinds), "['Compact']", "a slice of 20 MB is one file of data");
    for (inserts, size) in [(2_u64, 977_usize), (3, 65_536), (4, 1 << 20), (5, 7_000_000)] {
        let answer = engine.post_chunked(&target("slices", "t", &format!("chunks{size}")), body.chunks(size));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(parts(engine, "slices", "t"), format!("{inserts}\t{}", inserts * ROWS), "in chunks of {size}");
        let again = engine.post_chunked(&target("slices", "t", &format!("chunks{size}")), body.chunks(size / 2 + 1));
        assert_eq!(again.status, 200);
        assert_eq!(parts(engine, "slices", "t"), format!("{inserts}\t{}", inserts * ROWS), "the same token again, other chunks");
    }
}

#[derive(Row, Serialize)]
struct Line {
    n: u64,
    text: String,
}

#[tokio::test]
async fn the_crates_insert_with_lz4_is_one_part_and_its_token_holds() {
    let Some(engine) = engine() else { return };
    let plain = table(engine, "crate_slices", "t").await.with_compression(clickhouse::Compression::None);
    let packed = plain.clone().with_compression(clickhouse::Compression::Lz4);
    let mut wanted = 0;
    for (client, token, new) in [(&packed, "a:0-9999", 1), (&plain, "a:0-9999", 0), (&plain, "a:0-9999:2", 1), (&packed, "a:0-9999:2", 0)] {
        let mut insert =
            client.insert::<Line>("t").await.unwrap().with_setting("insert_deduplication_token", token).with_setting("async_insert", "0");
        for n in 0..ROWS {
            insert.write(&Line { n, text: text(n) }).await.unwrap();
        }
        insert.end().await.unwrap();
        wanted += new;
        assert_eq!(parts(engine, "crate_slices", "t"), format!("{wanted}\t{}", wanted * ROWS), "{token}");
    }
    let rolled = engine
        .value("select n % 10 as k, count() as c from crate_slices.t group by k order by k limit 1 settings force_optimize_projection = 1");
    assert_eq!(rolled, format!("0\t{}", wanted * ROWS / 10));
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_no_rows() {
    let Some(engine) = engine() else { return };
    table(engine, "broken_off", "t").await;
    let body = rows(0);
    for cut in [1000, 3_000_000, body.len()] {
        let mut stream = engine.begin_chunked(&target("broken_off", "t", "cut"));
        write!(stream, "{:x}\r\n", body.len()).unwrap();
        stream.write_all(&body[..cut]).unwrap();
        if cut == body.len() {
            // All the rows, but not the end of the body.
            stream.write_all(b"\r\n").unwrap();
        }
        stream.shutdown(Shutdown::Both).unwrap();
    }
    engine.wait_for(
        "select count() from system.processes where query ilike 'insert into t format%' and current_database = 'broken_off'",
        "0",
    );
    assert_eq!(parts(engine, "broken_off", "t"), "0\t0");
    // And the token was not used up.
    assert_eq!(engine.post(&target("broken_off", "t", "cut"), &body).status, 200);
    assert_eq!(parts(engine, "broken_off", "t"), format!("1\t{ROWS}"));
}

#[tokio::test]
async fn a_row_cut_short_fails_the_insert() {
    let Some(engine) = engine() else { return };
    table(engine, "cut_row", "t").await;
    let body = rows(0);
    let answer = engine.post(&target("cut_row", "t", "cut"), &body[..body.len() - 1]);
    assert!(answer.status >= 400, "{}", answer.text());
    assert!(answer.text().starts_with("Code: ") && answer.header("x-clickhouse-exception-code").is_some(), "{}", answer.text());
    assert_eq!(parts(engine, "cut_row", "t"), "0\t0");
}

#[tokio::test]
async fn parts_are_synced() {
    let Some(engine) = engine() else { return };
    let sql = "select sum(toUInt64(value)) from system.merge_tree_settings where name in ('fsync_after_insert', 'fsync_part_directory')";
    assert_eq!(engine.value(sql), "2");
}
