//! Users of the query service against one another, and against what a key holder put into the tables.

use crate::harness::{APP, Analyst, Engine, KEY, OTHER_APP, OTHER_KEY, Operator, Pipeline, Wire, more_files, until};
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// A user who may see the other app only, and an administrator of it.
const OTHERS: &str = r#"
[[users]]
id = "20001"
key = "cec5b56d-7ae7-43f7-8763-51580aed5fa2"
apps = ["b2c3d4e5f6"]
[[admins]]
token = "operator-of-the-other-app"
apps = ["b2c3d4e5f6"]
"#;

const ISSUE: &str = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";

fn started() -> (Pipeline, Analyst, Analyst) {
    let pipeline = Pipeline::start();
    pipeline.add_credentials(OTHERS);
    let analyst = pipeline.analyst();
    let flooder = Analyst { url: pipeline.query(), id: "20001".to_owned(), key: "cec5b56d-7ae7-43f7-8763-51580aed5fa2".to_owned() };
    until("the other user is known", || match flooder.try_ask("queryIssueList", &json!({"appId": OTHER_APP, "platformId": 1}))?.status {
        200 => Ok(()),
        status => Err(status.to_string()),
    });
    (pipeline, analyst, flooder)
}

/// Puts reports of an app into the tables, at places of the log that no partition has. The columns that matter are expressions over `number`.
fn fill(engine: &Engine, app: &str, count: u64, (version, stack): (&str, &str)) {
    let from = engine.number("select toInt64(count()) from aftershock.occurrences");
    let reply = engine
        .run(&format!(
            "insert into aftershock.occurrences (log_day, log_partition, log_offset, received_at, event_at, hour, report_id, digest, content_id,
                issue_id, app_id, platform_id, platform, category, exception_type, version, country, device, exp_name, exp_message, call_stack)
             select toDate('2026-12-01'), 1000, {from} + number as place, toDateTime64('2026-12-01 00:00:00', 3, 'UTC') + number / 100,
                toDateTime64('2026-12-01 00:00:00', 3, 'UTC'), toDateTime('2026-12-01 00:00:00', 'UTC'), unhex(leftPad(hex(place), 32, '0')),
                toFixedString(toString(place), 32), place, unhex('{ISSUE}'), '{app}', 1, 'android', 'crash', 'Crash', {version}, 'CN',
                cityHash64(number % 20000), '崩溃', '空指针', {stack} from numbers({count})"
        ))
        .unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text);
}

fn filled(pipeline: &Pipeline, app: &str, count: u64, texts: (&str, &str)) {
    fill(&pipeline.engine(), app, count, texts);
}

/// The worst that is accepted, and the worst that once was.
fn worst() -> Vec<Value> {
    let wildcards = |count: usize| (0..count).map(|number| format!("*1*2*3*4*5*{number}*x"));
    let exact = (0..950).map(|number| format!("9.{number}.absent"));
    let question =
        |versions: Vec<String>| json!({"appId": OTHER_APP, "platformId": 1, "rows": 500, "sortField": "count", "versionList": versions});
    vec![question(wildcards(2_000).collect()), question(exact.chain(wildcards(50)).collect())]
}

/// Statements on the tables that run at this moment.
fn running(engine: &Engine) -> i64 {
    engine.number(
        "select toInt64(count()) from system.processes where query ilike '%from occurrences%' and query not like '%system.processes%'",
    )
}

#[test]
fn one_users_flood_gives_another_no_error() {
    let (pipeline, analyst, flooder) = started();
    filled(&pipeline, OTHER_APP, 60_000, ("concat('1.2.3.4.5.', toString(number % 49000))", "'at x'"));
    filled(&pipeline, APP, 10, ("'1.0'", "'at x'"));
    let (stop, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..48 {
            let (flooder, stop, asked, worst) = (&flooder, &stop, &asked, worst());
            scope.spawn(move || {
                while !stop.load(Relaxed) {
                    // What the flooder waits for too long is the flooder's own.
                    if let Ok(reply) = flooder.try_ask("queryIssueList", &worst[thread % 2]) {
                        assert!([200, 429, 503].contains(&reply.status), "{} {}", reply.status, reply.text);
                    }
                    asked.fetch_add(1, Relaxed);
                }
            });
        }
        // Whatever happens below, the flood ends.
        let _end = Stop(&stop);
        until("the flood is on", || if asked.load(Relaxed) > 48 { Ok(()) } else { Err("not yet") });
        let before = asked.load(Relaxed);
        for _ in 0..10 {
            let answer = analyst.ask("queryIssueList", &json!({"appId": APP, "platformId": 1}));
            assert_eq!(answer["ret"]["numFound"], 1, "{answer}");
        }
        assert!(asked.load(Relaxed) > before, "the flood went on meanwhile");
    });
}

struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// A client that leaves frees its place only when its statement has ended: however many leave, a user has two.
#[test]
fn statements_of_clients_that_left_stay_within_the_bound() {
    let (pipeline, analyst, flooder) = started();
    let engine = pipeline.engine();
    filled(&pipeline, OTHER_APP, 400_000, ("concat('1.2.3.4.5.', toString(number % 40000))", "repeat('at x ', 40)"));
    filled(&pipeline, APP, 10, ("'1.0'", "'at x'"));
    let address = flooder.url.split("://").nth(1).unwrap().parse().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (stop, left) = (AtomicBool::new(false), AtomicU64::new(0));
    let most = std::thread::scope(|scope| {
        let leave = |stay: std::time::Duration| {
            // The last page: every row is sorted with all that it is shown by.
            let body = json!({"appId": OTHER_APP, "platformId": 1, "issueId": ISSUE, "rows": 100, "start": 399_900}).to_string();
            while !stop.load(Relaxed) {
                let path = format!("/uniform/openapi/crashList{}", flooder.signature());
                let request = format!("POST {path} HTTP/1.1\r\nhost: q\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                runtime.block_on(async {
                    let mut wire = Wire::connect(Ipv4Addr::LOCALHOST, address).await.unwrap();
                    wire.write(request).await.unwrap();
                    crate::harness::rest(stay).await;
                });
                left.fetch_add(1, Relaxed);
            }
        };
        // On a busy machine the less patient leave before their statement begins.
        let leavers: Vec<_> = (1..=8).map(|leaver| scope.spawn(move || leave(leaver * std::time::Duration::from_millis(50)))).collect();
        let _end = Stop(&stop);
        let mut most = 0;
        until("many have left, and their statements were seen to run", || {
            most = most.max(running(&engine));
            assert!(leavers.iter().all(|leaver| !leaver.is_finished()));
            if left.load(Relaxed) >= 150 && most > 0 { Ok(()) } else { Err(format!("{left:?} left, {most} ran at once")) }
        });
        assert_eq!(analyst.ask("queryIssueList", &json!({"appId": APP, "platformId": 1}))["ret"]["numFound"], 1);
        most
    });
    assert!(most <= 2, "{most} statements of one user ran at once");
    until("all have ended", || match running(&engine) {
        0 => Ok(()),
        running => Err(running.to_string()),
    });
}

#[test]
fn a_page_of_huge_reports_is_small_and_the_detail_has_them_whole() {
    let (pipeline, analyst, _) = started();
    // A mebibyte each, of characters of three bytes.
    for _ in 0..5 {
        filled(&pipeline, APP, 20, ("'1.0'", "repeat('栈', 350000)"));
    }
    let asked = json!({"appId": APP, "platformId": 1, "issueId": ISSUE, "rows": 100});
    let reply = analyst.try_ask("crashList", &asked).unwrap();
    assert!(reply.status == 200 && reply.bytes.len() < 4 << 20, "{} with {} bytes", reply.status, reply.bytes.len());
    let list = reply.json();
    assert_eq!(list["ret"]["numFound"], 100, "{}", list["ret"]["numFound"]);
    let id = list["ret"]["crashIdList"][0].as_str().unwrap();
    let brief = &list["ret"]["crashDatas"][id];
    assert_eq!((brief["callStack"].as_str().unwrap(), &brief["truncated"]), (&*"栈".repeat(4096), &json!(["callStack"])));
    let whole = analyst.ask("crashDoc", &json!({"appId": APP, "platformId": 1, "crashHash": id}));
    assert_eq!(whole["ret"]["crashMap"]["callStack"].as_str().map(str::len), Some(3 * 350_000));
}

/// Versions of 16 KiB, 18,400 of them in one issue, as a key holder could send them.
#[test]
fn versions_as_long_as_a_page_break_no_list() {
    let (pipeline, analyst, _) = started();
    for part in 0..23 {
        let version = format!("concat('1.', toString({part} * 800 + number % 800), repeat('x', 16000))");
        filled(&pipeline, APP, 1_600, (version.as_str(), "'at x'"));
    }
    let about = |more: Value| {
        let mut asked = json!({"appId": APP, "platformId": 1});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        asked
    };
    let list = analyst.ask("queryIssueList", &about(json!({"sortField": "count"})));
    let issue = &list["ret"]["issueList"][0];
    assert_eq!((&list["ret"]["numFound"], &issue["count"], &issue["imeiCount"]), (&json!(1), &json!(36_800), &json!(1_600)), "{issue}");
    let versions = issue["issueVersions"].as_array().unwrap();
    assert!(versions.len() == 100 && versions.iter().all(|version| version["version"].as_str().unwrap().len() == 128), "{issue}");
    let top = analyst.ask("getTopIssueEx", &about(json!({"minDate": "20261201", "maxDate": "20261201", "type": "crash", "limit": 1})));
    assert_eq!(top["data"]["topIssueList"][0]["crashNum"], 36_800, "{top}");
    let info = analyst.ask("issueInfo", &about(json!({"issueId": ISSUE})));
    assert_eq!(info["ret"]["count"], 36_800, "{info}");
}

