//! Users, clients and strangers against one another, each at the worst that it is allowed: the others must not notice.
//!
//! It runs for `AFTERSHOCK_ABUSE_SECONDS` (20 by default).

use crate::harness::{APP, Analyst, KEY, OTHER_APP, OTHER_KEY, Options, Pipeline, Wire, more_files, pause, until};
use crate::journey::hour_text;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const USER: &str = "20002";
const USER_KEY: &str = "0f3e8a51-93d4-4a6e-8d55-7c5a0a5f1b42";
/// Requests of the greedy user at once.
const GREEDY: usize = 12;
/// Connections of strangers to the log and to the tables.
const STRANGERS: usize = 200;
/// An ordinary answer beside the greedy user may take this many times what it takes alone; both share two or more cores.
const SLOWER: f64 = 40.0;

/// What came of each kind of attempt, by how it ended.
#[derive(Default)]
struct Seen(Mutex<BTreeMap<(&'static str, String), u64>>);

impl Seen {
    fn note(&self, attempt: &'static str, end: impl Display) {
        *self.0.lock().unwrap().entry((attempt, end.to_string())).or_default() += 1;
    }

    fn ends(&self, attempt: &str) -> Vec<String> {
        self.0.lock().unwrap().keys().filter(|(name, _)| *name == attempt).map(|(_, end)| end.clone()).collect()
    }
}

#[test]
fn nobody_is_hurt_by_a_neighbour() {
    more_files();
    let seconds = std::env::var("AFTERSHOCK_ABUSE_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let pipeline = Pipeline::start_with(&Options { linger: "200ms", reports_per_minute: 120, ..Options::default() });
    fill(&pipeline);
    let greedy = pipeline.analyst();
    let modest = second_user(&pipeline);
    let calm = ask_for(&modest, Duration::from_secs(3), &Seen::default());
    let (seen, is_over) = (Seen::default(), AtomicBool::new(false));
    let (attempts, over) = (&seen, &is_over);
    let stormy = std::thread::scope(|scope| {
        for number in 0..GREEDY {
            let greedy = &greedy;
            scope.spawn(move || greed(greedy, number, over, attempts));
        }
        scope.spawn(|| impersonate(&pipeline, over, attempts));
        scope.spawn(|| victim(&pipeline, over, attempts));
        scope.spawn(|| strangers(&pipeline, over));
        let answers = ask_for(&modest, Duration::from_secs(seconds), attempts);
        over.store(true, Ordering::Relaxed);
        answers
    });
    println!("alone {}, beside the others {}", told(&calm), told(&stormy));
    seen.0.lock().unwrap().iter().for_each(|((attempt, end), count)| println!("{attempt:<28} {end:<12} {count}"));

    assert_eq!(seen.ends("another user's question"), ["200"], "a user was refused for what another asked");
    assert_eq!(seen.ends("the victim's report"), ["200"], "a device was locked out in its own name");
    assert!(seen.ends("in the victim's name").contains(&"429".to_owned()), "the impersonator was never limited");
    let greedy_ends = seen.ends("the greedy user's question");
    assert!(greedy_ends.iter().all(|end| ["200", "400", "413", "429", "503"].contains(&end.as_str())), "{greedy_ends:?}");
    let ratio = percentile(&stormy, 90) / percentile(&calm, 90).max(0.01);
    assert!(ratio <= SLOWER, "an ordinary question takes {ratio:.1} times as long beside the greedy user");
    nothing_is_left_running(&pipeline);
}

/// Reports of many versions, so that what the greedy user asks costs something.
fn fill(pipeline: &Pipeline) {
    let stack = "at com.shop.Cart.pay(Cart.java:7)\\n".repeat(200);
    for batch in 0..30 {
        let reports: Vec<String> = (0..1000)
            .map(|number| {
                let stack = if number % 20 == 0 { stack.as_str() } else { "" };
                format!(
                    r#"{{"category":"crash","platformId":1,"productVersion":"{batch}.{number}.0","deviceId":"d{number}","expName":"E{}","callStack":"{stack}"}}"#,
                    number % 300
                )
            })
            .collect();
        let key = if batch == 0 { OTHER_KEY } else { KEY };
        let body = reports.join("\n");
        pipeline.deliver("/v1/reports", &[("x-app-key", key), ("content-type", "application/x-ndjson")], body.as_bytes());
    }
    pipeline.operator().drained();
}

fn second_user(pipeline: &Pipeline) -> Analyst {
    pipeline.add_credentials(&format!("[[users]]\nid = \"{USER}\"\nkey = \"{USER_KEY}\"\nname = \"Second\"\napps = [\"{OTHER_APP}\"]\n"));
    let user = Analyst { url: pipeline.query(), id: USER.to_owned(), key: USER_KEY.to_owned() };
    until("the second user is known", || {
        let reply = user.try_ask("getTopIssueEx", &top(OTHER_APP))?;
        if reply.status == 200 { Ok(()) } else { Err(reply.text) }
    });
    user
}

fn top(app: &str) -> Value {
    let day = &hour_text(now())[..8];
    json!({"appId": app, "platformId": 1, "version": "-1", "date": day, "type": "crash", "limit": 20, "topIssueDataType": "unSystemExit"})
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// An ordinary user's questions, one after the other; how long each took, sorted.
fn ask_for(user: &Analyst, time: Duration, seen: &Seen) -> Vec<Duration> {
    let (end, mut answers) = (Instant::now() + time, Vec::new());
    while Instant::now() < end {
        let start = Instant::now();
        match user.try_ask("getTopIssueEx", &top(OTHER_APP)) {
            Ok(reply) => seen.note("another user's question", reply.status),
            Err(error) => seen.note("another user's question", error),
        }
        answers.push(start.elapsed());
        pause(Duration::from_millis(20));
    }
    answers.sort_unstable();
    answers
}

/// The most that a user may ask: every bound of every list used up, the longest times, the largest pages, again and again.
fn greed(user: &Analyst, number: usize, is_over: &AtomicBool, seen: &Seen) {
    let versions: Vec<String> = (0..1000).map(|version| format!("{number}.{version}.0")).collect();
    let wildcards: Vec<String> = (0..50).map(|pattern| format!("*{}*.*{pattern}*", pattern % 10)).collect();
    let (first, last) = (hour_text(now() - 89 * 86_400_000), hour_text(now()));
    let trend = |versions: &[String]| {
        json!({"appId": APP, "platformId": 1, "versionList": versions, "startDate": first, "endDate": last, "type": "crash",
            "dataType": "realTimeTrendData", "vm": 0, "needCountryDimension": true, "countryList": [],
            "mergeMultipleVersionsWithInaccurateResult": false})
    };
    let list =
        |versions: &[String]| json!({"appId": APP, "platformId": 1, "version": versions.join(";"), "rows": 500, "sortField": "count"});
    let questions = [
        ("getRealTimeHourlyStatEx", trend(&versions)),
        ("getRealTimeHourlyStatEx", trend(&wildcards)),
        ("queryIssueList", list(&versions)),
        ("queryIssueList", list(&wildcards)),
        ("getTopIssueEx", top(APP)),
        ("crashList", json!({"appId": APP, "crashDataType": "undefined", "platformId": 1, "start": 0, "rows": 100})),
        // Above the bounds: refused before it is looked at.
        ("queryIssueList", list(&vec!["x".repeat(200); 5000])),
    ];
    for turn in number.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let (operation, body) = &questions[turn % questions.len()];
        match user.try_ask(operation, body) {
            Ok(reply) if reply.status == 200 => {
                let code = serde_json::from_str::<Value>(&reply.text).ok().and_then(|reply| reply["code"].as_i64()).unwrap_or(200);
                seen.note("the greedy user's question", if code == 400 { "400".to_owned() } else { "200".to_owned() });
            }
            Ok(reply) => seen.note("the greedy user's question", reply.status),
            Err(error) => seen.note("the greedy user's question", error),
        }
    }
}

const VICTIM: &str = "victim-phone";

/// Posts reports in the name of a device from another address, above its limit.
fn impersonate(pipeline: &Pipeline, is_over: &AtomicBool, seen: &Seen) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        while !is_over.load(Ordering::Relaxed) {
            let end = post_from(Ipv4Addr::new(127, 0, 0, 9), pipeline, 60).await;
            seen.note("in the victim's name", end);
            crate::harness::rest(Duration::from_millis(50)).await;
        }
    });
}

