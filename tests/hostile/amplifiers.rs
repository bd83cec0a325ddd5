//! Small requests that are written to become large: what each takes of the edge, the processor and the engine, as a
//! multiple of the bytes that came.
//!
//! A body counts by its length after decompression, which is what a client is allowed to make us read.

use super::requests::gzipped;
use crate::harness::{KEY, Options, Pipeline, pause, peak_memory, post_with};
use std::time::Duration;

/// Requests of each kind, one after the other.
const REPEATS: usize = 6;
/// What a process may take for each byte of a body, of all bodies of a kind together.
const FACTOR: f64 = 8.0;
/// What a process may take besides: allocators keep what they were given, and the engine merges in the background.
const EDGE_SLACK_MIB: f64 = 64.0;
const PROCESSOR_SLACK_MIB: f64 = 160.0;
const ENGINE_SLACK_MIB: f64 = 512.0;
const MIB: f64 = 1_048_576.0;

/// A kind of request.
struct Amplifier {
    name: &'static str,
    path: &'static str,
    /// Before compression; `{n}` stands for a number that makes each request another one.
    body: String,
}

#[test]
fn memory_follows_the_bytes_that_came() {
    let pipeline = Pipeline::start_with(&Options { linger: "200ms", ..Options::default() });
    let engine = pipeline.children("engine");
    let service = |role: &str| pipeline.children(role).first().copied().unwrap_or(pipeline.id());
    println!(
        "{:<34} {:>9} {:>9} {:>7} {:>10} {:>8}",
        "request (MiB of memory for each)", "sent KiB", "read MiB", "edge", "processor", "engine"
    );
    for amplifier in amplifiers() {
        let processes = [service("ingest"), service("processor"), engine[0]];
        let watches = processes.map(peak_memory);
        let mut sent = 0;
        for number in 0..REPEATS {
            let body = gzipped(amplifier.body.replace("{n}", &number.to_string()).as_bytes());
            sent += body.len();
            let status = send(&pipeline, &amplifier, &body);
            assert!(matches!(status, 200 | 400 | 413), "{}: answered {status}", amplifier.name);
        }
        pipeline.operator().drained();
        let [edge, processor, engine] = watches.map(|watch| watch.grown());
        let read = amplifier.body.len() as f64 * REPEATS as f64 / MIB;
        println!("{:<34} {:>9.1} {read:>9.1} {edge:>7.0} {processor:>10.0} {engine:>8.0}", amplifier.name, sent as f64 / 1024.0);
        for (process, grown, slack) in
            [("edge", edge, EDGE_SLACK_MIB), ("processor", processor, PROCESSOR_SLACK_MIB), ("engine", engine, ENGINE_SLACK_MIB)]
        {
            // Requests come one after the other: the edge holds one body at a time, the others may hold all of them.
            let held = if process == "edge" { read / REPEATS as f64 } else { read };
            assert!(grown <= FACTOR * held + slack, "{}: the {process} grew by {grown:.0} MiB for {held:.1} MiB", amplifier.name);
        }
    }
    // Nothing of it broke the pipeline.
    let report = br#"{"category":"crash","platformId":1,"productVersion":"after","expName":"x"}"#;
    pipeline.deliver("/v1/reports", &[("x-app-key", KEY)], report);
    pipeline.operator().drained();
    assert_eq!(pipeline.engine().number("select count() from aftershock.occurrences where version = 'after'"), 1);
}

fn send(pipeline: &Pipeline, amplifier: &Amplifier, body: &[u8]) -> u16 {
    let sentry = format!("Sentry sentry_key={KEY}, sentry_version=7");
    let headers =
        [("x-app-key", KEY), ("x-sentry-auth", sentry.as_str()), ("content-encoding", "gzip"), ("content-type", "application/json")];
    for _ in 0..200 {
        let reply = post_with(&format!("{}{}", pipeline.ingest(), amplifier.path), &headers, body).unwrap();
        // A limit of rate is no answer to the question; it says how long to wait.
        if reply.status != 429 {
            return reply.status;
        }
        pause(Duration::from_millis(300));
    }
    429
}

