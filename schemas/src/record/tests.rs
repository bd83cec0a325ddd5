//! The codec against the reference implementation (`apache-avro`), and old against new.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::ids::{ChangeId, ConnectionId, Digest, IssueId, ReportId};
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema::Schema as ReferenceSchema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{GenericSingleObjectWriter, from_value, to_value};
use proptest::prelude::*;

fn reference_encode<R: Record>(record: &R) -> Vec<u8> {
    let schema = ReferenceSchema::parse_str(R::SCHEMAS.last().unwrap()).unwrap();
    let value = to_value(record).unwrap().resolve(&schema).unwrap();
    let mut bytes = Vec::new();
    GenericSingleObjectWriter::new_with_capacity(&schema, 1024).unwrap().write_value(value, &mut bytes).unwrap();
    bytes
}

fn reference_decode<R: Record>(bytes: &[u8]) -> R {
    let schema = ReferenceSchema::parse_str(R::SCHEMAS.last().unwrap()).unwrap();
    let value = GenericDatumReader::builder(&schema).build().unwrap().read_value(&mut &bytes[HEADER..]).unwrap();
    from_value(&value).unwrap()
}

/// A map of two keys or more may be written in any order, so bytes are compared where that cannot differ, values always.
fn assert_compatible<R: Record + PartialEq + std::fmt::Debug>(record: &R, comparable: bool) {
    let ours = encode(record).unwrap();
    let reference = reference_encode(record);
    if comparable {
        assert_eq!(ours, reference);
    }
    assert_eq!(&decode::<R>(&reference).unwrap(), record);
    assert_eq!(&decode::<R>(&ours).unwrap(), record);
    assert_eq!(&reference_decode::<R>(&ours), record);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ -~]{0,20}", "\\PC{0,12}", Just("崩溃 在 主线程".to_owned())]
}

fn category() -> impl Strategy<Value = Category> {
    prop_oneof![Just(Category::Crash), Just(Category::Anr), Just(Category::Error)]
}

prop_compose! {
    fn raw_report()(
        texts in prop::collection::vec(text(), 35),
        numbers in prop::collection::vec(prop::option::of(any::<i64>()), 7),
        flags in prop::collection::vec(prop::option::of(any::<bool>()), 4),
        (report_id, digest, category, platform_id, level, received_at) in (any::<[u8; 16]>(), any::<[u8; 32]>(), category(), any::<i32>(), 0..5, any::<i64>()),
        (threads, fingerprint, tags, truncated) in (prop::collection::vec((text(), text()), 0..3), prop::collection::vec(text(), 0..3), prop::collection::vec(text(), 0..3), prop::collection::vec(text(), 0..3)),
        (user_key, server_key) in (prop::collection::btree_map(text(), text(), 0..4), prop::collection::btree_map(text(), text(), 0..2)),
        attachments in prop::collection::vec((text(), prop::collection::vec(any::<u8>(), 0..40)), 0..2), content_id in 0..1_i64 << 53,
    ) -> RawReport {
        let t = |at: usize| texts[at].clone();
        RawReport {
            report_id: ReportId(report_id), digest: Digest(digest), exception_type: t(0), platform_id, platform: t(1), version: t(2), build_number: t(3),
            bundle_id: t(4), channel_id: t(5), sdk_version: t(6), device_id: t(7), user_id: t(8), session_id: t(9), event_id: t(10), occurred_at: numbers[0],
            exp_name: t(11), exp_message: t(12), call_stack: t(13), thread_name: t(14), process_name: t(15),
            threads: threads.into_iter().map(|(name, stack)| Thread { name, stack }).collect(), fingerprint,
            model: t(16), brand: t(17), os_name: t(18), os_version: t(19), rom: t(20), cpu_type: t(21), cpu_name: t(22), gpu: t(23), country: t(24), apn: t(25),
            is_rooted: flags[0], is_emulator: flags[1], in_background: flags[2], oom: flags[3],
            mem_size: numbers[1], free_mem: numbers[2], disk_size: numbers[3], free_storage: numbers[4], battery: numbers[5], elapsed_time: numbers[6],
            scene_tag: t(26), tags, user_key, server_key, user_logs: t(27), sys_logs: t(28),
            attachments: attachments.into_iter().map(|(name, data)| Attachment { name, data }).collect(),
            level, error_code: t(29), client_ip: t(30), user_agent: t(31), locale: t(32), context: t(33), extra: t(34), truncated, content_id, ..RawReport::new("a1b2c3d4e5", "native", category, received_at)
        }
    }
}

