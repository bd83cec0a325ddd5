//! What every client may see go wrong, seen as the client sees it; and the dead letters of what no edge wrote.

use crate::harness::{APP, KEY, Pipeline, get, post_with, until};
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn every_dialect_answers_errors_in_its_own_words() {
    let pipeline = Pipeline::start();
    let post = |path: &str, headers: &[(&str, &str)], body: &Value| {
        let reply = post_with(&format!("{}{path}", pipeline.ingest()), headers, body.to_string().as_bytes()).unwrap();
        let json = reply.json();
        (reply.status, json["code"].clone())
    };
    let report = "/v1/common/log/message/report";
    assert_eq!(post(report, &[JSON], &json!({"platform": "android"})), (400, json!(400)), "no message");
    assert_eq!(post(report, &[JSON], &json!({"platform": "android", "message": 5})), (400, json!(400)), "wrong type");
    assert_eq!(
        post(report, &[JSON, ("x-app-key", "ffffffffffffffff")], &json!({"platform": "a", "message": "m"})),
        (401, json!(40005)),
        "unknown key"
    );
    assert_eq!(post("/api/v1/error/report", &[JSON], &json!({"app_key": "ffffffffffffffff"})), (401, json!(401)));
    assert_eq!(post("/api/v1/error/report", &[JSON], &json!({"app_key": KEY, "machine_id": 5})), (400, json!(400)));
    assert_eq!(post("/v1/reports", &[JSON], &json!({"category": "crash", "platformId": 1, "expName": "E"})).0, 401, "no key");
    assert_eq!(post("/v1/reports", &[JSON, ("x-app-key", KEY)], &json!({"category": "crash"})).0, 400, "no platform");
    assert_eq!(get(&format!("{}/nowhere", pipeline.ingest()), &[]).unwrap().status, 404);
    assert_eq!(get(&format!("{}/v1/reports", pipeline.ingest()), &[]).unwrap().status, 405);
    let large = vec![b' '; 9 << 20];
    let reply = post_with(&format!("{}/v1/reports", pipeline.ingest()), &[JSON, ("x-app-key", KEY)], &large).unwrap();
    assert_eq!(reply.status, 413, "a body above the limit: {}", reply.text);
}

#[test]
fn the_openapi_answers_to_those_it_knows() {
    let pipeline = Pipeline::start();
    let analyst = pipeline.analyst();
    let body = json!({"appId": APP, "platformId": 1, "startDate": "2026010100", "endDate": "2026010101", "type": "crash", "dataType": "realTimeTrendData", "vm": 0});
    let status = |analyst: &crate::harness::Analyst, body: &Value| analyst.try_ask("getRealTimeHourlyStatEx", body).unwrap().status;
    assert_eq!(status(&analyst, &body), 200);
    assert_eq!(
        status(&crate::harness::Analyst { key: "00000000-0000-0000-0000-000000000000".to_owned(), ..analyst.clone() }, &body),
        401,
        "wrong key"
    );
    assert_eq!(status(&crate::harness::Analyst { id: "nobody".to_owned(), ..analyst.clone() }, &body), 401, "unknown user");
    let mut other = body.clone();
    other["appId"] = crate::harness::OTHER_APP.into();
    assert_eq!(status(&analyst, &other), 403, "an app of somebody else");
    let stale = analyst.signature_at(1000);
    let reply = post_with(&format!("{}/uniform/openapi/getRealTimeHourlyStatEx{stale}", analyst.url), &[JSON], body.to_string().as_bytes())
        .unwrap();
    assert_eq!(reply.status, 401, "a signature of long ago");
    assert_eq!(get(&format!("{}/v1/admin/pipeline", analyst.url), &[]).unwrap().status, 401, "no token");

    let document = get(&format!("{}/openapi.json", analyst.url), &[]).unwrap().json();
    assert!(document["paths"]["/uniform/openapi/getRealTimeHourlyStatEx"]["post"].is_object(), "{document}");
}

#[test]
fn bytes_that_no_edge_wrote_become_dead_letters_once_and_hold_nothing_up() {
    let pipeline = Pipeline::start();
    let report = json!({"category": "error", "platformId": 10, "eventId": "e-1", "expMessage": "之后"});
    pipeline.deliver("/v1/reports", &[("x-app-key", KEY), JSON], report.to_string().as_bytes());
    pipeline.operator().drained();
    let poison: Vec<(Vec<u8>, Vec<u8>)> = (0..6_u8).map(|n| (vec![n], vec![0xC3, 0x01, n])).collect();
    let positions = pipeline.broker().append("raw-reports", &poison);
    let second = json!({"category": "error", "platformId": 10, "eventId": "e-2", "expMessage": "之后"});
    pipeline.deliver("/v1/reports", &[("x-app-key", KEY), JSON], second.to_string().as_bytes());
    let engine = pipeline.engine();
    until("the dead letters are in their table", || match engine.number("select count() from aftershock.rejected_reports") {
        6 => Ok(()),
        other => Err(other),
    });
    pipeline.operator().drained();
    assert_eq!(engine.number("select count() from aftershock.occurrences"), 2);
    for (partition, offset) in positions {
        let rows = engine.rows(&format!(
            "select payload, reason from aftershock.rejected_reports where source_partition = {partition} and source_offset = {offset}"
        ));
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert!(!rows[0]["reason"].as_str().unwrap().is_empty() && rows[0]["payload"].as_str().unwrap().starts_with("wwE"), "{rows:?}");
    }
}
