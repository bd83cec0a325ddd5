//! The edge over real sockets: with a log that cannot be reached, and with one that acknowledges (the client library's
//! own in-process broker; the real ones are met in the end-to-end suite).

use crate::config::{Config, Disk, Publish};
use serde_json::{Value, json};
use service::config::{Size, Span};
use service::credentials::{App, Cipher, Credentials, Keyring};
use service::http::{Client, HeaderMap, HeaderName, Listeners, Method};
use service::kafka;
use service::shutdown::{Shutdown, Trigger};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(super) const KEY: &str = "534a235d30f13cac";
pub(super) const SEALED_KEY: &str = "00000000000000aa";
/// Longer than anything here takes; only a failure waits so long.
pub(super) const TIMEOUT: Duration = Duration::from_secs(20);
pub(super) const MESSAGE: &str = "/v1/common/log/message/report";

pub(super) struct Server {
    pub(super) url: String,
    admin: String,
    trigger: Trigger,
    task: JoinHandle<Result<(), crate::Error>>,
    pub(super) client: Client,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<u64>,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Server {
    /// With a log at a port where nobody listens.
    pub(super) async fn without_log(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = listener.local_addr().unwrap();
        drop(listener);
        let publish = Publish { ack_timeout: Span::millis(300), ..Publish::default() };
        Self::start(Config { publish, ..config }, kafka::Config { brokers: nobody.to_string(), ..kafka::Config::default() }).await
    }

    pub(super) async fn with_log(config: Config) -> Self {
        Self::with_log_for(config, keyring()).await
    }

    /// For other apps than the usual ones.
    pub(super) async fn with_log_for(config: Config, keyring: Keyring) -> Self {
        let mut kafka = kafka::Config::default();
        kafka.properties.insert("test.mock.num.brokers".to_owned(), "1".into());
        // Each client has a broker of its own then; that of the releases makes its empty topic by itself.
        kafka.properties.insert("allow.auto.create.topics".to_owned(), "true".into());
        Self::run(config, kafka, keyring).await
    }

    async fn start(config: Config, kafka: kafka::Config) -> Self {
        Self::run(config, kafka, keyring()).await
    }

    async fn run(config: Config, kafka: kafka::Config, keyring: Keyring) -> Self {
        let bind = || TcpListener::bind("127.0.0.1:0");
        let listeners = Listeners { public: bind().await.unwrap(), admin: bind().await.unwrap() };
        let [url, admin] = [&listeners.public, &listeners.admin].map(|listener| format!("http://{}", listener.local_addr().unwrap()));
        let (trigger, shutdown) = Shutdown::new();
        let task = tokio::spawn(crate::run(config, kafka, keyring, listeners, shutdown));
        Self { url, admin, trigger, task, client: Client::new(TIMEOUT) }
    }

    pub(super) async fn post(&self, path: &str, headers: &[(&'static str, &str)], body: impl Into<bytes::Bytes>) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::from_static(name), value.parse().unwrap());
        }
        let answer = self.client.send(Method::POST, &format!("{}{path}", self.url), map, body).await.unwrap();
        let retry_after = answer.headers.get("retry-after").map(|value| value.to_str().unwrap().parse().unwrap());
        let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        Answer { status: answer.status.as_u16(), retry_after, headers: answer.headers, body }
    }

    pub(super) async fn get(&self, path: &str) -> (u16, String) {
        self.get_at(&self.url, path).await
    }

    /// What its operators read.
    pub(super) async fn ask(&self, path: &str) -> (u16, String) {
        self.get_at(&self.admin, path).await
    }

    async fn get_at(&self, url: &str, path: &str) -> (u16, String) {
        let answer = self.client.get(&format!("{url}{path}")).await.unwrap();
        (answer.status.as_u16(), String::from_utf8(answer.body.to_vec()).unwrap())
    }

    pub(super) async fn stop(self) {
        self.trigger.fire();
        tokio::time::timeout(TIMEOUT, self.task).await.expect("the edge ends").unwrap().unwrap();
    }
}

fn keyring() -> Keyring {
    let app = |id: &str, key: &str, sealed: bool| App {
        id: id.to_owned(),
        sentry_project: Some(if sealed { 2 } else { 1 }),
        key: key.into(),
        default: !sealed,
        device_secrets: if sealed { vec!["设备密钥".into()] } else { Vec::new() },
        device_cipher: Cipher::Aes256Cbc,
        device_required: sealed,
        ..App::default()
    };
    Keyring::fixed(Credentials::new(vec![app("open", KEY, false), app("sealed", SEALED_KEY, true)], Vec::new(), Vec::new()).unwrap())
}

fn error_report(key: &str) -> String {
    json!({"app_key": key, "machine_id": "m", "software_version": "1.0", "error_type": "T", "error_message": "出错"}).to_string()
}

const PLAIN: &str = r#"{"platform":"web","message":"支付失败","deviceId":"d1"}"#;
const NATIVE: &str = r#"{"category":"crash","platformId":1,"expName":"E","deviceId":"d1"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_room_is_a_503_in_every_dialect() {
    let disk = Disk { folder: Some(std::env::temp_dir()), min_free: Some(Size(u64::MAX)) };
    let server = Server::with_log(Config { disk, ..Config::default() }).await;
    let envelope = "{}\n{\"type\":\"event\"}\n{\"level\":\"fatal\"}\n";
    let auth = format!("Sentry sentry_key={KEY}");
    for (path, headers, body) in [
        (MESSAGE, vec![], PLAIN.to_owned()),
        ("/api/v1/error/report", vec![], error_report(KEY)),
        ("/v1/reports", vec![("x-app-key", KEY)], NATIVE.to_owned()),
        ("/v1/connections", vec![("x-app-key", KEY)], r#"{"platformId":1,"deviceId":"d1"}"#.to_owned()),
        ("/api/1/envelope/", vec![("x-sentry-auth", auth.as_str())], envelope.to_owned()),
    ] {
        let answer = server.post(path, &headers, body).await;
        assert_eq!((answer.status, answer.retry_after), (503, Some(30)), "{path}: {}", answer.body);
    }
    let unknown = server.post("/v1/reports", &[("x-app-key", "0000000000000000")], NATIVE).await;
    assert_eq!(unknown.status, 401, "who has no key learns nothing");
    let metrics = service::telemetry::render();
    assert!(metrics.contains(r#"aftershock_reports_total{dialect="native",outcome="rejected",reason="DiskFull"}"#), "{metrics}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_does_not_acknowledge_is_a_503_in_every_dialect() {
    let server = Server::without_log(Config::default()).await;
    let (alive, _) = server.get("/healthz").await;
    let (ready, missing) = server.ask("/readyz").await;
    assert_eq!((alive, ready), (200, 503));
    let hidden = [server.get("/readyz").await.0, server.get("/metrics").await.0];
    assert_eq!((hidden, server.ask("/healthz").await.0), ([404, 404], 200), "the public port says no more than that it is alive");
    assert!(missing.contains("the log"), "{missing}");

    let begun = Instant::now();
    let answer = server.post(MESSAGE, &[], PLAIN).await;
    assert_eq!(answer.body, json!({"code": 10001, "msg": "DatabaseQueryError"}));
    assert_eq!((answer.status, answer.retry_after), (503, Some(2)));
    for (path, body) in [
        ("/api/v1/error/report", error_report(KEY)),
        ("/api/v1/user/heartbeat", json!({"app_key": KEY, "machine_id": "m", "version": "1"}).to_string()),
        ("/api/v1/version/check", json!({"app_key": KEY, "current_version": "1.0", "platform": "windows"}).to_string()),
    ] {
        let answer = server.post(path, &[], body).await;
        assert_eq!((answer.status, &answer.body["code"], answer.retry_after), (503, &json!(503), Some(2)), "{path}");
    }
    let answer = server.post("/v1/reports", &[("x-app-key", KEY)], format!("[{NATIVE},{{}}]")).await;
    assert_eq!((answer.status, answer.retry_after), (503, Some(2)));
    assert_eq!((&answer.body["accepted"], &answer.body["ids"]), (&json!(0), &json!([null, null])));
    let codes: Vec<&Value> = answer.body["rejected"].as_array().unwrap().iter().map(|fault| &fault["code"]).collect();
    assert_eq!(codes, ["LogUnavailable", "InvalidParams"]);
    assert!(begun.elapsed() < TIMEOUT / 4, "{:?}", begun.elapsed());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_a_503_at_once() {
    let publish = Publish { busy_above: 0, ack_timeout: Span::millis(300), ..Publish::default() };
    let kafka = kafka::Config { brokers: "127.0.0.1:1".to_owned(), ..kafka::Config::default() };
    let server = Server::start(Config { publish, ..Config::default() }, kafka).await;
    let answer = server.post("/v1/reports", &[("x-app-key", KEY)], NATIVE).await;
    assert_eq!((answer.status, answer.retry_after), (503, Some(1)));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_log_has_is_answered_in_each_dialects_words() {
    let server = Server::with_log(Config::default()).await;
    let answer = server.post(MESSAGE, &[], PLAIN).await;
    let content = schemas::digest::Content::of(["支付失败", "", "", "", "web"]);
    assert_eq!(answer.body, json!({"code": 0, "msg": "OK", "data": {"id": content.id()}}));
    assert_eq!(answer.status, 200);
    let answer = server.post("/api/v1/error/report", &[], error_report(KEY)).await;
    assert_eq!(answer.body, json!({"code": 200, "message": "错误上报成功", "data": {"recorded": true}}));
    let beat = json!({"app_key": KEY, "machine_id": "m", "version": "1"}).to_string();
    let answer = server.post("/api/v1/user/heartbeat", &[], beat).await;
    assert_eq!(answer.body, json!({"code": 200, "message": "心跳记录成功", "data": {"recorded": true}}));

    let lines = format!("{NATIVE}\nnot json\n{NATIVE}");
    let answer = server.post("/v1/reports", &[("x-app-key", KEY), ("content-type", "application/x-ndjson")], lines).await;
    assert_eq!((answer.status, &answer.body["accepted"]), (200, &json!(2)));
    assert_eq!((&answer.body["rejected"][0]["index"], &answer.body["rejected"][0]["code"]), (&json!(1), &json!("InvalidParams")));
    let ids = answer.body["ids"].as_array().unwrap();
    assert!(ids[1].is_null() && ids[0] != ids[2]);
    assert!(ids[0].as_str().unwrap().parse::<schemas::ids::ReportId>().is_ok());
    let answer = server.post("/v1/connections", &[("x-app-key", KEY)], r#"{"platformId":1}"#).await;
    assert_eq!((answer.status, &answer.body["accepted"], &answer.body["rejected"]), (200, &json!(1), &json!([])));

    assert_eq!(server.ask("/readyz").await.0, 200);
    let metrics = server.ask("/metrics").await.1;
    for series in [
        r#"aftershock_reports_total{dialect="native",outcome="accepted",reason=""}"#,
        r#"aftershock_reports_total{dialect="native",outcome="rejected",reason="InvalidParams"}"#,
        r#"aftershock_connections_total{dialect="app-key",outcome="accepted",reason=""}"#,
        r#"aftershock_received_bytes_total{dialect="log-message"}"#,
        "aftershock_publish_queue_records",
    ] {
        assert!(metrics.contains(series), "{series}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_send_is_told_so() {
    let server = Server::without_log(Config::default()).await;
    let no_access = json!({"code": 40005, "msg": "NoAccess"});
    let answer = server.post(MESSAGE, &[("x-app-key", "nobody")], PLAIN).await;
    assert_eq!((answer.status, answer.body), (401, no_access.clone()));
    let answer = server.post(MESSAGE, &[("x-app-key", SEALED_KEY)], PLAIN).await;
    assert_eq!((answer.status, answer.body), (403, no_access));
    let answer = server.post(MESSAGE, &[("login-type", "device")], r#"{"data":"x","time":"y"}"#).await;
    assert_eq!((answer.status, answer.body), (400, json!({"code": 40007, "msg": "SecretIsEmpty"})));
    for body in [error_report("nobody"), "{}".to_owned(), r#"{"app_key":"nobody","machine_id":5}"#.to_owned()] {
        let answer = server.post("/api/v1/error/report", &[], body).await;
        assert_eq!((answer.status, &answer.body["code"]), (401, &json!(401)));
    }
    for headers in [&[][..], &[("x-app-key", "nobody")], &[("x-app-key", "")]] {
        for path in ["/v1/reports", "/v1/connections"] {
            let answer = server.post(path, headers, NATIVE).await;
            assert_eq!((answer.status, &answer.body["code"], &answer.body["accepted"]), (401, &json!("UnknownApp"), &json!(0)));
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_requests_are_refused_in_each_dialects_words() {
    let server = Server::without_log(Config::default()).await;
    let key = ("x-app-key", KEY);
    let answer = server.post(MESSAGE, &[], r#"{"platform":"web"}"#).await;
    assert_eq!((answer.status, answer.body), (400, json!({"code": 400, "msg": "InvalidParams"})));
    let answer = server.post("/api/v1/user/heartbeat", &[], json!({"app_key": KEY, "machine_id": 7}).to_string()).await;
    assert_eq!((answer.status, &answer.body["code"]), (400, &json!(400)));
    assert!(answer.body["message"].as_str().unwrap().contains("machine_id"), "{}", answer.body);
    let answer = server.post("/v1/reports", &[key], r#"[{"category":"crash"},7]"#).await;
    assert_eq!((answer.status, &answer.body["accepted"], &answer.body["ids"]), (400, &json!(0), &json!([null, null])));
    assert_eq!(answer.body["rejected"][0], json!({"index": 0, "code": "InvalidParams", "message": "platformId: is required"}));
    for body in ["nonsense", "", "[]"] {
        let answer = server.post("/v1/reports", &[key], body).await;
        assert_eq!((answer.status, &answer.body["accepted"]), (400, &json!(0)), "{body}");
    }
    let answer = server.post("/v1/reports", &[key], vec![b' '; (8 << 20) + 1]).await;
    assert_eq!((answer.status, &answer.body["code"]), (413, &json!("TooLarge")));
    let answer = server.post(MESSAGE, &[], vec![b' '; 20 << 20]).await;
    assert_eq!((answer.status, answer.body), (413, json!({"code": 400, "msg": "InvalidParams"})));
    let bomb = zstd::encode_all(&vec![b' '; 9 << 20][..], 1).unwrap();
    let answer = server.post("/v1/reports", &[key, ("content-encoding", "zstd")], bomb).await;
    assert_eq!((answer.status, &answer.body["code"]), (413, &json!("TooLarge")));
    let answer = server.post("/v1/reports", &[key, ("content-encoding", "compress")], NATIVE).await;
    assert_eq!((answer.status, &answer.body["code"]), (415, &json!("UnsupportedEncoding")));
    assert_eq!(server.get("/v1/reports").await.0, 405);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_told_in_each_dialects_words() {
    let server = Server::with_log(Config { reports_per_minute: 1, ..Config::default() }).await;
    assert_eq!(server.post(MESSAGE, &[], PLAIN).await.status, 200);
    let answer = server.post(MESSAGE, &[], PLAIN).await;
    assert_eq!((answer.status, answer.body), (429, json!({"code": 401, "msg": "TooManyRequests"})));
    assert!(answer.retry_after.is_some_and(|seconds| (1..=60).contains(&seconds)));
    assert_eq!(server.post("/api/v1/error/report", &[], error_report(KEY)).await.status, 200);
    let answer = server.post("/api/v1/error/report", &[], error_report(KEY)).await;
    assert_eq!((answer.status, &answer.body["code"]), (429, &json!(429)));

    let other = NATIVE.replace("d1", "d2");
    let key = ("x-app-key", KEY);
    let answer = server.post("/v1/reports", &[key], format!("[{NATIVE},{other},{other}]")).await;
    assert_eq!((answer.status, &answer.body["accepted"]), (200, &json!(1)));
    let faults = answer.body["rejected"].as_array().unwrap();
    assert!(faults.iter().all(|fault| fault["code"] == "TooManyRequests") && faults.len() == 2, "{faults:?}");
    let answer = server.post("/v1/reports", &[key], format!("[{NATIVE},{other}]")).await;
    assert_eq!((answer.status, answer.retry_after.is_some()), (429, true));
    assert_eq!(answer.headers["x-limit-scope"], "device");
    let fault = &answer.body["rejected"][0];
    assert_eq!(fault["scope"], "device");
    assert!(fault["retryAfter"].as_u64().is_some_and(|seconds| (1..=60).contains(&seconds)), "{fault}");
    let without_device = r#"{"category":"crash","platformId":1,"expName":"E"}"#;
    let answer = server.post("/v1/reports", &[key], format!("[{without_device},{without_device}]")).await;
    assert_eq!(answer.body["accepted"], json!(2));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_read_the_body_only_may_be_answered_200() {
    let server = Server::without_log(Config { always_200: true, ..Config::default() }).await;
    let answer = server.post(MESSAGE, &[], "{}").await;
    assert_eq!((answer.status, answer.body), (200, json!({"code": 400, "msg": "InvalidParams"})));
    let answer = server.post(MESSAGE, &[], PLAIN).await;
    assert_eq!((answer.status, answer.body), (200, json!({"code": 10001, "msg": "DatabaseQueryError"})));
    assert_eq!(server.post("/v1/reports", &[("x-app-key", KEY)], "{}").await.status, 400);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_larger_than_a_record_may_be_is_no_503() {
    let publish = Publish { largest_record: service::config::Size::kib(1), ..Publish::default() };
    let server = Server::with_log(Config { publish, ..Config::default() }).await;
    let large = NATIVE.replace('}', &format!(",\"callStack\":\"{}\"}}", "栈".repeat(2000)));
    let answer = server.post("/v1/reports", &[("x-app-key", KEY)], large).await;
    assert_eq!((answer.status, &answer.body["rejected"][0]["code"]), (413, &json!("TooLarge")));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_is_counted() {
    let publish = Publish { ack_timeout: Span::seconds(1), ..Publish::default() };
    let kafka = kafka::Config { brokers: "127.0.0.1:1".to_owned(), ..kafka::Config::default() };
    let server = Server::start(Config { publish, ..Config::default() }, kafka).await;
    assert_eq!(server.get("/healthz").await.0, 200);
    let hasty = Client::new(Duration::from_millis(50));
    assert!(hasty.send(Method::POST, &format!("{}{MESSAGE}", server.url), HeaderMap::new(), PLAIN).await.is_err());
    drop(hasty);
    let series = r#"aftershock_reports_total{dialect="log-message",outcome="rejected",reason="ClientLeft"} "#;
    let counted = async {
        while !server.ask("/metrics").await.1.contains(series) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(TIMEOUT, counted).await.expect("the client that left is counted");
    server.stop().await;
}

#[test]
fn configuration_is_strict_and_complete() {
    let none = std::iter::empty::<(String, String)>;
    assert_eq!(service::config::load::<Config>(None, none()).unwrap(), Config::default());
    let unknown = [("AFTERSHOCK__REPORTS_PER_HOUR".to_owned(), "5".to_owned())];
    let error = service::config::load::<Config>(None, unknown.into_iter()).unwrap_err().to_string();
    assert!(error.contains("reports_per_hour"), "{error}");
}