prop_compose! {
    fn connection()(
        texts in prop::collection::vec(text(), 8), id in any::<[u8; 16]>(), start in any::<bool>(), platform_id in any::<i32>(),
        is_emulator in prop::option::of(any::<bool>()), occurred_at in prop::option::of(any::<i64>()), received_at in any::<i64>(), count in any::<u32>(),
    ) -> Connection {
        let t = |at: usize| texts[at].clone();
        let kind = if start { ConnectionKind::Start } else { ConnectionKind::Heartbeat };
        Connection {
            connection_id: ConnectionId(id), app_id: t(0), dialect: "native".to_owned(), kind, platform_id, version: t(1), device_id: t(2), user_id: t(3),
            country: t(4), is_emulator, model: t(5), os_version: t(6), event_id: t(7), occurred_at, received_at, client_ip: String::new(), extra: String::new(), count,
        }
    }
}

proptest! {
    #[test]
    fn a_raw_report_is_what_the_reference_writes_and_reads(report in raw_report()) {
        assert_compatible(&report, report.user_key.len() <= 1 && report.server_key.len() <= 1);
    }

    #[test]
    fn a_raw_report_writes_what_the_library_would(report in raw_report()) {
        let schemas = RawReport::codec().schemas(RawReport::SCHEMAS).unwrap();
        let datum = serde_avro_fast::to_datum_vec(&report, &mut SerializerConfig::new(schemas.last().unwrap())).unwrap();
        prop_assert_eq!(&encode(&report).unwrap()[HEADER..], datum);
    }

    #[test]
    fn a_connection_is_what_the_reference_writes_and_reads(connection in connection()) {
        assert_compatible(&connection, true);
    }

    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode::<RawReport>(&bytes);
        let mut framed = encode(&RawReport::new("a", "native", Category::Error, 0)).unwrap()[..HEADER].to_vec();
        framed.extend(bytes);
        let _ = decode::<RawReport>(&framed);
    }

    #[test]
    fn a_cut_record_is_an_error(report in raw_report(), share in 0.0..1.0f64) {
        let bytes = encode(&report).unwrap();
        let cut = (bytes.len() as f64 * share) as usize;
        prop_assert!(decode::<RawReport>(&bytes[..cut]).is_err());
    }
}

#[test]
fn the_cold_records_are_compatible_too() {
    let change = IssueChange {
        change_id: ChangeId([1; 16]),
        app_id: "a".to_owned(),
        platform_id: 1,
        issue_id: IssueId([2; 16]),
        kind: "note".to_owned(),
        value: r#"{"note":"已修复"}"#.to_owned(),
        author: "10001".to_owned(),
        changed_at: 1_763_700_000_000,
    };
    assert_compatible(&change, true);
    let release = Release {
        app_id: "a".to_owned(),
        platform: "windows".to_owned(),
        version: "v1.2".to_owned(),
        withdrawn: false,
        download_url: "https://example.com/安装包.exe".to_owned(),
        release_notes: "修复闪退".to_owned(),
        force_update: true,
        rollout_percent: 30,
        published_at: 1_763_700_000_000,
        mac: "0f".repeat(32),
    };
    assert_compatible(&release, true);
    assert_eq!(release.key(), b"a|windows|1.2.0");
    let end = release.end(1_763_700_000_001);
    assert_compatible(&end, true);
    assert_eq!(end.key(), b"a|windows|1.2.0");
    for key in [None, Some(vec![0, 255])] {
        let rejected = RejectedReport {
            source_topic: "raw-reports".to_owned(),
            source_partition: 3,
            source_offset: 42,
            reason: "NotSingleObject".to_owned(),
            message: String::new(),
            appended_at: 5,
            key,
            payload: vec![0xC3, 0, 1],
        };
        assert_compatible(&rejected, true);
        assert_eq!(rejected.key(), b"raw-reports:3:42");
    }
}

#[test]
fn a_schema_of_the_future_and_one_of_the_past_are_read_by_name() {
    // A writer that knows less (no default-bearing field but the version) and one that knows more than this reader.
    let mut past: serde_json::Value = serde_json::from_str(RawReport::SCHEMAS[0]).unwrap();
    let required = ["report_id", "digest", "app_id", "dialect", "category", "exception_type", "platform_id", "received_at", "version"];
    past["fields"].as_array_mut().unwrap().retain(|field| required.contains(&field["name"].as_str().unwrap()));
    let mut future: serde_json::Value = serde_json::from_str(RawReport::SCHEMAS[0]).unwrap();
    let unknown = serde_json::json!({"name": "orientation", "type": "string", "default": ""});
    future["fields"].as_array_mut().unwrap().insert(3, unknown);

    let report = RawReport { version: "2.4.1".to_owned(), ..RawReport::new("a", "native", Category::Anr, 7) };
    for (writer, extra) in [(past, None), (future, Some(("orientation".to_owned(), Value::String("portrait".to_owned()))))] {
        let writer = writer.to_string();
        let schema = ReferenceSchema::parse_str(&writer).unwrap();
        let Value::Record(mut fields) = to_value(&report).unwrap() else { unreachable!() };
        fields.extend(extra);
        let datum = GenericDatumWriter::builder(&schema)
            .build()
            .unwrap()
            .write_value_to_vec(Value::Record(fields).resolve(&schema).unwrap())
            .unwrap();
        let fast: serde_avro_fast::Schema = writer.parse().unwrap();
        assert_eq!(serde_avro_fast::from_datum_slice::<RawReport>(&datum, &fast).unwrap(), report);
    }
}

