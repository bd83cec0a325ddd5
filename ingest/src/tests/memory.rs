//! Memory follows the bytes that came: whatever a request holds, reading it and making its records ready for the log takes at most
//! eight times its length and 64 KiB, and the row that a report becomes at most four times and 64 KiB.

use super::allocator::peak;
use super::hostile_shapes::{SHAPES, object};
use super::{Shape, native_connections, native_reports, parse_error, parse_heartbeat, read_envelope, read_store, received};
use crate::batch::Batch;
use crate::dialect::{BODY_LIMIT, Received, log_message, version_check};
use crate::encoded::EncodedRecord;
use crate::item::Kind;
use crate::rejection::Rejection;
use proptest::prelude::*;
use schemas::record::{self, Connection, RawReport, Record};
use schemas::row::{ConnectionRow, GroupingColumns, OccurrenceRow, Position};
use serde::Serialize;
use serde_json::Value;
use std::io::Write as _;

const SPARE: usize = 64 << 10;
const IN_REQUEST: usize = 8;
const IN_ROW: usize = 4;
const PLACE: Position = Position { generation: 1, partition: 0, offset: 1, appended_at: 5 };

/// A way that bodies come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    LogMessage,
    Error,
    Heartbeat,
    VersionCheck,
    Reports,
    Connections,
    Store,
    Sessions,
}

