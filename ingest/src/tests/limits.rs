//! Limits over real sockets: whom they hold, and what each dialect is told. Addresses are those that a trusted proxy names.

use super::http::{KEY, MESSAGE, Server};
use crate::config::Config;
use serde_json::{Value, json};

const HERE: &str = "203.0.113.9";
const ELSEWHERE: &str = "198.51.100.7";

async fn server(config: Config) -> Server {
    Server::with_log(Config { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..config }).await
}

fn crashes(category: &str, device: &str, count: usize) -> String {
    vec![json!({"category": category, "platformId": 1, "expName": "E", "deviceId": device}).to_string(); count].join("\n")
}

async fn native(server: &Server, address: &str, lines: String) -> (u16, usize, Value) {
    let headers = [("x-app-key", KEY), ("content-type", "application/x-ndjson"), ("x-forwarded-for", address)];
    let answer = server.post("/v1/reports", &headers, lines).await;
    (answer.status, answer.body["accepted"].as_u64().unwrap() as usize, answer.body)
}

/// Two posts of 60 reports that name somebody's phone had its own refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_not_locked_out_by_others_who_name_it() {
    let server = server(Config::default()).await;
    let (_, flood, _) = native(&server, ELSEWHERE, crashes("crash", "victim-phone", 1000)).await;
    assert!(flood < 1000, "who claims to be the phone is limited");
    let (status, taken, body) = native(&server, HERE, crashes("crash", "victim-phone", 60)).await;
    assert_eq!((status, taken), (200, 60), "{body}");
    let message = json!({"platform": "android", "message": "崩溃", "deviceId": "victim-phone"}).to_string();
    assert_eq!(server.post(MESSAGE, &[("x-forwarded-for", HERE)], message).await.status, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_limited_in_every_dialect_and_another_is_not() {
    let server = server(Config { address_reports_per_minute: Some(3), ..Config::default() }).await;
    let (status, taken, body) = native(&server, HERE, crashes("crash", "", 5)).await;
    assert_eq!((status, taken), (200, 3));
    assert_eq!((&body["rejected"][0]["index"], &body["rejected"][0]["scope"]), (&json!(3), &json!("address")), "{body}");
    let auth = format!("Sentry sentry_version=7, sentry_key={KEY}");
    let event = "{}\n{\"type\":\"event\"}\n{\"message\":\"m\"}\n";
    let sentry =
        async |address: &str| server.post("/api/1/envelope/", &[("x-sentry-auth", &auth), ("x-forwarded-for", address)], event).await;
    let answer = sentry(HERE).await;
    let seconds = answer.retry_after.unwrap();
    assert_eq!((answer.status, &answer.headers["x-sentry-rate-limits"]), (429, &format!("{seconds}:error:key:address").parse().unwrap()));
    let answer = server.post(MESSAGE, &[("x-forwarded-for", HERE)], r#"{"platform":"web","message":"m","deviceId":"d"}"#).await;
    assert_eq!((answer.status, &answer.headers["x-limit-scope"]), (429, &"address".parse().unwrap()));
    let starts = "{}\n{\"type\":\"sessions\"}\n{\"aggregates\":[{\"exited\":4}]}\n";
    let answer = server.post("/api/1/envelope/", &[("x-sentry-auth", &auth), ("x-forwarded-for", ELSEWHERE)], starts).await;
    let header = answer.headers["x-sentry-rate-limits"].to_str().unwrap();
    assert!(answer.status == 429 && header.ends_with(":session:key:address"), "four starts in one record are four: {header}");
    assert_eq!(sentry(ELSEWHERE).await.status, 200, "reports are counted apart");
    let metrics = server.ask("/metrics").await.1;
    for dialect in ["native", "sentry", "log-message"] {
        let series = format!(r#"aftershock_reports_total{{dialect="{dialect}",outcome="throttled",reason="PerAddress"}}"#);
        assert!(metrics.contains(&series), "{series}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crashes_pass_when_an_apps_quota_is_nearly_used_up() {
    let server = server(Config { app_reports_per_day: 20, ..Config::default() }).await;
    let (status, taken, body) = native(&server, ELSEWHERE, crashes("error", "", 40)).await;
    assert_eq!((status, taken), (200, 18));
    let fault = &body["rejected"][0];
    assert_eq!((&fault["scope"], fault["message"].as_str().unwrap().contains("kept for crashes")), (&json!("app"), true), "{fault}");
    let (status, taken, _) = native(&server, HERE, crashes("crash", "d1", 3)).await;
    assert_eq!((status, taken), (200, 2));
    let (status, taken, body) = native(&server, HERE, crashes("crash", "d1", 1)).await;
    assert_eq!((status, taken), (429, 0), "{body}");
    let metrics = server.ask("/metrics").await.1;
    assert!(metrics.contains(r#"aftershock_reports_total{dialect="native",outcome="throttled",reason="AppPerDay"}"#));
    server.stop().await;
}
