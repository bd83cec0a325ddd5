//! What each app decides for itself, over real sockets: the device channel, its limits, the pages that may send.

use super::http::{KEY, MESSAGE, Server};
use crate::config::Config;
use crate::unseal::{Channels, Fresh};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use service::credentials::{App, Cipher, Credentials, Keyring};
use service::http::{HeaderMap, HeaderName, Method};
use std::sync::Arc;

const CBC_KEY: &str = "00000000000000bb";
const PAGE_KEY: &str = "00000000000000cc";
const PLAIN: &str = r#"{"platform":"web","message":"支付失败","deviceId":"d1"}"#;
const NATIVE: &str = r#"{"category":"crash","platformId":1,"expName":"E","deviceId":"d1"}"#;

fn credentials() -> Credentials {
    let app = |id: &str, key: &str| App { id: id.to_owned(), key: key.into(), ..App::default() };
    let gcm = App { default: true, device_secrets: vec![STANDARD.encode([7; 32]).into()], ..app("gcm", KEY) };
    let secrets = vec!["新".into(), "旧".into()];
    let cbc = App { device_secrets: secrets, device_cipher: Cipher::Aes256Cbc, device_required: true, ..app("cbc", CBC_KEY) };
    let origins = vec!["https://shop.example".to_owned()];
    let page = App { allowed_origins: origins, reports_per_minute: Some(2), app_reports_per_day: Some(3), ..app("page", PAGE_KEY) };
    Credentials::new(vec![gcm, cbc, page], Vec::new(), Vec::new()).unwrap()
}

async fn server() -> Server {
    Server::with_log_for(Config { reports_per_minute: 0, ..Config::default() }, Keyring::fixed(credentials())).await
}

/// A client that has the secrets of an app.
struct Device {
    channels: Channels,
    channel: Arc<crate::unseal::Channel>,
}

impl Device {
    fn of(app: &str) -> Self {
        let credentials = Arc::new(credentials());
        let channels = Channels::new(0);
        let channel = channels.of(&credentials, credentials.app_by_id(app).unwrap()).unwrap();
        Self { channels, channel }
    }

    fn seal(&self, text: &str, number: u8) -> Value {
        let fresh = Fresh { nonce: [number; 12], nanoseconds: u64::from(number) };
        serde_json::to_value(self.channel.seal(text.into(), fresh).unwrap()).unwrap()
    }