fn amplifiers() -> Vec<Amplifier> {
    const REPORTS: &str = "/v1/reports";
    const ENVELOPE: &str = "/api/1/envelope/";
    let body_limit = 8 << 20;
    // As many copies as fit.
    let list = |element: &str| format!("[{}]", vec![element; (body_limit - 4096) / (element.len() + 1)].join(","));
    let report = |field: &str, value: &str| {
        format!(r#"{{"category":"error","platformId":1,"expName":"amplified","eventId":"{field}-{{n}}","{field}":{value}}}"#)
    };
    let native = |name, field: &str, value: String| Amplifier { name, path: REPORTS, body: report(field, &value) };
    let event = |name, field: &str, value: &str| {
        let event = format!(r#"{{"event_id":"{{n}}","platform":"python","{field}":{value}}}"#);
        Amplifier { name, path: ENVELOPE, body: format!("{{}}\n{{\"type\":\"event\"}}\n{event}\n") }
    };
    let pairs = |count: usize| (0..count).map(|key| format!("\"{key}\":\"\"")).collect::<Vec<_>>().join(",");
    let starts = format!(
        r#"{{"attrs":{{"release":"a@1.0","environment":"{}"}},"aggregates":[{{"started":"2026-12-01T04:00:00Z","exited":10000}}]}}"#,
        "e".repeat(1_000_000)
    );
    let minimal = r#"{"category":"error","platformId":1,"expName":"x"}"#;
    let long_version = |number: usize| {
        format!(r#"{{"category":"error","platformId":1,"expName":"x","productVersion":"{}{number}-{{n}}"}}"#, "v".repeat(8_000))
    };
    vec![
        Amplifier {
            name: "counted starts, long environment",
            path: ENVELOPE,
            body: format!("{{}}\n{{\"type\":\"sessions\"}}\n{starts}\n"),
        },
        native("threads of {}", "threads", list("{}")),
        native("attachments of {}", "attachments", list("{}")),
        native("fingerprint of empty texts", "fingerprint", list("\"\"")),
        native("tags of null", "tags", list("null")),
        native("user keys", "userKey", format!("{{{}}}", pairs(600_000))),
        native("an unknown list of lists", "surprise", list("[]")),
        Amplifier { name: "unknown fields", path: REPORTS, body: format!("{{{},{}}}", &minimal[1..minimal.len() - 1], pairs(600_000)) },
        Amplifier { name: "a batch of small reports", path: REPORTS, body: format!("[{}]", vec![minimal; 1000].join(",")) },
        Amplifier {
            name: "a batch of long versions",
            path: REPORTS,
            body: format!("[{}]", (0..1000).map(long_version).collect::<Vec<_>>().join(",")),
        },
        native("half surrogates", "expMessage", format!("\"{}\"", "\\ud800".repeat((body_limit - 4096) / 6))),
        event("exceptions of {}", "exception", &format!("{{\"values\":{}}}", list("{}"))),
        event("frames of {}", "exception", &format!("{{\"values\":[{{\"type\":\"T\",\"stacktrace\":{{\"frames\":{}}}}}]}}", list("{}"))),
        event("breadcrumbs of {}", "breadcrumbs", &list("{}")),
        event("tags of pairs", "tags", &list("[\"a\",\"\"]")),
        event("extra of lists", "extra", &format!("{{\"a\":{}}}", list("[]"))),
        event("contexts", "contexts", &format!("{{{}}}", pairs(600_000))),
        Amplifier {
            name: "an envelope of small events",
            path: ENVELOPE,
            body: format!("{{}}\n{}", "{\"type\":\"event\"}\n{}\n".repeat(400_000)),
        },
        Amplifier {
            name: "an envelope of small attachments",
            path: ENVELOPE,
            body: format!("{{}}\n{{\"type\":\"event\"}}\n{{}}\n{}", "{\"type\":\"attachment\",\"length\":0}\n\n".repeat(200_000)),
        },
    ]
}