/// Where health is asked for.
fn health(pipeline: &Pipeline) -> std::net::SocketAddr {
    pipeline.admin("query_admin").split("://").nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_flood_of_readiness_takes_nothing_from_analysts() {
    more_files();
    let (pipeline, analyst, _) = started();
    filled(&pipeline, APP, 10, ("'1.0'", "'at x'"));
    let (address, runtime) = (health(&pipeline), tokio::runtime::Runtime::new().unwrap());
    let flood: Vec<_> = (0..600)
        .map(|_| {
            runtime.spawn(async move {
                let Ok(mut wire) = Wire::connect(Ipv4Addr::LOCALHOST, address).await else { return };
                while wire.write("GET /readyz HTTP/1.1\r\nhost: q\r\n\r\n").await.is_ok() {
                    let Ok(answer) = wire.answer().await else { return };
                    assert!([200, 503].contains(&answer.status), "{}", answer.head);
                }
            })
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(analyst.ask("queryIssueList", &json!({"appId": APP, "platformId": 1}))["ret"]["numFound"], 1);
    }
    assert!(flood.iter().any(|client| !client.is_finished()), "the flood goes on");
    runtime.shutdown_background();
}

#[test]
fn an_administrator_of_one_app_sees_and_changes_nothing_of_another() {
    let (pipeline, ..) = started();
    let (all, one) = (pipeline.operator(), Operator { url: pipeline.query(), token: "operator-of-the-other-app".to_owned() });
    for (key, device) in [(KEY, "phone"), (OTHER_KEY, "attacker")] {
        let report =
            json!({"category": "error", "platformId": 10, "deviceId": device, "expMessage": "load failed", "callStack": "at load"});
        pipeline.deliver("/v1/reports", &[("x-app-key", key), ("content-type", "application/json")], report.to_string().as_bytes());
    }
    all.drained();
    let list = "/v1/admin/log/message/error/list?size=20";
    let entry = |app: &str| all.get(&format!("{list}&appId={app}"))["data"]["list"][0].clone();
    let (mine, theirs) = (entry(APP), entry(OTHER_APP));
    assert_eq!((&mine["id"], &mine["deviceId"], &theirs["deviceId"]), (&theirs["id"], &json!("phone"), &json!("attacker")));
    let detail =
        |operator: &Operator, app: &str| operator.try_get(&format!("/v1/admin/log/message/error/detail?id={}{app}", mine["id"])).unwrap();
    let shown = |reply: crate::harness::Reply| {
        let data = reply.json()["data"].clone();
        (data["appId"].clone(), data["deviceId"].clone(), data["count"].clone())
    };
    assert_eq!(shown(detail(&all, &format!("&appId={APP}"))), (json!(APP), json!("phone"), json!(1)));
    assert_eq!(shown(detail(&all, &format!("&appId={OTHER_APP}"))), (json!(OTHER_APP), json!("attacker"), json!(1)));
    assert_eq!(shown(detail(&one, "")), (json!(OTHER_APP), json!("attacker"), json!(1)));
    assert_eq!(all.get(list)["data"]["total"], 2, "an entry for each app");
    assert_eq!((&one.get(list)["data"]["total"], &one.get(list)["data"]["list"][0]["appId"]), (&json!(1), &json!(OTHER_APP)));

    assert_eq!(detail(&one, &format!("&appId={APP}")).status, 403);
    for path in [
        &*format!("{list}&appId={APP}"),
        &format!("/v1/admin/issues/aliases?appId={APP}&platformId=10"),
        &format!("/v1/admin/stats/active?app_id={APP}&date=2026-12-01"),
        &format!("/v1/admin/releases?app_id={APP}"),
    ] {
        assert_eq!(one.try_get(path).unwrap().status, 403, "{path}");
    }
    let release = json!({"app_id": APP, "platform": "windows", "version": "99.0", "download_url": "https://evil.example/x"});
    let merge = json!({"appId": APP, "platformId": 10, "issues": [ISSUE], "into": ISSUE});
    for (path, told) in [("/v1/admin/releases", release), ("/v1/admin/issues/merge", merge.clone()), ("/v1/admin/issues/unmerge", merge)] {
        assert_eq!(one.try_post(path, &told).unwrap().status, 403, "{path}");
    }
    assert_eq!(one.try_delete(&format!("/v1/admin/releases?app_id={APP}&platform=windows&version=99.0")).unwrap().status, 403);
}