/// The device itself, well within its limit.
fn victim(pipeline: &Pipeline, is_over: &AtomicBool, seen: &Seen) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        while !is_over.load(Ordering::Relaxed) {
            let end = post_from(Ipv4Addr::LOCALHOST, pipeline, 1).await;
            seen.note("the victim's report", end);
            crate::harness::rest(Duration::from_secs(1)).await;
        }
    });
}

async fn post_from(address: Ipv4Addr, pipeline: &Pipeline, reports: usize) -> String {
    let edge: SocketAddr = pipeline.ingest().trim_start_matches("http://").parse().unwrap();
    let report = format!(r#"{{"category":"crash","platformId":1,"deviceId":"{VICTIM}","expName":"x"}}"#);
    let body = format!("[{}]", vec![report; reports].join(","));
    let answer = async { Wire::connect(address, edge).await?.post("/v1/reports", &format!("x-app-key: {KEY}\r\n"), body.as_bytes()).await };
    answer.await.map_or_else(|error| error.to_string(), |answer| answer.status.to_string())
}

/// Connections to the log and the tables that never say who they are.
fn strangers(pipeline: &Pipeline, is_over: &AtomicBool) {
    let address = |name: &str| pipeline.told(name).trim_start_matches("http://").parse::<SocketAddr>().unwrap();
    let places = [address("kafka"), address("clickhouse")];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        while !is_over.load(Ordering::Relaxed) {
            let mut open = Vec::new();
            for number in 0..STRANGERS {
                let connected = Wire::connect(Ipv4Addr::new(127, 0, 0, 10), places[number % places.len()]).await;
                if let Ok(mut wire) = connected {
                    drop(wire.write([0, 0, 0, 4]).await);
                    open.push(wire);
                }
            }
            crate::harness::rest(Duration::from_secs(1)).await;
        }
    });
}

/// What the greedy user began has ended, also where nobody waited for it.
fn nothing_is_left_running(pipeline: &Pipeline) {
    until("no statement is left", || {
        let running =
            pipeline.engine().number("select count() from system.processes where elapsed > 5 and query not like '%system.processes%'");
        if running == 0 { Ok(()) } else { Err(format!("{running} still run")) }
    });
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted.get(sorted.len() * percent / 100).or(sorted.last()).map_or(0.0, Duration::as_secs_f64)
}

fn told(sorted: &[Duration]) -> String {
    format!("{} answers, p50 {:.0} ms, p90 {:.0} ms", sorted.len(), percentile(sorted, 50) * 1e3, percentile(sorted, 90) * 1e3)
}