/// What every wire asks for, and the names that it knows.
pub(super) const WIRES: [(Wire, &str, &[&str]); 8] = [
    (
        Wire::LogMessage,
        r#""platform":"web","message":"x""#,
        &["platform", "appVersion", "deviceId", "level", "message", "stack", "context", "occurredAt", "unknown"],
    ),
    (
        Wire::Error,
        r#""machine_id":"m","software_version":"1","error_type":"T""#,
        &["app_key", "machine_id", "software_version", "error_type", "error_message", "error_stack", "os_info", "unknown"],
    ),
    (Wire::Heartbeat, r#""machine_id":"m","version":"1""#, &["app_key", "machine_id", "version", "unknown"]),
    (Wire::VersionCheck, r#""current_version":"1.2""#, &["current_version", "platform", "machine_id", "unknown"]),
    (
        Wire::Reports,
        r#""category":"crash","platformId":1,"expName":"x""#,
        &[
            "category",
            "attachments",
            "threads",
            "fingerprint",
            "tags",
            "userKey",
            "serverKey",
            "expMessage",
            "callStack",
            "productVersion",
            "deviceId",
            "eventId",
            "userLogs",
            "gpu",
            "occurredAt",
            "oom",
            "unknown",
        ],
    ),
    (
        Wire::Connections,
        r#""platformId":1"#,
        &["productVersion", "deviceId", "userId", "country", "isVirtualMachine", "model", "kind", "occurredAt", "unknown"],
    ),
    (
        Wire::Store,
        r#""level":"fatal""#,
        &[
            "event_id",
            "timestamp",
            "platform",
            "release",
            "transaction",
            "message",
            "logentry",
            "exception",
            "threads",
            "stacktrace",
            "breadcrumbs",
            "user",
            "request",
            "contexts",
            "tags",
            "fingerprint",
            "sdk",
            "extra",
            "unknown",
        ],
    ),
    (Wire::Sessions, r#""attrs":{"release":"a@1+2"}"#, &["aggregates", "attrs", "sid", "did", "started"]),
];

/// Headers of the longest kind: they stand in every record of a request.
pub(super) fn sender() -> Received {
    Received {
        client_ip: "2001:db8:1111:2222:3333:4444:5555:6666".to_owned(),
        user_agent: "浏".repeat(341),
        locale: "zh-Hans-CN".to_owned(),
        ..received()
    }
}

fn headers() -> usize {
    let Received { client_ip, user_agent, locale, .. } = sender();
    client_ip.len() + user_agent.len() + locale.len()
}

pub(super) fn read(wire: Wire, body: &[u8], shape: Shape<'_>, received: &Received) -> Result<Batch, Rejection> {
    match wire {
        Wire::LogMessage => log_message::parse(body, received).and_then(Batch::one),
        Wire::Error => parse_error(body, received).and_then(Batch::one),
        Wire::Heartbeat => parse_heartbeat(body, received).and_then(Batch::one),
        Wire::VersionCheck => version_check::parse(body, &|_| Ok(received.clone())).map(|_| Batch::default()),
        Wire::Reports => native_reports(body, shape, received).map(|items| Batch::of(Kind::Report, items)),
        Wire::Connections => native_connections(body, shape, received).map(|items| Batch::of(Kind::Connection, items)),
        Wire::Store => read_store(body, shape.encoding, received),
        Wire::Sessions => read_envelope(body, shape.encoding, received),
    }
}

/// Bytes of a row's columns: of a text its own, of everything else eight.
fn size(row: &impl Serialize) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len(),
            Value::Array(items) => items.iter().map(of).sum(),
            Value::Object(fields) => fields.values().map(of).sum(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        }
    }
    of(&serde_json::to_value(row).unwrap())
}

fn decoded<R: Record + Send>(ready: &EncodedRecord, what: &str) -> R {
    let (record, taken) = peak(|| ready.record().unwrap());
    assert!(taken <= IN_REQUEST * ready.length() + SPARE, "{what}: {taken} bytes to decode a record of {}", ready.length());
    record
}

/// Holds a request to the bounds, and each of its items, of which the longest has `item` bytes. Gives what it took at its peak
/// above the spare, as a multiple of what was sent.
fn hold(what: &str, (wire, body, shape): (Wire, &[u8], Shape<'_>), plain: usize, item: usize) -> f64 {
    let received = sender();
    let sent = plain + headers();
    let (answer, taken) = peak(|| read(wire, body, shape, &received));
    assert!(
        taken + body.len() <= IN_REQUEST * sent + SPARE,
        "{what}: {taken} bytes beside a body of {} that is {plain} in plain",
        body.len()
    );
    let times = (taken + body.len()).saturating_sub(SPARE) as f64 / sent as f64;
    let Ok(Batch { reports, connections, .. }) = answer else { return times };
    for ready in reports.iter().flatten() {
        let report: RawReport = decoded(ready, what);
        let grouping =
            GroupingColumns { exp_name: report.exp_name.clone(), exp_message: report.exp_message.clone(), ..GroupingColumns::default() };
        let row = OccurrenceRow::new(PLACE, report, grouping);
        assert!(size(&row) <= IN_ROW * (item + headers()) + SPARE, "{what}: a row of {} bytes for an item of {item}", size(&row));
    }
    for ready in connections.iter().flatten() {
        let row = ConnectionRow::new(PLACE, decoded(ready, what));
        assert!(size(&row) <= IN_ROW * (item + headers()) + SPARE, "{what}: a row of {} bytes for an item of {item}", size(&row));
    }
    times
}

/// An object in the form in which its wire takes one.
pub(super) fn framed(wire: Wire, object: &str) -> String {
    match wire {
        Wire::Sessions if object.contains("\"aggregates\"") => format!("{{}}\n{{\"type\":\"sessions\"}}\n{object}\n"),
        Wire::Sessions => format!("{{}}\n{{\"type\":\"session\"}}\n{object}\n"),
        _ => object.to_owned(),
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn gzipped(wire: Wire) -> bool {
    matches!(wire, Wire::Reports | Wire::Connections | Wire::Store | Wire::Sessions)
}

#[test]
fn every_field_of_every_dialect_may_hold_anything() {
    let mut worst = (0.0, String::new());
    for (wire, required, names) in WIRES {
        for name in names {
            for (shape_name, shape) in SHAPES {
                for count in [30, 700, 4000] {
                    let body = framed(wire, &object(required, &[(name, &shape(count))]));
                    let what = format!("{wire:?} {name} {shape_name} {count}");
                    let times = hold(&what, (wire, body.as_bytes(), Shape::default()), body.len(), body.len());
                    worst = if times > worst.0 { (times, what) } else { worst };
                }
            }
        }
    }
    println!("at most {:.1} times its bytes above the spare: {}", worst.0, worst.1);
}

#[test]
fn a_packed_body_costs_no_more() {
    for (wire, required, names) in WIRES.into_iter().filter(|(wire, ..)| gzipped(*wire)) {
        for (shape_name, shape) in SHAPES {
            let fields: Vec<(&str, String)> = names.iter().map(|name| (*name, shape(1200))).collect();
            let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let body = framed(wire, &object(required, &fields));
            for (encoding, packed) in [("gzip", gzip(body.as_bytes())), ("zstd", zstd::bulk::compress(body.as_bytes(), 1).unwrap())] {
                let shape = Shape { encoding: Some(encoding), ..Shape::default() };
                hold(&format!("{wire:?} {encoding} {shape_name}"), (wire, &packed, shape), body.len(), body.len());
            }
        }
    }
}

/// The smallest items that are taken, and the smallest that are not.
pub(super) const ITEMS: [(Wire, &str); 9] = [
    (Wire::Reports, "1"),
    (Wire::Reports, "{}"),
    (Wire::Reports, r#"{"category":"anr","platformId":1,"expName":"x"}"#),
    (Wire::Reports, r#"{"category":"anr","platformId":1,"expName":"x","threads":[{"name":"x"}],"userKey":{"a":"b"}}"#),
    (Wire::Reports, r#"{"category":"anr","platformId":1,"expName":"\ud83d"}"#),
    (Wire::Reports, r#"{"category":"新","platformId":1,"expName":"x"}"#),
    (Wire::Connections, "null"),
    (Wire::Connections, r#"{"platformId":1}"#),
    (Wire::Connections, r#"{"platformId":1,"deviceId":"d","kind":"heartbeat"}"#),
];

#[test]
fn many_items_cost_no_more_than_their_bytes() {
    for (wire, item) in ITEMS {
        for count in [1, 60, 500, 1000, 1001] {
            let array = format!("[{}]", vec![item; count].join(","));
            let lines = vec![item; count].join("\n");
            let what = format!("{wire:?} {item} {count}");
            hold(&what, (wire, array.as_bytes(), Shape::default()), array.len(), item.len());
            let shape = Shape { content_type: Some("application/x-ndjson"), encoding: None };
            hold(&what, (wire, lines.as_bytes(), shape), lines.len(), item.len());
        }
    }
}

pub(super) const ENVELOPE_ITEMS: [&str; 12] = [
    "{\"type\":\"event\"}\n{}\n",
    "{\"type\":\"event\"}\n1\n",
    "{\"type\":\"event\"}\n{\"exception\":[{\"type\":\"T\"}]}\n",
    "{\"type\":\"session\"}\n{\"init\":true}\n",
    "{\"type\":\"session\"}\n{}\n",
    "{\"type\":\"session\"}\n[]\n",
    "{\"type\":\"sessions\"}\n{\"aggregates\":[{\"exited\":1}]}\n",
    "{\"type\":\"client_report\"}\n{\"discarded_events\":[{\"quantity\":1},{\"quantity\":1}]}\n",
    "{\"type\":\"attachment\"}\n\n",
    "{\"type\":\"attachment\",\"filename\":\"f\"}\nx\n",
    "{\"type\":\"a\"}\n\n",
    "{}\n\n",
];

#[test]
fn many_items_of_an_envelope_cost_no_more_than_their_bytes() {
    let long = format!("{{\"event_id\":\"{}\"}}\n", "a".repeat(60_000));
    for item in ENVELOPE_ITEMS {
        for (header, count) in [("{}\n", 1), ("{}\n", 99), ("{}\n", 1000), ("{}\n", 1001), (long.as_str(), 1000)] {
            let body = format!("{header}{}", item.repeat(count));
            hold(&format!("{item} {count}"), (Wire::Sessions, body.as_bytes(), Shape::default()), body.len(), body.len());
        }
    }
    let all = format!("{{}}\n{}", ENVELOPE_ITEMS.concat().repeat(80));
    hold("all", (Wire::Sessions, all.as_bytes(), Shape::default()), all.len(), all.len());
}

/// Finding 3 of the review of 1893930: 8 KB that became half a gigabyte. And 1: a text that was copied for each start.
#[test]
fn the_requests_that_ended_a_process_cost_what_they_weigh() {
    for field in ["threads", "attachments", "tags", "fingerprint"] {
        let items = "{},".repeat(2_796_000);
        let body = format!(r#"{{"category":"crash","platformId":1,"expName":"x","{field}":[{}]}}"#, items.trim_end_matches(','));
        let shape = Shape { encoding: Some("gzip"), ..Shape::default() };
        let times = hold(field, (Wire::Reports, &gzip(body.as_bytes()), shape), body.len(), body.len());
        assert!(times > 1.0, "the body itself is seen by the measure: {times}");
    }
    let item = format!(
        r#"{{"attrs":{{"release":"a@1.0","environment":"{}"}},"aggregates":[{{"exited":60000}},{{"did":"设备","exited":40000}}]}}"#,
        "e".repeat(1_000_000)
    );
    let body = framed(Wire::Sessions, &item);
    hold("sessions", (Wire::Sessions, body.as_bytes(), Shape::default()), body.len(), body.len());
    let batch = read_envelope(body.as_bytes(), None, &received()).unwrap();
    assert!(batch.connections.iter().all(|start| start.as_ref().unwrap().record::<Connection>().unwrap().extra.len() < 350));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_request_costs_no_more_than_its_bytes(
        wire in prop::sample::select(WIRES.to_vec()),
        fields in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_usize..4000), 1..7),
        copies in prop_oneof![Just(1_usize), 2..1100_usize],
        (is_array, is_packed) in any::<(bool, bool)>(),
    ) {
        let (wire, required, names) = wire;
        let fields: Vec<(&str, String)> =
            fields.iter().map(|(name, shape, count)| (*name.get(names), (shape.get(SHAPES).1)(count / copies.min(64)))).collect();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let item = framed(wire, &object(required, &fields));
        let copies = copies.min(BODY_LIMIT / (item.len() + 1));
        let many = matches!(wire, Wire::Reports | Wire::Connections) && copies > 1;
        let body = match (many, is_array) {
            (false, _) => item.clone(),
            (true, true) => format!("[{}]", vec![item.as_str(); copies].join(",")),
            (true, false) => vec![item.as_str(); copies].join("\n"),
        };
        prop_assume!(body.len() <= BODY_LIMIT && !body.is_empty());
        let packed = if is_packed && gzipped(wire) { gzip(body.as_bytes()) } else { body.as_bytes().to_vec() };
        let encoding = (packed != body.as_bytes()).then_some("gzip");
        let content_type = (many && !is_array).then_some("application/x-ndjson");
        hold(&format!("{wire:?} {fields:.60?} {copies}"), (wire, &packed, Shape { content_type, encoding }), body.len(), item.len());
    }
}

#[test]
fn a_record_of_another_writer_is_bounded_too() {
    let report = RawReport {
        attachments: vec![record::Attachment::default(); 500_000],
        ..RawReport::new("a", "native", record::Category::Error, 0)
    };
    let bytes = record::encode(&report).unwrap();
    let (row, taken) = peak(|| OccurrenceRow::new(PLACE, record::decode::<RawReport>(&bytes).unwrap(), GroupingColumns::default()));
    assert!(
        taken <= IN_REQUEST * bytes.len() + SPARE && size(&row) <= IN_ROW * bytes.len() + SPARE,
        "{taken} {} {}",
        bytes.len(),
        size(&row)
    );
}
