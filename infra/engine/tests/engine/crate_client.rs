//! What the services do, through the crate that they use.

use crate::harness::engine;
use clickhouse::Row;
use serde::{Deserialize, Serialize};

#[derive(Row, Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Everything {
    id: [u8; 16],
    device: Option<u64>,
    country: String,
    kind: i8,
    at: i64,
    tags: Vec<(String, String)>,
    frames: Vec<String>,
    emulator: bool,
}

const TABLE: &str = "create table everything (id FixedString(16), device Nullable(UInt64), country LowCardinality(String), \
    kind Enum8('crash' = 1, 'anr' = 2), at DateTime64(3), tags Map(String, String), frames Array(String), emulator Bool) \
    engine = MergeTree order by id";

fn row(n: u8) -> Everything {
    Everything {
        id: [n; 16],
        device: (!n.is_multiple_of(2)).then_some(u64::from(n)),
        country: "中国".into(),
        kind: 1 + i8::from(n > 100),
        at: 1_700_000_000_123 + i64::from(n),
        tags: vec![("渠道".into(), format!("{n}"))],
        frames: vec!["a".into(), "闪退'\\\t".into()],
        emulator: n > 7,
    }
}

#[tokio::test]
async fn rows_of_every_type_go_in_and_come_back() {
    let Some(engine) = engine() else { return };
    let client = engine.client("every_type").await;
    client.query(TABLE).execute().await.unwrap();
    let rows: Vec<_> = (0..200).map(row).collect();
    let mut insert = client.insert::<Everything>("everything").await.unwrap();
    for row in &rows {
        insert.write(row).await.unwrap();
    }
    insert.end().await.unwrap();
    let back = client.query("select ?fields from everything order by id").fetch_all::<Everything>().await.unwrap();
    assert_eq!(back, rows);
    let one =
        client.query("select ?fields from everything where country = ? and device = {device:UInt64}").bind("中国").param("device", 101);
    assert_eq!(one.fetch_one::<Everything>().await.unwrap(), row(101));
    assert_eq!(
        client.query("select count() from everything where has(frames, ?)").bind("闪退'\\\t").fetch_one::<u64>().await.unwrap(),
        200
    );
    assert_eq!(
        client.query("select device from everything where id = unhex(?)").bind("00".repeat(16)).fetch_one::<Option<u64>>().await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_large_result_is_streamed_whole() {
    let Some(engine) = engine() else { return };
    let client = engine.client("large").await;
    let mut cursor = client.query("select number, toString(number) from numbers(500000)").fetch::<(u64, String)>().unwrap();
    let mut next = 0;
    while let Some((number, text)) = cursor.next().await.unwrap() {
        assert_eq!((number, text), (next, next.to_string()));
        next += 1;
    }
    assert_eq!(next, 500_000);
    let none = client.query("select number from numbers(0)").fetch_all::<u64>().await.unwrap();
    assert!(none.is_empty());
    assert!(client.query("select number from numbers(10) where 0").fetch_optional::<u64>().await.unwrap().is_none());
}

#[tokio::test]
async fn errors_carry_the_servers_text() {
    let Some(engine) = engine() else { return };
    let client = engine.client("errors").await;
    let text = client.query("select * from nowhere").execute().await.unwrap_err().to_string();
    assert!(text.contains("Code: 60. DB::Exception: ") && text.contains("(UNKNOWN_TABLE)"), "{text}");
    let text = client.query("select nope").fetch_one::<u64>().await.unwrap_err().to_string();
    assert!(text.contains("(UNKNOWN_IDENTIFIER)"), "{text}");
    let text = client.query("create table x (").execute().await.unwrap_err().to_string();
    assert!(text.contains("(SYNTAX_ERROR)"), "{text}");
}

#[tokio::test]
async fn a_failure_in_the_middle_of_a_result_is_an_error() {
    let Some(engine) = engine() else { return };
    let client = engine.client("middle").await;
    let sql = "select number, throwIf(number = 300000, '中途') from numbers(400000) settings max_block_size = 10000, max_threads = 1";
    let mut cursor = client.query(sql).fetch::<(u64, u8)>().unwrap();
    let mut read = 0;
    let error = loop {
        match cursor.next().await {
            Ok(Some(_)) => read += 1,
            Ok(None) => panic!("the result ended after {read} rows as if it were whole"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("Code: 395") && error.contains("中途"), "{error}");
    assert!(read > 0);
}

#[tokio::test]
async fn settings_do_not_leak_from_one_statement_into_another() {
    let Some(engine) = engine() else { return };
    let client = engine.client("leak").await;
    let limited = client.clone().with_setting("max_result_rows", "1");
    assert!(limited.query("select number from numbers(5)").fetch_all::<u64>().await.is_err());
    assert_eq!(client.query("select number from numbers(5)").fetch_all::<u64>().await.unwrap().len(), 5);
    client.query("set max_result_rows = 1").execute().await.unwrap();
    assert_eq!(client.query("select number from numbers(5)").fetch_all::<u64>().await.unwrap().len(), 5);
}
