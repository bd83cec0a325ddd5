//! The device channel seen by a device whose sealing is another implementation's: the example of `docs/device-channel.md`,
//! which is Python on OpenSSL. Without Python's package `cryptography` (`make setup` installs it) the test says so and leaves.

use crate::harness::{Edge, Pipeline, get, post_with, until};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

const PATH: &str = "/v1/common/log/message/report";
const GCM: &str = "AAAAAAAAAAAAAAAA";
const CBC: &str = "BBBBBBBBBBBBBBBB";
/// When everything occurred.
static AT: LazyLock<u64> = LazyLock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap());
/// Calls one of the example's functions, or seals under a nonce that was used.
const DRIVER: &str = r#"
import sys
what, secret, text = sys.argv[1], sys.argv[2], sys.stdin.buffer.read()
if what == "reuse":
    nonce = base64.b64decode(sys.argv[3])
    data = AESGCM(base64.b64decode(secret)).encrypt(nonce, text, None)
    print(json.dumps({"data": base64.b64encode(data).decode(), "time": sys.argv[3]}))
elif what.startswith("seal"):
    print(json.dumps(globals()[what](secret, text)))
else:
    print(globals()[what](secret, json.loads(text)).decode())
"#;

/// A Python that can seal.
struct Python {
    program: &'static str,
    example: String,
}

impl Python {
    fn find() -> Option<Self> {
        let can =
            |program: &&str| Command::new(program).args(["-c", "import cryptography"]).output().is_ok_and(|tried| tried.status.success());
        let program = ["python3", "/usr/bin/python3"].into_iter().find(can)?;
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/device-channel.md")).unwrap();
        let example = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
        Some(Self { program, example: example.to_owned() })
    }

    fn run(&self, code: &str, arguments: &[&str], environment: &[(&str, &str)], input: &str) -> String {
        let mut python = Command::new(self.program);
        python.arg("-c").arg(code).args(arguments).envs(environment.iter().copied()).env_remove("http_proxy");
        let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{arguments:?} {input}");
        String::from_utf8(ended.stdout).unwrap().trim_end().to_owned()
    }

    /// One of the example's functions, or `reuse` of a nonce.
    fn call(&self, what: &str, secret: &str, text: &str, more: &[&str]) -> String {
        let functions = self.example.split("if __name__").next().unwrap();
        self.run(&format!("{functions}{DRIVER}"), &[&[what, secret], more].concat(), &[], text)
    }

    fn seal(&self, cipher: &str, secret: &str, report: &Value) -> Value {
        serde_json::from_str(&self.call(&format!("seal_{cipher}"), secret, &report.to_string(), &[])).unwrap()
    }

    fn open(&self, cipher: &str, secret: &str, sealed: &Value) -> Value {
        serde_json::from_str(&self.call(&format!("open_{cipher}"), secret, &sealed.to_string(), &[])).unwrap()
    }
}

fn app(id: &str, key: &str, cipher: &str, secrets: &[&str]) -> String {
    format!(
        "[[apps]]\nid = \"{id}\"\nkey = \"{key}\"\ndevice_cipher = \"aes-256-{cipher}\"\ndevice_required = true\ndevice_secrets = {secrets:?}\n"
    )
}

fn post(pipeline: &Pipeline, key: &str, body: &Value) -> (u16, Value) {
    let headers = [("x-app-key", key), ("login-type", "device"), ("content-type", "application/json")];
    let reply = post_with(&format!("{}{PATH}", pipeline.ingest()), &headers, body.to_string().as_bytes()).unwrap();
    (reply.status, reply.json())
}

fn report(number: u32) -> Value {
    json!({"platform": "android", "message": "支付失败", "stack": "at a.B.c(B.java:1)", "deviceId": format!("设备-{number}"), "occurredAt": *AT})
}

