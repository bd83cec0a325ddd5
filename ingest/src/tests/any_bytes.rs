//! Whatever bytes come, a dialect answers: a record that keeps its promises, or a refusal.

use super::{Shape, key_in, native_connections, native_reports, parse_error, parse_heartbeat, received, records};
use crate::dialect::log_message;
use proptest::prelude::*;
use schemas::record::{self, RawReport, Record};

/// JSON built of the pieces that matter to the dialects, mostly well formed.
fn json() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "platform",
            "message",
            "stack",
            "level",
            "context",
            "occurredAt",
            "deviceId",
            "app_key",
            "machine_id",
            "version",
            "software_version",
            "error_type",
            "error_message",
            "category",
            "platformId",
            "expName",
            "exceptionType",
            "threads",
            "attachments",
            "userKey",
            "tags",
            "eventId",
            "kind",
            "isRooted",
            "memSize",
            "新",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}".prop_map(|name: String| name.replace(['"', '\\'], "")),
    ];
    let leaf = prop_oneof![
        prop::sample::select(vec![
            "null",
            "true",
            "1",
            "10",
            "-1",
            "2.0",
            "1e400",
            "\"crash\"",
            "\"error\"",
            "\"android\"",
            "\"\\ud800\"",
            "\"\\u0000\"",
            "\"崩溃\"",
            "",
            "{"
        ])
        .prop_map(str::to_owned),
        "[0-9a-z中]{0,12}".prop_map(|text: String| format!("\"{text}\"")),
    ];
    let value = leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(("[a-z]{1,5}", inner), 0..4).prop_map(|pairs| format!(
                "{{{}}}",
                pairs.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect::<Vec<_>>().join(",")
            )),
        ]
    });
    prop::collection::vec((name, value), 0..8)
        .prop_map(|pairs| format!("{{{}}}", pairs.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect::<Vec<_>>().join(",")))
}

pub(super) fn kept<R: Record + PartialEq + std::fmt::Debug>(record: &R) {
    let bytes = record::encode(record).expect("every record that was read can be written");
    assert_eq!(record::decode::<R>(&bytes).as_ref().ok(), Some(record));
}

pub(super) fn promises(report: &RawReport) {
    assert!(report.exp_message.len() <= 64 << 10 && report.call_stack.len() <= 1 << 20);
    for json in [&report.extra, &report.context] {
        assert!(json.is_empty() || serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok(), "{json}");
    }
    kept(report);
}

fn every_dialect(body: &[u8]) {
    log_message::parse(body, &received()).iter().for_each(promises);
    let _ = key_in(body);
    parse_error(body, &received()).iter().for_each(promises);
    parse_heartbeat(body, &received()).iter().for_each(kept);
    for content_type in [None, Some("application/x-ndjson")] {
        for encoding in [None, Some("gzip"), Some("zstd")] {
            let shape = Shape { content_type, encoding };
            native_reports(body, shape, &received()).map(records).iter().flatten().flatten().for_each(promises);
            native_connections(body, shape, &received()).map(super::connections).iter().flatten().flatten().for_each(kept);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        every_dialect(&body);
    }

    #[test]
    fn texts_never_panic(body in "[\\[\\]{}\":,\\\\ua-f0-9中 \n]{0,120}") {
        every_dialect(body.as_bytes());
    }

    #[test]
    fn json_never_panics(objects in prop::collection::vec(json(), 1..4), cut in any::<prop::sample::Index>()) {
        every_dialect(objects[0].as_bytes());
        every_dialect(format!("[{}]", objects.join(",")).as_bytes());
        let lines = objects.join("\n").into_bytes();
        every_dialect(&lines);
        every_dialect(&lines[..cut.index(lines.len())]);
    }
}