/// What was written with the schemas released first is read with what they do not say.
#[test]
fn records_of_the_first_schemas_are_read() {
    fn written<R: Record>(record: &R) -> Vec<u8> {
        let schema = ReferenceSchema::parse_str(R::SCHEMAS[0]).unwrap();
        let value = to_value(record).unwrap();
        let Value::Record(mut fields) = value else { unreachable!() };
        fields.retain(|(name, _)| !["count", "content_id"].contains(&name.as_str()));
        let value = Value::Record(fields).resolve(&schema).unwrap();
        let mut bytes = Vec::new();
        GenericSingleObjectWriter::new_with_capacity(&schema, 1024).unwrap().write_value(value, &mut bytes).unwrap();
        bytes
    }
    let connection = Connection { count: 7, ..a_connection() };
    assert_eq!(decode::<Connection>(&written(&connection)).unwrap(), a_connection(), "one, where the record does not say");
    assert_eq!(decode::<Connection>(&encode(&connection).unwrap()).unwrap(), connection);
    let mut report = RawReport::new("a", "native", Category::Error, 1);
    report.set_content(&crate::digest::Content::of(["a|b", "c", "", "", "1"]));
    let old = decode::<RawReport>(&written(&report)).unwrap();
    assert_eq!((old.content_id, old.content_number()), (0, crate::digest::content_id(&report.digest)));
    assert_ne!(report.content_number(), old.content_number());
}

fn a_connection() -> Connection {
    Connection {
        connection_id: ConnectionId([3; 16]),
        app_id: "a".to_owned(),
        dialect: "sentry".to_owned(),
        kind: ConnectionKind::Start,
        platform_id: 10,
        version: "1.0".to_owned(),
        device_id: String::new(),
        user_id: String::new(),
        country: String::new(),
        is_emulator: None,
        model: String::new(),
        os_version: String::new(),
        event_id: String::new(),
        occurred_at: None,
        received_at: 7,
        client_ip: String::new(),
        extra: String::new(),
        count: 1,
    }
}

#[test]
fn foreign_bytes_are_named_as_what_they_are() {
    assert!(matches!(decode::<RawReport>(b"{\"not\":\"avro\"}"), Err(Error::NotSingleObject)));
    assert!(matches!(decode::<RawReport>(b"\xC3\x01short"), Err(Error::NotSingleObject)));
    assert!(matches!(decode::<RawReport>(b"\xC3\x01\x01\x00\x00\x00\x00\x00\x00\x00rest"), Err(Error::UnknownSchema(1))));
}

#[test]
fn names_of_the_category_are_those_of_the_schema() {
    for category in [Category::Crash, Category::Anr, Category::Error] {
        assert_eq!(serde_json::to_value(category).unwrap(), category.name());
    }
    for kind in [ConnectionKind::Start, ConnectionKind::Heartbeat] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

/// What the log may hold that the edge would not write: each item is two bytes there and much more in memory.
#[test]
fn lists_and_maps_of_a_record_are_read_up_to_their_bound_and_what_stands_behind_them_is_not_lost() {
    let many = 20 * MAX_ITEMS;
    let report = RawReport {
        threads: vec![Thread::default(); many],
        attachments: vec![Attachment::default(); many],
        fingerprint: vec![String::new(); many],
        tags: vec!["标".to_owned(); many],
        user_key: (0..many).map(|number| (format!("{number:06}"), String::new())).collect(),
        server_key: (0..MAX_ITEMS).map(|number| (format!("{number:06}"), String::new())).collect(),
        truncated: vec!["threads".to_owned(); many],
        user_logs: "日志".to_owned(),
        extra: "{}".to_owned(),
        ..RawReport::new("a1b2c3d4e5", "native", Category::Error, 5)
    };
    let read = decode::<RawReport>(&encode(&report).unwrap()).unwrap();
    let lengths = [read.threads.len(), read.attachments.len(), read.fingerprint.len(), read.tags.len(), read.truncated.len()];
    assert_eq!(lengths, [MAX_ITEMS; 5]);
    assert_eq!((read.user_key.len(), read.server_key), (MAX_ITEMS, report.server_key));
    assert_eq!((read.user_logs.as_str(), read.extra.as_str(), read.received_at), ("日志", "{}", 5));
}