#[test]
fn a_device_speaks_through_the_channel_and_its_secrets_are_replaced_under_way() {
    let Some(python) = Python::find() else {
        println!("skipped: no Python with the package cryptography");
        return;
    };
    let pipeline = Pipeline::start();
    let (new, old) = ("bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmU=", "b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2w=");
    pipeline.add_credentials(&[app("gcm", GCM, "gcm", &[new, old]), app("cbc", CBC, "cbc", &["新的秘密", "旧"])].concat());
    until("the apps are known", || match post(&pipeline, CBC, &json!({})) {
        (400, reply) if reply["code"] == 40006 => Ok(()),
        other => Err(format!("{other:?}")),
    });

    let said = python.run(&python.example, &[], &[("URL", &pipeline.ingest()), ("SECRET", new), ("APP_KEY", GCM)], "");
    assert!(said.starts_with("0 {\"id\":"), "{said}");

    for (cipher, key, secrets) in [("gcm", GCM, [new, old]), ("cbc", CBC, ["新的秘密", "旧"])] {
        for (number, secret) in (0_u32..).zip(secrets) {
            let sealed = python.seal(cipher, secret, &report(number));
            for _ in 0..2 {
                let (status, reply) = post(&pipeline, key, &sealed);
                assert_eq!((status, &reply["code"]), (200, &json!(0)), "{cipher} {reply}");
                assert!(python.open(cipher, secrets[0], &reply["data"])["id"].as_u64().is_some_and(|id| id > 0));
            }
            refused(&python, &pipeline, (cipher, key, secret), &sealed);
        }
    }
    pipeline.operator().drained();
    let list = pipeline.operator().get("/v1/admin/log/message/error/list?page=1&size=20&appId=cbc");
    assert_eq!((&list["data"]["total"], &list["data"]["list"][0]["count"]), (&json!(1), &json!(2)), "two devices, re-delivered: {list}");

    let sealed = python.seal("gcm", old, &report(7));
    pipeline.replace_credentials(old, new);
    until("the old secret is gone", || match post(&pipeline, GCM, &sealed) {
        (400, reply) if reply["code"] == 40006 => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

/// A report without a time, recorded on its way and sent again.
#[test]
fn a_recorded_body_counts_once_at_every_edge_and_after_every_start() {
    let Some(python) = Python::find() else {
        println!("skipped: no Python with the package cryptography");
        return;
    };
    let mut pipeline = Pipeline::start();
    let secret = "bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmU=";
    pipeline.add_credentials(&[app("gcm", GCM, "gcm", &[secret]), app("cbc", CBC, "cbc", &["秘密"])].concat());
    until("the apps are known", || match post(&pipeline, CBC, &json!({})) {
        (400, reply) if reply["code"] == 40006 => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let report = json!({"platform": "android", "message": "支付失败", "deviceId": "设备-1"});
    let channels = [("gcm", GCM, secret), ("cbc", CBC, "秘密")];
    let recorded = channels.map(|(cipher, key, secret)| (key, python.seal(cipher, secret, &report)));
    let edge = Edge::start(&pipeline, "beside", "");
    for (key, sealed) in &recorded {
        for url in [pipeline.ingest(), pipeline.ingest(), pipeline.ingest(), edge.url.clone()] {
            let headers = [("x-app-key", *key), ("login-type", "device"), ("content-type", "application/json")];
            let reply = post_with(&format!("{url}{PATH}"), &headers, sealed.to_string().as_bytes()).unwrap();
            assert_eq!((reply.status, &reply.json()["code"]), (200, &json!(0)), "{}", reply.text);
        }
    }
    drop(edge);
    assert_eq!(pipeline.terminate(), Some(0));
    pipeline.restart();
    for (key, sealed) in &recorded {
        assert_eq!(post(&pipeline, key, sealed).0, 200);
    }
    pipeline.operator().drained();
    let counted = |app: &str| pipeline.engine().number(&format!("select count() as n from aftershock.occurrences where app_id = '{app}'"));
    assert_eq!((counted("gcm"), counted("cbc")), (1, 1), "five deliveries each");
}

/// What is altered, plain, or under a nonce of another text.
fn refused(python: &Python, pipeline: &Pipeline, (cipher, key, secret): (&str, &str, &str), sealed: &Value) {
    let invalid = (400, json!({"code": 40006, "msg": "InvalidCiphertext"}));
    let mut altered = sealed.clone();
    let data = altered["data"].as_str().unwrap().to_owned();
    altered["data"] = format!("{}{}", if data.starts_with('A') { 'B' } else { 'A' }, &data[1..]).into();
    assert_eq!(post(pipeline, key, &altered), invalid);
    assert_eq!(post(pipeline, key, &json!({"data": sealed["data"], "time": "0"})), invalid);
    if cipher == "gcm" {
        let reused = python.call("reuse", secret, &report(99).to_string(), &[sealed["time"].as_str().unwrap()]);
        assert_eq!(post(pipeline, key, &serde_json::from_str(&reused).unwrap()), invalid);
    }
    let no_report = python.seal(cipher, secret, &json!({"platform": "android"}));
    assert_eq!(post(pipeline, key, &no_report), (400, json!({"code": 400, "msg": "InvalidParams"})));
    let plain = post_with(&format!("{}{PATH}", pipeline.ingest()), &[("x-app-key", key)], report(1).to_string().as_bytes()).unwrap();
    assert_eq!((plain.status, plain.json()["code"].clone()), (403, json!(40005)));
    let text = |name: &str| sealed[name].as_str().unwrap().replace('+', "%2B").replace('/', "%2F").replace('=', "");
    let query = format!("{}{PATH}?data={}&time={}", pipeline.ingest(), text("data"), text("time"));
    let reply = get(&query, &[("x-app-key", key), ("login-type", "device")]).unwrap();
    assert_eq!((reply.status, reply.json()["code"].clone()), (200, json!(0)), "{}", reply.text);
}

#[test]
fn an_apps_limits_are_read_again() {
    let pipeline = Pipeline::start();
    let limited = "[[apps]]\nid = \"limited\"\nkey = \"CCCCCCCCCCCCCCCC\"\nreports_per_minute = 1\n";
    pipeline.add_credentials(limited);
    let send = || {
        let report = json!({"platform": "web", "message": "m", "deviceId": "d"}).to_string();
        let reply = post_with(&format!("{}{PATH}", pipeline.ingest()), &[("x-app-key", "CCCCCCCCCCCCCCCC")], report.as_bytes()).unwrap();
        (reply.status, reply.json()["code"].clone())
    };
    let becomes = |what: &str, expected: (u16, Value)| {
        until(what, || match send() {
            found if found == expected => Ok(()),
            other => Err(format!("{other:?}")),
        })
    };
    becomes("the app is known", (200, json!(0)));
    assert_eq!(send(), (429, json!(401)), "the second of a minute");
    pipeline.replace_credentials("reports_per_minute = 1", "reports_per_minute = 0");
    becomes("there is no limit any more", (200, json!(0)));
    assert_eq!(send(), (200, json!(0)));
    pipeline.replace_credentials("reports_per_minute = 0", "app_reports_per_day = 1");
    becomes("there is a quota", (429, json!(401)));
    let metrics = get(&format!("{}/metrics", pipeline.admin("ingest_admin")), &[]).unwrap().text;
    for reason in ["PerDevice", "AppPerDay"] {
        let series = format!("aftershock_reports_total{{dialect=\"log-message\",outcome=\"throttled\",reason=\"{reason}\"}}");
        assert!(metrics.contains(&series), "{series}");
    }
}
