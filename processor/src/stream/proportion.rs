//! A row follows the bytes of its record: whatever stands in a report, its columns together, with what grouping adds to them,
//! have at most four times its bytes and 64 KiB.

use super::{Occurrences, Stream};
use crate::project::Rules;
use schemas::record::{self, Attachment, Category, RawReport, Thread};
use schemas::row::Position;
use serde_json::Value;

const PIECES: [&str; 14] = [
    "a\n",
    "\n",
    "\tat a.b(c)\n",
    "    at f (x:1)\n",
    "#0  f () at x:1\n",
    "0 m 0x1 f + 1\n",
    "  File \"x\", line 1, in f\n",
    "Caused by: a.B: \u{1}\n",
    "崩溃 1\n",
    "\u{1}",
    "\"\\",
    "0",
    "<a,",
    "::",
];
const CATEGORIES: [Category; 3] = [Category::Crash, Category::Anr, Category::Error];

/// Bytes of a row's columns: of a text its own, of everything else eight.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

fn hold(report: RawReport, what: &str) {
    // As it was sent, and as it is in a column of JSON: a control character has six bytes, a quote two.
    let weight = |byte: &u8| match byte {
        1 => 6,
        b'"' | b'\\' | b'\n' | b'\t' => 2,
        _ => 1,
    };
    let sent: usize = record::encode(&report).map_or(0, |bytes| bytes.iter().map(weight).sum());
    let row = Occurrences::row(Position { generation: 1, partition: 0, offset: 1, appended_at: 5 }, report, &Rules::default());
    let row = serde_json::to_value(&row).map_or(usize::MAX, |row| size(&row));
    assert!(row <= 4 * sent + (64 << 10), "{what}: a row of {row} bytes for a record of {sent}");
}

#[test]
fn a_row_is_no_more_than_four_times_its_record() {
    for (piece, category) in PIECES.into_iter().flat_map(|piece| CATEGORIES.map(|category| (piece, category))) {
        for count in [1, 40, 3000, 70_000] {
            let text = piece.repeat(count);
            let base = RawReport::new("a1b2c3d4e5", "native", category, 5);
            let what = format!("{piece:?} {count}");
            hold(RawReport { call_stack: text.clone(), ..base.clone() }, &what);
            hold(RawReport { exp_message: text.clone(), exp_name: text.clone(), ..base.clone() }, &what);
            hold(RawReport { threads: vec![Thread { name: piece.to_owned(), stack: text.clone() }; 8], ..base.clone() }, &what);
            hold(RawReport { fingerprint: vec![piece.to_owned(); count.min(1000)], ..base.clone() }, &what);
            hold(RawReport { fingerprint: vec![text.clone(); 3], tags: vec![text.clone(); 3], ..base.clone() }, &what);
            let files = vec![Attachment { name: piece.to_owned(), data: text.into_bytes() }; 8];
            hold(RawReport { attachments: files, ..base }, &what);
        }
    }
}
