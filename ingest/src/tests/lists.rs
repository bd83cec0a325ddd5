//! Texts at the edge of their bounds, and lists that are longer than theirs: what is kept, and that it is marked.

use super::{Shape, native_reports, read_envelope, read_store, received, records};
use crate::dialect::bounds::{ATTACHMENTS, CRUMBS, EVENTS, EXTRA, EXTRA_FIELDS, FINGERPRINT, PAIRS, TAGS, THREADS};
use crate::dialect::log_message;
use crate::rejection::Rejection;
use schemas::digest;
use schemas::record::RawReport;
use serde_json::{Map, Value, json};

fn native_report(fields: Value) -> RawReport {
    let mut body = json!({"category": "error", "platformId": 1, "expName": "x"});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    records(native_reports(body.to_string().as_bytes(), Shape::default(), &received()).unwrap()).remove(0).unwrap()
}

fn event(event: &Value) -> RawReport {
    records(read_store(event.to_string().as_bytes(), None, &received()).unwrap().reports).remove(0).unwrap()
}

/// What the native dialect calls a short text, its bound, and where it stands.
type Short = (&'static str, usize, fn(&RawReport) -> &String);

const SHORT: [Short; 14] = [
    ("productVersion", 128, |report| &report.version),
    ("sdkVersion", 128, |report| &report.sdk_version),
    ("osVer", 128, |report| &report.os_version),
    ("buildNumber", 256, |report| &report.build_number),
    ("bundleId", 256, |report| &report.bundle_id),
    ("channelId", 256, |report| &report.channel_id),
    ("model", 256, |report| &report.model),
    ("brand", 256, |report| &report.brand),
    ("gpu", 256, |report| &report.gpu),
    ("country", 256, |report| &report.country),
    ("sceneTag", 256, |report| &report.scene_tag),
    ("deviceId", 512, |report| &report.device_id),
    ("userId", 512, |report| &report.user_id),
    ("expName", 1024, |report| &report.exp_name),
];

#[test]
fn short_texts_are_cut_at_their_exact_bound_between_characters() {
    for (name, most, field) in SHORT {
        let fits = format!("{}{}", "a".repeat(most % 3), "崩".repeat(most / 3));
        assert_eq!(fits.len(), most);
        let report = native_report(json!({name: fits}));
        assert_eq!((field(&report), report.truncated.len()), (&fits, 0), "{name}");
        let report = native_report(json!({name: format!("{fits}x")}));
        assert_eq!((field(&report), &report.truncated[..]), (&fits, &[name.to_owned()][..]), "{name}");
        // A character does not fit by one byte.
        let report = native_report(json!({name: format!("{}崩", &"a".repeat(most - 2))}));
        assert_eq!((field(&report).len(), &report.truncated[..]), (most - 2, &[name.to_owned()][..]), "{name}");
    }
}

/// Finding 7 of the review of 1893930: the list of versions of an issue could not be read from then on.
#[test]
fn a_version_of_16_kib_is_cut_in_every_dialect_and_hashed_before() {
    let long = "版".repeat(16 * 1024 / 3);
    let native = native_report(json!({"productVersion": long}));
    let log =
        log_message::parse(json!({"platform": "web", "message": "x", "appVersion": long}).to_string().as_bytes(), &received()).unwrap();
    let sentry = event(&json!({"release": format!("app@{long}"), "message": "x"}));
    for (report, name) in [(&native, "productVersion"), (&log, "appVersion"), (&sentry, "productVersion")] {
        assert_eq!((report.version.len(), &report.truncated[..]), (126, &[name.to_owned()][..]));
        assert!(long.starts_with(&report.version));
    }
    assert_eq!(native.digest, digest::Content::of(["", "", "x", &long, "1"]).digest);
    assert_eq!(log.digest, digest::Content::of(["x", "", "", &long, "web"]).digest);
}

#[test]
fn lists_keep_their_first_items_and_say_that_there_were_more() {
    let thread = |number: usize| json!({"name": format!("线程{number}"), "stack": "s"});
    let tag = |number: usize| json!(format!("标{number}"));
    let file = |number: usize| json!({"name": format!("f{number}"), "data": "AA=="});
    for over in [0, 1, 3000] {
        let report = native_report(json!({
            "threads": (0..THREADS + over).map(thread).collect::<Vec<_>>(),
            "tags": (0..TAGS + over).map(tag).collect::<Vec<_>>(),
            "fingerprint": (0..FINGERPRINT + over).map(tag).collect::<Vec<_>>(),
            "attachments": (0..ATTACHMENTS + over).map(file).collect::<Vec<_>>(),
            "userKey": (0..PAIRS + over).map(|number| (format!("键{number:05}"), json!("值"))).collect::<Map<_, _>>(),
        }));
        let lengths = [report.threads.len(), report.tags.len(), report.fingerprint.len(), report.attachments.len(), report.user_key.len()];
        assert_eq!(lengths, [THREADS, TAGS, FINGERPRINT, ATTACHMENTS, PAIRS], "{over}");
        assert_eq!((report.threads[THREADS - 1].name.as_str(), report.tags[0].as_str()), ("线程511", "标0"));
        let mut marks = report.truncated;
        marks.sort();
        let all = ["attachments", "fingerprint", "tags", "threads", "userKey"];
        assert_eq!(marks, if over == 0 { &[][..] } else { &all[..] }, "{over}");
    }
}

#[test]
fn names_and_values_of_a_report_are_cut_and_repeated_names_still_count_last() {
    let report = native_report(json!({
        "userKey": {"键".repeat(100): "值".repeat(2000), "b": null}, "tags": ["标".repeat(100)], "fingerprint": ["指".repeat(400)],
        "attachments": [{"name": "名".repeat(100)}], "threads": [{"name": "名".repeat(100)}, {}, {"name": "", "stack": null}],
    }));
    let (name, value) = report.user_key.iter().next().unwrap();
    assert_eq!((report.user_key.len(), name.len(), value.len()), (1, 255, 4095));
    assert_eq!((report.tags[0].len(), report.fingerprint[0].len(), report.attachments[0].name.len()), (255, 1023, 255));
    assert_eq!((report.threads.len(), report.threads[0].name.len()), (1, 255), "a thread that says nothing is none");
    assert_eq!(report.truncated.len(), 5, "{:?}", report.truncated);
    let repeated = r#"{"category":"error","platformId":1,"expName":"x","userKey":{"a":"1","a":"2","b":"1","b":null}}"#;
    let report = records(native_reports(repeated.as_bytes(), Shape::default(), &received()).unwrap()).remove(0).unwrap();
    assert_eq!(report.user_key.into_iter().collect::<Vec<_>>(), [("a".to_owned(), "2".to_owned())]);
}

#[test]
fn stacks_of_threads_have_a_bound_together_and_the_small_ones_behind_a_large_one_stay() {
    let stack = |size: usize| json!({"name": "n", "stack": "s".repeat(size)});
    let report = native_report(json!({"threads": [stack(700 << 10), stack(400 << 10), stack(324 << 10)]}));
    assert_eq!(report.threads.iter().map(|thread| thread.stack.len()).collect::<Vec<_>>(), [700 << 10, 324 << 10]);
    assert_eq!(report.truncated, ["threads"]);
}

#[test]
fn unknown_fields_are_kept_up_to_their_number_and_length() {
    let fields: Map<String, Value> = (0..=EXTRA_FIELDS).map(|number| (format!("新{number:04}"), json!(number))).collect();
    let report = native_report(Value::Object(fields));
    let extra: Map<String, Value> = serde_json::from_str(&report.extra).unwrap();
    assert_eq!((extra.len(), &report.truncated[..]), (EXTRA_FIELDS, &["extra".to_owned()][..]));
    // `{"a":"…","b":1}` of which the long text alone just fits.
    let report = native_report(json!({"a": "x".repeat(EXTRA - 8), "b": 1}));
    assert_eq!((report.extra.len(), &report.truncated[..]), (EXTRA, &["extra".to_owned()][..]));
    let report = native_report(json!({"a": "x".repeat(EXTRA - 7), "b": 1}));
    assert_eq!((report.extra.as_str(), report.truncated.len()), (r#"{"b":1}"#, 1));
}

#[test]
fn a_context_that_is_too_long_is_left_out_and_the_message_stays() {
    let body = json!({"platform": "web", "message": "崩溃", "context": {"a": "x".repeat(1 << 20)}, "b": 1});
    let report = log_message::parse(body.to_string().as_bytes(), &received()).unwrap();
    assert_eq!((report.context.as_str(), report.exp_message.as_str(), &report.truncated[..]), ("", "崩溃", &["context".to_owned()][..]));
    let report = event(
        &json!({"message": "崩溃", "contexts": {"a": "x".repeat(1 << 20), "device": {"model": "型号"}}, "huge": "y".repeat(1 << 20)}),
    );
    assert_eq!((report.context.as_str(), report.model.as_str()), ("", "型号"));
    assert_eq!(report.truncated, ["context", "extra.huge"]);
}

#[test]
fn lists_of_an_event_keep_what_is_nearest_and_are_marked() {
    let crumbs: Vec<_> = (0..CRUMBS + 5).map(|number| json!({"message": format!("步骤 {number}")})).collect();
    let frames: Vec<_> = (0..1005).map(|line| json!({"function": "f", "lineno": line})).collect();
    let tags: Map<_, _> = (0..PAIRS + 1).map(|number| (format!("t{number}"), json!("v"))).collect();
    let report = event(&json!({
        "platform": "python", "breadcrumbs": crumbs, "tags": tags, "fingerprint": vec!["p"; FINGERPRINT + 1],
        "exception": [{"type": "T", "stacktrace": {"frames": frames}}],
    }));
    assert_eq!((report.user_logs.lines().count(), report.user_logs.lines().next()), (CRUMBS, Some("步骤 5")));
    assert_eq!((report.call_stack.matches("line ").count(), report.call_stack.contains("line 1004,")), (1000, true));
    let mut marks = report.truncated;
    marks.sort();
    assert_eq!(marks, ["callStack", "fingerprint", "userKey", "userLogs"]);
}

/// Frames of a few bytes are printed with sixty: all prints together are not much longer than the event.
#[test]
fn prints_of_stacks_follow_the_bytes_of_the_event() {
    let stack = json!({"frames": vec![json!({"package": "p"}); 1000]});
    let thread = |_| json!({"id": 1, "stacktrace": stack});
    let sent =
        json!({"platform": "cocoa", "exception": [{"type": "T", "stacktrace": stack}], "threads": (0..20).map(thread).collect::<Vec<_>>()});
    let report = event(&sent);
    let printed = report.call_stack.len() + report.threads.iter().map(|thread| thread.stack.len()).sum::<usize>();
    assert!(printed <= sent.to_string().len() + (16 << 10) && report.call_stack.lines().count() == 1001, "{printed}");
    assert_eq!((report.threads.len(), &report.truncated[..]), (20, &["threads".to_owned()][..]));
}

#[test]
fn an_envelope_holds_a_hundred_events_and_no_more() {
    let body = format!("{{}}\n{}", "{\"type\":\"event\"}\n{\"message\":\"崩溃\"}\n".repeat(EVENTS + 2));
    let batch = read_envelope(body.as_bytes(), None, &received()).unwrap();
    assert_eq!(batch.reports.iter().filter(|report| report.is_ok()).count(), EVENTS);
    assert!(matches!(&batch.reports[EVENTS..], [Err(Rejection::TooLarge(_)), Err(Rejection::TooLarge(_))]));
}

#[test]
fn bytes_that_are_no_utf_8_become_one_mark_a_run_and_a_body_of_them_is_refused() {
    let sent = [b"{\"message\":\"a\xff\xfe\xfdb\xe5\x8dc\",\"pad\":\"".as_slice(), &[b'x'; 200], b"\"}"].concat();
    let report = records(read_store(&sent, None, &received()).unwrap().reports).remove(0).unwrap();
    assert_eq!(report.exp_message, "a\u{fffd}b\u{fffd}c");
    let garbage = [b"{\"message\":\"".as_slice(), &b"a\xff".repeat(5000), b"\"}"].concat();
    assert_eq!(read_store(&garbage, None, &received()).unwrap().reports, [Err(Rejection::invalid("not UTF-8"))]);
}

#[test]
fn words_and_user_agents_are_given_out_as_long_as_the_request_is() {
    let small = vec!["1"; 1000].join(",");
    let items = native_reports(format!("[{small}]").as_bytes(), Shape::default(), &received()).unwrap();
    let words: Vec<String> = items.iter().map(|item| item.as_ref().unwrap_err().to_string()).collect();
    assert!(words[0].contains("expected a JSON object") && words[999] == "invalid", "{} {}", words[0], words[999]);
    assert!(words.iter().map(String::len).sum::<usize>() < 2001 + (16 << 10) + 7000);

    let received = crate::dialect::Received { user_agent: "浏览器".repeat(100), ..received() };
    let report = |pad: usize| format!(r#"{{"category":"error","platformId":1,"expName":"{}"}}"#, "x".repeat(pad));
    let agents = |pad: usize| {
        let items = native_reports(vec![report(pad); 1000].join("\n").as_bytes(), LINES, &received).unwrap();
        let agents: Vec<RawReport> = records(items).into_iter().map(Result::unwrap).collect();
        assert!(agents.iter().all(|report| report.user_agent.is_empty() == (report.truncated == ["userAgent"])));
        agents.iter().filter(|report| !report.user_agent.is_empty()).count()
    };
    assert_eq!(agents(900), 1000, "ordinary reports are longer than the header");
    assert!((50..100).contains(&agents(1)), "{}", agents(1));
}

const LINES: Shape<'_> = Shape { content_type: Some("application/x-ndjson"), encoding: None };
