//! The Sentry dialect over real sockets: who may send, what is answered, what is counted.

use super::http::{KEY, SEALED_KEY, Server};
use crate::config::Config;
use serde_json::json;

const ENVELOPE: &str = "/api/1/envelope/";
const STORE: &str = "/api/1/store/";
const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

/// An envelope with an event, packed by Google's encoder (the `brotli` package of Python).
pub(super) const BROTLI: &[u8] = &[
    27, 110, 0, 80, 44, 10, 236, 6, 109, 131, 238, 134, 62, 44, 224, 116, 107, 49, 84, 139, 236, 145, 162, 207, 210, 88, 218, 76, 203, 169,
    211, 185, 165, 254, 108, 80, 128, 9, 45, 57, 61, 152, 58, 10, 125, 78, 57, 112, 104, 129, 84, 158, 120, 78, 39, 190, 7, 92, 141, 196,
    40, 45, 159, 35, 62, 143, 2, 53, 119, 82, 181, 153, 105, 114, 95, 168, 171, 71, 126, 62, 233, 105, 69, 92, 182, 130, 7, 48, 44, 62,
    190, 89, 159, 161, 122, 65, 20, 120, 49, 29,
];

fn auth(key: &str) -> String {
    format!("Sentry sentry_version=7, sentry_client=test/1, sentry_key={key}")
}

fn envelope(items: &[&str]) -> String {
    format!("{{\"event_id\":\"{ID}\"}}\n{}\n", items.join("\n"))
}

