//! Arrays, NDJSON and compression: a bad item costs its neighbours nothing.

use super::{Shape, native_reports, received, records};
use crate::batch::Items;
use crate::dialect::bounds::BATCH;
use crate::rejection::Rejection;
use schemas::record::RawReport;
use std::io::Write;

const LINES: Shape<'_> = Shape { content_type: Some("Application/X-NDJSON"), encoding: None };
const GOOD: &str = r#"{"category":"error","platformId":1,"expName":"好"}"#;

fn parse(body: &[u8], shape: Shape<'_>) -> Result<Items<RawReport>, Rejection> {
    native_reports(body, shape, &received()).map(records)
}

fn passed(items: &Items<RawReport>) -> Vec<bool> {
    items.iter().map(Result::is_ok).collect()
}

/// Bad in every way an item can be bad while the array around it is whole.
const BAD: [&str; 9] = [
    "7",
    "null",
    "[]",
    "\"text\"",
    "{}",
    r#"{"category":"error","platformId":1,"expName":5}"#,
    r#"{"category":"error","platformId":1e999,"expName":"x"}"#,
    r#"{"category":"error","platformId":1,"expName":"x","tags":[{"a":[1,{}]}]}"#,
    r#"{"category":"nonsense","platformId":1,"expName":"\ud800"}"#,
];

#[test]
fn a_bad_item_of_an_array_costs_its_neighbours_nothing() {
    for bad in BAD {
        let items = parse(format!(" [{GOOD},{bad},{GOOD}]").as_bytes(), Shape::default()).unwrap();
        assert_eq!(passed(&items), [true, false, true], "{bad}");
    }
}

#[test]
fn a_bad_line_costs_its_neighbours_nothing() {
    for bad in BAD.into_iter().chain(["{", "}", "not json", "{\"category\":"]) {
        let items = parse(format!("{GOOD}\n{bad}\r\n\n{GOOD}\n").as_bytes(), LINES).unwrap();
        assert_eq!(passed(&items), [true, false, true], "{bad}");
    }
    let items = parse(&[GOOD.as_bytes(), b"\n\xff\xfe\n", GOOD.as_bytes()].concat(), LINES).unwrap();
    assert_eq!(passed(&items), [true, false, true]);
}

#[test]
fn lone_surrogates_cost_a_character_and_no_report() {
    let body = format!(r#"[{GOOD},{{"category":"error","platformId":1,"expMessage":"半\ud83d"}}]"#);
    let items = parse(body.as_bytes(), Shape::default()).unwrap();
    assert_eq!(items[1].as_ref().unwrap().exp_message, "半\u{fffd}");
    assert!(items[0].is_ok());
    let body = r#"{"category":"error","platformId":1,"expName":"x","new":["\ud83d",{"\udc00":1}]}"#;
    let items = parse(body.as_bytes(), Shape::default()).unwrap();
    let extra: serde_json::Value = serde_json::from_str(&items[0].as_ref().unwrap().extra).unwrap();
    assert_eq!(extra, serde_json::json!({"new": ["\u{fffd}", {"\u{fffd}": 1}]}));
}

#[test]
fn null_is_absent_also_inside() {
    let body = r#"{"category":"error","platformId":1,"expName":"x","tags":["a",null],"userKey":{"a":null,"b":"乙"},
        "threads":[null,{"name":null,"stack":"s"}],"attachments":[{"name":"n","data":null}],"model":null,"battery":null}"#;
    let report = parse(body.as_bytes(), Shape::default()).unwrap().remove(0).unwrap();
    assert_eq!(report.tags, ["a"]);
    assert_eq!(report.user_key.into_iter().collect::<Vec<_>>(), [("b".to_owned(), "乙".to_owned())]);
    assert_eq!((report.threads.len(), report.threads[0].stack.as_str()), (1, "s"));
    assert!(report.attachments[0].data.is_empty());
}

#[test]
fn what_is_no_json_has_no_items() {
    for body in ["", "[", "[{}", "[{}] x", "nonsense", "[]", "  "] {
        let parsed = parse(body.as_bytes(), Shape::default());
        let refused = parsed.as_ref().map_or(true, |items| passed(items) == [false]);
        assert!(refused, "{body}: {parsed:?}");
    }
    assert!(parse(b"\n \r\n", LINES).is_err());
}

#[test]
fn a_thousand_items_pass_and_one_more_is_too_many() {
    let array = |count: usize, item: &str| format!("[{}]", vec![item; count].join(","));
    let lines = |count: usize| vec![GOOD; count].join("\n");
    assert_eq!(parse(array(BATCH, GOOD).as_bytes(), Shape::default()).unwrap().len(), BATCH);
    assert_eq!(parse(lines(BATCH).as_bytes(), LINES).unwrap().len(), BATCH);
    for item in [GOOD, "7"] {
        assert!(matches!(parse(array(BATCH + 1, item).as_bytes(), Shape::default()), Err(Rejection::TooLarge(_))), "{item}");
    }
    assert!(matches!(parse(lines(BATCH + 1).as_bytes(), LINES), Err(Rejection::TooLarge(_))));
}

#[test]
fn items_of_one_batch_are_unlike_each_other() {
    let items = parse(format!("[{GOOD},{GOOD}]").as_bytes(), Shape::default()).unwrap();
    let ids: Vec<_> = items.into_iter().map(|item| item.unwrap().report_id).collect();
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn compressed_batches_are_read() {
    let body = vec![GOOD; 100].join("\n");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(body.as_bytes()).unwrap();
    let bodies = [(gzip.finish().unwrap(), "gzip"), (zstd::encode_all(body.as_bytes(), 3).unwrap(), "zstd")];
    for (compressed, encoding) in bodies {
        let items = parse(&compressed, Shape { encoding: Some(encoding), ..LINES }).unwrap();
        assert_eq!(items.iter().filter(|item| item.is_ok()).count(), 100, "{encoding}");
    }
}