    fn open(&self, sealed: &Value) -> Value {
        let peer = "192.0.2.1:80".parse().unwrap();
        let (path, query, headers) = (String::new(), String::new(), HeaderMap::new());
        let body = sealed.to_string().into();
        let request = service::http::Request { method: Method::POST, path, path_params: Vec::new(), query, headers, body, peer };
        serde_json::from_slice(&self.channels.open(&self.channel, &request).unwrap().text).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_report_is_taken_and_its_reply_sealed() {
    let server = server().await;
    let id = schemas::digest::Content::of(["支付失败", "", "", "", "web"]).id();
    for (app, key) in [("gcm", KEY), ("cbc", CBC_KEY)] {
        let device = Device::of(app);
        let headers = [("x-app-key", key), ("login-type", "device")];
        let sealed = device.seal(PLAIN, 1);
        let mut replies = vec![server.post(MESSAGE, &headers, sealed.to_string()).await.body];
        replies.push(server.post(MESSAGE, &headers, sealed.to_string()).await.body);
        let text = |name: &str| sealed[name].as_str().unwrap().replace('+', "-").replace('/', "_").replace('=', "");
        let query = format!("{MESSAGE}?data={}&time={}", text("data"), text("time"));
        replies.push(server.post(&query, &headers, "").await.body);
        let mut map = HeaderMap::new();
        headers.iter().for_each(|(name, value)| drop(map.insert(HeaderName::from_static(name), value.parse().unwrap())));
        let answer = server.client.send(Method::GET, &format!("{}{query}", server.url), map, "").await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.headers["cache-control"].to_str().unwrap()), (200, "no-store"));
        replies.push(serde_json::from_slice(&answer.body).unwrap());
        let mut times = Vec::new();
        for reply in replies {
            assert_eq!((&reply["code"], &reply["msg"], reply.as_object().unwrap().len()), (&json!(0), &json!("OK"), 3), "{app} {reply}");
            assert_eq!(device.open(&reply["data"]), json!({"id": id}), "{app}");
            times.push(reply["data"]["time"].clone());
        }
        assert!((1..times.len()).all(|at| !times[..at].contains(&times[at])), "a nonce is never used twice: {times:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_sealed_report_is_told_as_little_as_can_be() {
    let server = server().await;
    let invalid = json!({"code": 40006, "msg": "InvalidCiphertext"});
    let no_report = json!({"code": 400, "msg": "InvalidParams"});
    let altered = |sealed: &Value| {
        let mut data = STANDARD.decode(sealed["data"].as_str().unwrap()).unwrap();
        data[0] ^= 1;
        json!({"data": STANDARD.encode(data), "time": sealed["time"]})
    };
    for (app, key, words) in [("gcm", KEY, &no_report), ("cbc", CBC_KEY, &invalid)] {
        let (device, other) = (Device::of(app), Device::of(if app == "gcm" { "cbc" } else { "gcm" }));
        let headers = [("x-app-key", key), ("login-type", "Device")];
        let expect = async |sealed: String, expected: &Value| {
            let answer = server.post(MESSAGE, &headers, sealed).await;
            assert_eq!((answer.status, &answer.body), (400, expected), "{app}");
        };
        for sealed in [altered(&device.seal(PLAIN, 1)), other.seal(PLAIN, 2), json!({"data": "", "time": ""}), json!([]), json!({})] {
            expect(sealed.to_string(), &invalid).await;
        }
        expect(PLAIN.to_owned(), &invalid).await;
        expect(String::new(), &invalid).await;
        expect(device.seal("plain words", 3).to_string(), words).await;
        expect(device.seal("[]", 4).to_string(), &no_report).await;
        expect(device.seal(r#"{"platform":"web"}"#, 5).to_string(), &no_report).await;
    }
    let gcm = Device::of("gcm");
    let headers = [("login-type", "device")];
    assert_eq!(server.post(MESSAGE, &headers, gcm.seal(PLAIN, 9).to_string()).await.status, 200);
    let other_text = gcm.seal(&PLAIN.replace("d1", "d2"), 9).to_string();
    assert_eq!(server.post(MESSAGE, &headers, other_text).await.body, invalid, "a nonce used for another text");
    let metrics = server.ask("/metrics").await.1;
    assert!(metrics.contains(r#"aftershock_reports_total{dialect="log-message",outcome="rejected",reason="InvalidCiphertext"}"#));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_requires_the_channel_takes_no_plain_report_in_any_dialect() {
    let server = server().await;
    let no_access = json!({"code": 40005, "msg": "NoAccess"});
    let key = ("x-app-key", CBC_KEY);
    let answer = server.post(MESSAGE, &[key], PLAIN).await;
    assert_eq!((answer.status, answer.body), (403, no_access));
    let answer = server.post("/v1/reports", &[key], NATIVE).await;
    assert_eq!((answer.status, &answer.body["code"]), (403, &json!("ChannelRequired")));
    let report = json!({"app_key": CBC_KEY, "machine_id": "m", "software_version": "1", "error_type": "T"}).to_string();
    let answer = server.post("/api/v1/error/report", &[], report).await;
    assert_eq!((answer.status, &answer.body["code"]), (403, &json!(403)));
    let beat = json!({"app_key": CBC_KEY, "machine_id": "m", "version": "1"}).to_string();
    assert_eq!(server.post("/api/v1/user/heartbeat", &[], beat).await.status, 200, "it has no sealed form");
    let answer = server.post(MESSAGE, &[("x-app-key", PAGE_KEY), ("login-type", "device")], "{}").await;
    assert_eq!((answer.status, answer.body), (400, json!({"code": 40007, "msg": "SecretIsEmpty"})));
    let answer = server.client.send(Method::GET, &format!("{}{MESSAGE}", server.url), HeaderMap::new(), "").await.unwrap();
    assert_eq!(answer.status.as_u16(), 400, "a plain GET carries no report");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_send_where_their_app_lets_them() {
    let server = server().await;
    let shop = ("origin", "https://shop.example");
    let page = ("x-app-key", PAGE_KEY);
    assert_eq!(server.post("/v1/reports", &[page, shop], NATIVE).await.status, 200);
    let answer = server.post("/v1/reports", &[page, ("origin", "https://other.example")], NATIVE).await;
    assert_eq!((answer.status, &answer.body["code"]), (403, &json!("OriginNotAllowed")));
    let answer = server.post(MESSAGE, &[page, ("origin", "null")], PLAIN).await;
    assert_eq!((answer.status, &answer.body["code"]), (403, &json!(40005)));
    assert_eq!(server.post("/v1/reports", &[("x-app-key", KEY), ("origin", "https://any.example")], NATIVE).await.status, 200);

    let mut ask = HeaderMap::new();
    for (name, value) in [("origin", "https://any.example"), ("access-control-request-method", "POST")] {
        ask.insert(HeaderName::from_static(name), value.parse().unwrap());
    }
    let answer = server.client.send(Method::OPTIONS, &format!("{}/v1/reports", server.url), ask, "").await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.headers["access-control-allow-origin"].to_str().unwrap()), (204, "https://any.example"));
    let metrics = server.ask("/metrics").await.1;
    assert!(metrics.contains(r#"aftershock_reports_total{dialect="native",outcome="rejected",reason="OriginNotAllowed"}"#));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_apps_limits_are_told_apart_on_the_metrics() {
    let server = server().await;
    let page = ("x-app-key", PAGE_KEY);
    let post = async |device: &str| server.post("/v1/reports", &[page], NATIVE.replace("d1", device)).await;
    assert_eq!([post("a").await.status, post("a").await.status, post("a").await.status], [200, 200, 429]);
    assert_eq!(post("b").await.status, 200);
    let answer = post("c").await;
    assert_eq!((answer.status, &answer.body["rejected"][0]["code"]), (429, &json!("TooManyRequests")));
    assert!(answer.body["rejected"][0]["message"].as_str().unwrap().contains("of this app today"), "{}", answer.body);
    assert!(answer.retry_after.is_some_and(|seconds| (1..=86_400).contains(&seconds)));
    let metrics = server.ask("/metrics").await.1;
    for reason in ["PerDevice", "AppPerDay"] {
        let series = format!(r#"aftershock_reports_total{{dialect="native",outcome="throttled",reason="{reason}"}}"#);
        assert!(metrics.contains(&series), "{series}");
    }
    server.stop().await;
}
