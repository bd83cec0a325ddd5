//! Real payloads, texts and stacks go through whole: none is refused for its content, none crashes anything, each is counted.

use crate::harness::{APP, KEY, Options, Pipeline, shared_data};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;

fn lines(file: &Path) -> Vec<Value> {
    let reader = BufReader::new(GzDecoder::new(std::fs::File::open(file).unwrap()));
    reader.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The labelled seeds as reports of the native dialect.
fn seed(seed: &Value, number: usize) -> Value {
    let mut report = json!({"category": "crash", "platformId": 10, "eventId": format!("seed-{number}"), "deviceId": format!("device-{}", number % 500), "productVersion": text(&seed["app_version"])});
    let fields = [("expName", &seed["error_type"]), ("expMessage", &seed["message"]), ("callStack", &seed["stack"])];
    for (name, value) in fields.into_iter().filter(|(_, value)| !text(value).is_empty()) {
        report[name] = value.clone();
    }
    report
}

/// Crash texts and logs as stacks.
fn raw_text(line: &Value, number: usize) -> Value {
    json!({"category": "error", "platformId": 10, "eventId": format!("text-{number}"), "callStack": text(&line["text"])})
}

#[test]
fn nothing_real_is_refused() {
    let Some(data) = shared_data() else {
        println!("skipped: the folder of real data is not there");
        return;
    };
    let load = data.join("load");
    let seeds = lines(&load.join("seeds_dev.jsonl.gz"));
    let mut reports: Vec<Value> = seeds.iter().enumerate().map(|(number, line)| seed(line, number)).collect();
    reports.extend(lines(&load.join("texts_raw.jsonl.gz")).iter().enumerate().map(|(number, line)| raw_text(line, number)));
    // A report that says nothing at all is no content.
    reports.retain(|report| ["expName", "expMessage", "callStack"].iter().any(|name| !text(&report[name]).is_empty()));
    assert!(reports.len() > 6000, "{} reports", reports.len());

    let mut pipeline = Pipeline::start_with(&Options { linger: "500ms", ..Options::default() });
    for batch in reports.chunks(100) {
        let body: Vec<String> = batch.iter().map(Value::to_string).collect();
        let reply =
            pipeline.deliver("/v1/reports", &[("x-app-key", KEY), ("content-type", "application/x-ndjson")], body.join("\n").as_bytes());
        assert_eq!(reply["accepted"], batch.len(), "{}", reply["rejected"]);
    }
    pipeline.operator().drained();
    assert!(pipeline.is_running());
    let engine = pipeline.engine();
    assert_eq!(engine.number("select count() from aftershock.occurrences"), i64::try_from(reports.len()).unwrap());
    assert_eq!(engine.number("select count() from aftershock.rejected_reports"), 0);
    let issues = engine.number("select uniqExact(issue_id) from aftershock.occurrences");
    assert!(issues > 100 && issues < i64::try_from(reports.len()).unwrap(), "{issues} issues of {} reports", reports.len());
    let list = pipeline.analyst().ask("queryIssueList", &json!({"appId": APP, "platformId": 10, "pid": "10", "rows": 100, "exceptionTypeList": "", "sortOrder": "desc", "sortField": "count"}));
    assert_eq!(list["ret"]["numFound"], issues, "{}", list["ret"]["numFound"]);
}

#[test]
fn no_real_event_of_a_sentry_client_is_refused() {
    let Some(data) = shared_data() else {
        println!("skipped: the folder of real data is not there");
        return;
    };
    let mut events = lines(&data.join("load/payloads_raw.jsonl.gz"));
    let pipeline = Pipeline::start_with(&Options { linger: "500ms", ..Options::default() });
    let auth = format!("Sentry sentry_version=7, sentry_key={KEY}");
    for (number, event) in events.iter_mut().map(|line| line["payload"].take()).enumerate() {
        // Some events of the collection share an id; each is sent once by each way.
        let with_id = |way: &str| {
            let mut event = event.clone();
            event["event_id"] = format!("{number:031x}{way}").into();
            event.to_string()
        };
        let reply = pipeline.deliver("/api/1/store/", &[("x-sentry-auth", &auth)], with_id("a").as_bytes());
        assert_eq!(reply["id"], format!("{number:031x}a"), "{number}");
        let envelope = format!("{{}}\n{{\"type\":\"event\"}}\n{}\n", with_id("b"));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, envelope.as_bytes()).unwrap();
        let headers = [("x-sentry-auth", auth.as_str()), ("content-encoding", "gzip")];
        let reply = pipeline.deliver("/api/1/envelope/", &headers, &gzip.finish().unwrap());
        assert_eq!(reply["id"], format!("{number:031x}b"), "{number}");
    }
    pipeline.operator().drained();
    let engine = pipeline.engine();
    let sent = i64::try_from(events.len()).unwrap();
    assert_eq!(engine.number("select count() from aftershock.occurrences"), 2 * sent);
    assert_eq!(engine.number("select count() from aftershock.rejected_reports"), 0);
    let rows: i64 = engine.number("select uniqExact(call_stack, exp_name, exp_message) from aftershock.occurrences");
    assert!(rows > sent / 2, "{rows} different reports");
    let framed = engine.number("select count() from aftershock.occurrences where key_frame != ''");
    println!("{framed} of {} reports have a key frame", 2 * sent);
    assert!(framed * 10 > 2 * sent * 8, "only {framed} of {} have a key frame", 2 * sent);
}