const EVENT: &str = "{\"type\":\"event\"}\n{\"message\":\"支付失败\",\"user\":{\"id\":\"u1\"}}";
const SESSION: &str = "{\"type\":\"session\"}\n{\"sid\":\"s1\",\"did\":\"d1\",\"init\":true,\"started\":\"2025-11-21T04:39:00Z\",\"attrs\":{\"release\":\"1.0\"}}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envelopes_and_events_are_answered_with_their_id() {
    let server = Server::with_log(Config::default()).await;
    let header = auth(KEY);
    let key = [("x-sentry-auth", header.as_str())];
    let answer = server.post(ENVELOPE, &key, envelope(&[EVENT, SESSION])).await;
    assert_eq!((answer.status, answer.body), (200, json!({"id": ID})));
    let answer = server.post(STORE, &key, r#"{"message":"崩溃","event_id":"9EC79C33-EC99-42AB-8353-589FCB2E04DC"}"#).await;
    assert_eq!((answer.status, answer.body), (200, json!({"id": ID})));
    let answer = server.post(STORE, &key, r#"{"message":"崩溃"}"#).await;
    assert!(answer.body["id"].as_str().is_some_and(|id| id.len() == 32), "{}", answer.body);
    let answer = server.post(ENVELOPE, &key, format!("{{}}\n{SESSION}")).await;
    assert_eq!((answer.status, answer.body), (200, json!({})));
    let unused = [
        "{\"type\":\"transaction\"}\n{}",
        "{\"type\":\"minidump\"}\nMDMP",
        "{\"type\":\"client_report\"}\n{\"discarded_events\":[{\"reason\":\"queue_overflow\",\"category\":\"error\",\"quantity\":23}]}",
    ];
    let answer = server.post(ENVELOPE, &key, envelope(&unused)).await;
    assert_eq!((answer.status, answer.body), (200, json!({"id": ID})));
    let answer = server.post(ENVELOPE, &key, envelope(&["{\"type\":\"event\"}\nnot json", EVENT])).await;
    assert_eq!(answer.status, 200, "a bad item costs none of its neighbours");

    let metrics = server.ask("/metrics").await.1;
    for series in [
        r#"aftershock_reports_total{dialect="sentry",outcome="accepted",reason=""} "#,
        r#"aftershock_reports_total{dialect="sentry",outcome="rejected",reason="InvalidParams"} "#,
        r#"aftershock_connections_total{dialect="sentry",outcome="accepted",reason=""} "#,
        r#"aftershock_unused_items_total{kind="transaction"}"#,
        r#"aftershock_unused_items_total{kind="other"}"#,
        r#"aftershock_client_discarded_total{category="error",reason="queue_overflow"} 23"#,
    ] {
        assert!(metrics.contains(series), "{series}\n{metrics}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_may_stand_in_a_header_the_query_or_the_envelope_and_must_be_the_projects() {
    let server = Server::with_log(Config::default()).await;
    let with_dsn = format!("{{\"dsn\":\"https://{KEY}@shop.cn/1\"}}\n{EVENT}\n");
    let query = format!("{ENVELOPE}?sentry_version=7&sentry_key={KEY}&sentry_client=x");
    let legacy = format!("Sentry sentry_key={KEY}");
    assert_eq!(server.post(&query, &[], envelope(&[EVENT])).await.status, 200);
    assert_eq!(server.post("/api/1/envelope", &[], with_dsn.clone()).await.status, 200);
    assert_eq!(server.post(STORE, &[("authorization", &legacy)], "{}").await.status, 200);
    assert_eq!(server.post(&query, &[("content-encoding", "br")], BROTLI).await.status, 200);
    let zipped = zstd::encode_all(with_dsn.as_bytes(), 1).unwrap();
    assert_eq!(server.post(ENVELOPE, &[("content-encoding", "zstd")], zipped).await.status, 200);

    let (unknown, other) = (auth("nobody"), auth(SEALED_KEY));
    type Headers<'a> = &'a [(&'static str, &'a str)];
    let cases: [(&str, Headers<'_>, u16); 5] = [
        (ENVELOPE, &[], 401),
        (STORE, &[], 401),
        (ENVELOPE, &[("x-sentry-auth", unknown.as_str())], 401),
        (ENVELOPE, &[("x-sentry-auth", other.as_str())], 403),
        ("/api/one/envelope/", &[("x-sentry-auth", other.as_str())], 403),
    ];
    for (path, headers, status) in cases {
        let answer = server.post(path, headers, envelope(&[EVENT])).await;
        assert_eq!(answer.status, status, "{path} {headers:?}");
        let detail = answer.body["detail"].as_str().unwrap();
        assert_eq!(answer.headers["x-sentry-error"], detail);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_say_what_clients_go_by() {
    let server = Server::with_log(Config { reports_per_minute: 1, ..Config::default() }).await;
    let header = auth(KEY);
    let key = ("x-sentry-auth", header.as_str());
    assert_eq!(server.post(ENVELOPE, &[key], envelope(&[EVENT])).await.status, 200);
    let answer = server.post(ENVELOPE, &[key], envelope(&[EVENT])).await;
    assert_eq!(answer.status, 429);
    let seconds = answer.retry_after.unwrap();
    assert_eq!(answer.headers["x-sentry-rate-limits"], format!("{seconds}:default:key:device"), "others report by this client too");
    assert_eq!(answer.headers["x-limit-scope"], "device");
    let answer = server.post(ENVELOPE, &[key], envelope(&[EVENT, SESSION])).await;
    assert_eq!((answer.status, answer.headers.contains_key("x-sentry-rate-limits")), (200, true), "the session was taken");

    for (path, body, encoding, status) in [
        (ENVELOPE, b"nonsense".to_vec(), "identity", 400),
        (STORE, b"nonsense".to_vec(), "identity", 400),
        (STORE, b"[]".to_vec(), "identity", 400),
        (ENVELOPE, envelope(&["{\"type\":\"event\"}\n{"]).into_bytes(), "identity", 400),
        (ENVELOPE, b"{}".to_vec(), "compress", 415),
        (ENVELOPE, zstd::encode_all(&vec![b' '; 9 << 20][..], 1).unwrap(), "zstd", 413),
        (ENVELOPE, vec![b' '; (8 << 20) + 1], "identity", 413),
    ] {
        let answer = server.post(path, &[key, ("content-encoding", encoding)], body).await;
        assert_eq!(answer.status, status, "{path} {encoding}");
        assert!(answer.body["detail"].is_string() && answer.headers.contains_key("x-sentry-error"), "{}", answer.body);
    }
    server.stop().await;
    let server = Server::without_log(Config::default()).await;
    let answer = server.post(ENVELOPE, &[key], envelope(&[EVENT, SESSION])).await;
    assert_eq!((answer.status, answer.retry_after), (503, Some(2)));
    server.stop().await;
}
