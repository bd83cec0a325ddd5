//! The edge's answers while query or the processor have all the work that they take. Calm and work take turns in one run, and only ratios count: the
//! machine may be busy with something else at any time, so the best round of several decides.

use super::{child, edge, report};
use crate::harness::{APP, Analyst, KEY, Pipeline, signal, until};
use crate::hostile::ordinary::{self, Seen};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::runtime::Runtime;

const ROUNDS: usize = 6;
const ROUND: Duration = Duration::from_secs(3);
/// What the 99th percentile under work may be of that in the calm.
const MOST: f64 = 3.0;

/// Compares the calm with what `work` gives, until a round is good enough.
fn assert_unhurt(pipeline: &Pipeline, mut work: impl FnMut(&dyn Fn() -> Seen) -> Seen) {
    let runtime = Runtime::new().unwrap();
    let measure = || runtime.block_on(ordinary::run(edge(pipeline), ROUND));
    measure();
    let (mut calm, mut ratios) = (Duration::MAX, Vec::new());
    while ratios.len() < ROUNDS && ratios.iter().all(|ratio| *ratio > MOST) {
        let still = measure();
        let busy = work(&measure);
        println!("calm {still}\nbusy {busy}");
        let failures: Vec<&String> = still.failures.iter().chain(&busy.failures).collect();
        assert!(failures.is_empty(), "a report was not accepted: {failures:?}");
        calm = calm.min(still.percentile(99));
        ratios.push(busy.percentile(99).as_secs_f64() / calm.as_secs_f64());
    }
    assert!(ratios.iter().any(|ratio| *ratio <= MOST), "p99 under work by that of the calm, round by round: {ratios:.1?}");
}

/// Reports of many versions and issues, so that questions have something to work on.
fn fill(pipeline: &Pipeline, first: u64, count: u64) {
    let numbers: Vec<u64> = (first..first + count).collect();
    for batch in numbers.chunks(500) {
        let line = |number: &u64| {
            let mut report: Value = serde_json::from_str(&report(*number)).unwrap();
            report["productVersion"] = format!("1.{}.{}", number % 100, number % 5_000).into();
            report["expName"] = format!("Fault{}", number % 300).into();
            report["callStack"] = format!("at com.shop.Screen{}.open(Screen.java:{})", number % 300, number % 90).into();
            report.to_string()
        };
        let body = batch.iter().map(line).collect::<Vec<_>>().join("\n");
        pipeline.deliver("/v1/reports", &[("x-app-key", KEY), ("content-type", "application/x-ndjson")], body.as_bytes());
    }
}

/// The heaviest questions: far above every bound, just below, and plain ones over all that there is.
fn questions() -> Vec<(&'static str, Value)> {
    let letters: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').collect();
    let name = |number: usize| [number / 3844, number / 62 % 62, number % 62].map(|place| letters[place % 62]).iter().collect::<String>();
    let list = |count: usize, shape: &dyn Fn(usize) -> String| (0..count).map(shape).collect::<Vec<_>>().join(";");
    let issues = |versions: String| ("queryIssueList", json!({"appId": APP, "platformId": 1, "version": versions}));
    let trend = |versions: Vec<String>| {
        let body = json!({"appId": APP, "platformId": 1, "type": "crash", "dataType": "realTimeTrendData", "vm": 0, "versionList": versions,
            "startDate": "2026090200", "endDate": "2026113000", "needCountryDimension": true, "countryList": []});
        ("getRealTimeHourlyStatEx", body)
    };
    vec![
        issues(list(100_000, &name)),
        issues(list(1_000, &|number| format!("1.{}.{number}", number % 100))),
        issues(list(2_000, &|number| format!("*{}*", name(number)))),
        issues(list(50, &|number| format!("*{number}*"))),
        issues("-1".to_owned()),
        trend((0..500).map(|number| format!("*{}*", name(number))).collect()),
        trend((0..50).map(|number| format!("*{number}*")).collect()),
    ]
}

#[test]
fn the_worst_questions_do_not_slow_the_edge() {
    const ASKERS: usize = 8;
    let pipeline = Pipeline::start();
    fill(&pipeline, 0, 10_000);
    pipeline.operator().drained();
    let (questions, asked) = (questions(), AtomicU64::new(0));
    assert_unhurt(&pipeline, |measure| {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for first in 0..ASKERS {
                let (analyst, questions, over, asked) = (pipeline.analyst(), &questions, &over, &asked);
                scope.spawn(move || ask(&analyst, questions.iter().cycle().skip(first), over, asked));
            }
            until("all have asked", || if asked.load(Relaxed) >= ASKERS as u64 { Ok(()) } else { Err("not yet") });
            let busy = measure();
            over.store(true, Relaxed);
            busy
        })
    });
}

fn ask<'a>(analyst: &Analyst, questions: impl Iterator<Item = &'a (&'static str, Value)>, over: &AtomicBool, asked: &AtomicU64) {
    for (operation, body) in questions {
        if over.load(Relaxed) {
            return;
        }
        asked.fetch_add(1, Relaxed);
        // Refused, slow or unanswered: how query takes it is another test's matter.
        let _ = analyst.try_ask(operation, body);
    }
}

#[test]
fn a_backlog_of_the_processor_does_not_slow_the_edge() {
    let pipeline = Pipeline::start();
    let (mut next, mut count) = (0, 20_000);
    assert_unhurt(&pipeline, |measure| {
        let processor = child(&pipeline, "processor");
        signal(processor, "STOP");
        fill(&pipeline, next, count);
        next += count;
        signal(processor, "CONT");
        let busy = measure();
        let lag = pipeline.operator().get("/v1/admin/pipeline")["lag"].as_i64().unwrap();
        if lag == 0 {
            // It was done before we were: what was measured is no backlog.
            count *= 2;
        }
        pipeline.operator().drained();
        if lag == 0 { Seen { answered: vec![Duration::MAX], failures: Vec::new() } } else { busy }
    });
}

#[test]
fn a_query_process_that_stands_still_does_not_slow_the_edge() {
    let pipeline = Pipeline::start();
    assert_unhurt(&pipeline, |measure| {
        let query = child(&pipeline, "query");
        signal(query, "STOP");
        let busy = measure();
        signal(query, "CONT");
        busy
    });
    pipeline.operator().drained();
}
