//! Releases: published by an operator, offered by the edge, through restarts, a killed broker, compaction and a topic made anew.

use crate::harness::{APP, KEY, OTHER_APP, Operator, Options, Pipeline, Process, RELEASE_KEY, get, post_with, until};
use schemas::record::{self, Record, Release};
use serde_json::{Value, json};

const RELEASES: &str = "/v1/admin/releases";
const CHECK: &str = "/api/v1/version/check";

fn publish(operator: &Operator, changes: Value) -> Value {
    let mut release = json!({"app_id": APP, "platform": "windows", "version": "1.0", "download_url": "https://example.com/安装包.exe", "release_notes": "修复闪退", "force_update": false, "rollout_percent": 100});
    release.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let reply = operator.try_post(RELEASES, &release).unwrap();
    assert_eq!((reply.status, &reply.json()["code"]), (200, &json!(200)), "{}", reply.text);
    reply.json()["data"].clone()
}

fn withdraw(operator: &Operator, platform: &str, version: &str) -> u16 {
    operator.try_delete(&format!("{RELEASES}?app_id={APP}&platform={platform}&version={version}")).unwrap().status
}

fn listed(operator: &Operator, app: &str) -> Vec<String> {
    let reply = operator.get(&format!("{RELEASES}?app_id={app}"));
    let text = |release: &Value, name: &str| release[name].as_str().unwrap().to_owned();
    reply["data"].as_array().unwrap().iter().map(|release| text(release, "platform") + " " + &text(release, "version")).collect()
}

/// The `data` of a reply that has status 200.
fn check(edge: &str, body: &Value) -> Result<Value, String> {
    let reply = post_with(&format!("{edge}{CHECK}"), &[("content-type", "application/json")], body.to_string().as_bytes())?;
    if reply.status == 200 { Ok(reply.json()["data"].clone()) } else { Err(format!("{} {}", reply.status, reply.text)) }
}

fn ask(version: &str, machine: &str) -> Value {
    json!({"app_key": KEY, "current_version": version, "platform": "windows", "machine_id": machine})
}

/// Waits until an edge tells who has `current` to install `latest`; all it says.
fn offered(edge: &str, current: &str, latest: &str) -> Value {
    until("the release is offered", || {
        let data = check(edge, &ask(current, ""))?;
        if data["latest_version"] == latest { Ok(data) } else { Err(data.to_string()) }
    })
}

/// Another edge on the same log; the process and its address.
fn second_edge(pipeline: &Pipeline) -> (Process, String) {
    let config = pipeline.role_config("second-edge", "");
    let mut process = Process::start(&["ingest", "--config", config.to_str().unwrap()]);
    let line: Value = serde_json::from_str(&process.first_line().unwrap()).unwrap();
    let address = line["ingest"].as_str().unwrap().to_owned();
    until("the second edge knows the releases", || check(&address, &ask("1.0", "")));
    (process, address)
}

#[test]
fn what_is_published_is_offered_to_existing_clients() {
    let pipeline = Pipeline::start();
    let (operator, edge) = (pipeline.operator(), pipeline.ingest());
    assert_eq!(check(&edge, &ask("1.0", "")).unwrap()["has_update"], false);
    let published = publish(&operator, json!({"platform": "Windows", "version": "v1.2.0"}));
    assert_eq!((&published["platform"], &published["version"]), (&json!("windows"), &json!("v1.2.0")));
    offered(&edge, "1.0", "v1.2.0");

    // As HttpClient with System.Text.Json and as `requests` with `json=` put it on the wire.
    let csharp = format!(r#"{{"app_key":"{KEY}","machine_id":"8F0A\u002D\u673A\u5668","current_version":"1.1.9.7","platform":"Windows"}}"#);
    let python = format!(r#"{{"app_key": "{KEY}", "current_version": "1.1.9.7", "platform": "windows"}}"#);
    for (agent, content_type, body) in
        [("", "application/json; charset=utf-8", csharp), ("python-requests/2.31.0", "application/json", python)]
    {
        let headers = [("content-type", content_type), ("user-agent", agent), ("accept", "*/*"), ("accept-encoding", "gzip, deflate")];
        let reply = post_with(&format!("{edge}{CHECK}"), &headers, body.as_bytes()).unwrap();
        let expected = json!({"code": 200, "message": "发现新版本", "data": {"has_update": true, "current_version": "1.1.9.7", "latest_version": "v1.2.0",
            "download_url": "https://example.com/安装包.exe", "release_notes": "修复闪退", "force_update": false}});
        assert_eq!((reply.status, reply.json()), (200, expected));
    }
    let none = json!({"has_update": false, "current_version": "1.2", "latest_version": "1.2", "download_url": "", "release_notes": "", "force_update": false});
    assert_eq!(check(&edge, &ask("1.2", "")).unwrap(), none, "v1.2.0 is 1.2");
    for platform in [json!("darwin"), json!("卡片机"), json!(""), json!(null)] {
        let question = json!({"app_key": KEY, "current_version": "1.0", "platform": platform});
        assert_eq!(check(&edge, &question).unwrap()["has_update"], false, "{platform}");
    }
    for (status, body) in [
        (401, json!({"app_key": "0000000000000000", "current_version": "1.0", "platform": "windows"})),
        (401, json!({"current_version": "1.0"})),
        (400, json!({"app_key": KEY, "current_version": "最新版", "platform": "windows"})),
        (400, json!({"app_key": KEY, "platform": "windows"})),
    ] {
        let reply = post_with(&format!("{edge}{CHECK}"), &[], body.to_string().as_bytes()).unwrap();
        assert_eq!((reply.status, &reply.json()["code"]), (status, &json!(status)), "{}", reply.text);
        assert!(reply.json()["message"].is_string(), "{}", reply.text);
    }
}

#[test]
fn a_release_is_replaced_forced_and_withdrawn() {
    let pipeline = Pipeline::start();
    let (operator, edge) = (pipeline.operator(), pipeline.ingest());
    publish(&operator, json!({"version": "1.1"}));
    publish(&operator, json!({"version": "1.2", "platform": "linux"}));
    publish(&operator, json!({"version": "1.1.0.0", "force_update": true, "release_notes": "必须升级"}));
    publish(&operator, json!({"version": "1.10"}));
    assert_eq!(listed(&operator, APP), ["linux 1.2", "windows 1.10", "windows 1.1.0.0"], "read at once, the same version replaced");
    assert_eq!(listed(&operator, OTHER_APP), Vec::<String>::new());
    assert_eq!(offered(&edge, "1.0", "1.10")["force_update"], true, "one in between is forced");
    assert_eq!(offered(&edge, "1.1", "1.10")["force_update"], false);

    assert_eq!(withdraw(&operator, "Windows", "v1.10"), 200);
    assert_eq!(listed(&operator, APP), ["linux 1.2", "windows 1.1.0.0"]);
    assert_eq!(offered(&edge, "1.0", "1.1.0.0")["release_notes"], "必须升级");
    assert_eq!(withdraw(&operator, "windows", "1.10"), 404, "gone");
    assert_eq!(withdraw(&operator, "windows", "newest"), 400);
    assert_eq!(withdraw(&operator, "windows", "1.1"), 200);
    until("nothing is offered", || match check(&edge, &ask("1.0", ""))? {
        data if data["has_update"] == false => Ok(()),
        data => Err(data.to_string()),
    });
    publish(&operator, json!({"version": "1.1"}));
    offered(&edge, "1.0", "1.1");
}

#[test]
fn what_cannot_be_published_is_told_why() {
    let pipeline = Pipeline::start();
    let operator = pipeline.operator();
    let valid = json!({"app_id": APP, "platform": "windows", "version": "1.0", "download_url": "https://example.com/a"});
    for (status, name, value) in [
        (404, "app_id", json!("nobody")),
        (400, "app_id", json!(null)),
        (400, "platform", json!(" ")),
        (400, "version", json!("1.2.3.4.5")),
        (400, "version", json!("")),
        (400, "download_url", json!("ftp://example.com/a")),
        (400, "download_url", json!(format!("https://example.com/{}", "长".repeat(1_000)))),
        (400, "rollout_percent", json!(101)),
        (400, "rollout_percent", json!(-1)),
        (400, "rollout_percent", json!("most")),
        (400, "force_update", json!("perhaps")),
        (400, "release_notes", json!("注".repeat(20_001))),
    ] {
        let mut body = valid.clone();
        body[name] = value.clone();
        let reply = operator.try_post(RELEASES, &body).unwrap();
        assert_eq!((reply.status, &reply.json()["code"]), (status, &json!(status)), "{name}: {}", reply.text);
        assert!(status == 404 || reply.json()["message"].as_str().unwrap().contains(name), "{name}: {}", reply.text);
    }
    let nobody = Operator { token: "nobody".to_owned(), ..operator.clone() };
    assert_eq!(nobody.try_post(RELEASES, &valid).unwrap().status, 401);
    assert_eq!(nobody.try_get(&format!("{RELEASES}?app_id={APP}")).unwrap().status, 401);
    assert_eq!(withdraw(&nobody, "windows", "1.0"), 401);
    assert_eq!(operator.try_get(&format!("{RELEASES}?app_id=nobody")).unwrap().status, 404);
    assert_eq!(operator.try_get(RELEASES).unwrap().status, 400);
    assert_eq!(listed(&operator, APP), Vec::<String>::new());
    assert_eq!(operator.try_post(RELEASES, &valid).unwrap().status, 200, "and without all of that it can");
}

#[test]
fn a_roll_out_grows_and_two_edges_agree() {
    let pipeline = Pipeline::start();
    let operator = pipeline.operator();
    let (_process, second) = second_edge(&pipeline);
    let reached = |edge: &str, version: &str| -> Vec<bool> {
        let asked = |device| check(edge, &ask("1.0", &format!("设备-{device}"))).unwrap()["latest_version"] == version;
        (0..200).map(asked).collect()
    };
    let mut before = vec![false; 200];
    for percent in [0, 20, 60, 100] {
        publish(&operator, json!({"version": "2.0", "rollout_percent": percent}));
        let step = format!("1.1.{percent}");
        publish(&operator, json!({ "version": step }));
        let without_a_device = if percent == 100 { "2.0" } else { step.as_str() };
        [pipeline.ingest(), second.clone()].iter().for_each(|edge| drop(offered(edge, "1.0", without_a_device)));
        let (here, there) = until("both edges say the same", || {
            let (here, there) = (reached(&pipeline.ingest(), "2.0"), reached(&second, "2.0"));
            let share = here.iter().filter(|reached| **reached).count() / 2;
            let near = (percent - 15..=percent + 15).contains(&i32::try_from(share).unwrap());
            if here == there && near { Ok((here, there)) } else { Err(format!("{share} of {percent}")) }
        });
        assert_eq!(here, there);
        assert!(before.iter().zip(&here).all(|(before, now)| !before || *now), "who was reached stays reached at {percent}");
        before = here;
    }
    assert!(before.iter().all(|reached| *reached), "all in the end");
}

#[test]
fn releases_outlive_edges_brokers_and_compaction() {
    let mut pipeline = Pipeline::start_with(&Options { partitions: 2, ..Options::default() });
    publish(&pipeline.operator(), json!({"version": "1.1", "force_update": true}));
    publish(&pipeline.operator(), json!({"version": "1.2"}));
    publish(&pipeline.operator(), json!({"version": "1.3"}));
    assert_eq!(withdraw(&pipeline.operator(), "windows", "1.3"), 200);
    offered(&pipeline.ingest(), "1.0", "1.2");

    pipeline.kill();
    pipeline.restart();
    assert_eq!(check(&pipeline.ingest(), &ask("1.0", "")).unwrap()["latest_version"], "1.2", "ready means that the releases are known");
    if pipeline.kill_child("broker") {
        assert_eq!(check(&pipeline.ingest(), &ask("1.0", "")).unwrap()["latest_version"], "1.2", "out of memory, whatever the log does");
    }
    let operator = pipeline.operator();
    until("the log takes releases again", || {
        let body = json!({"app_id": APP, "platform": "windows", "version": "1.4", "download_url": "http://a"});
        let reply = operator.try_post(RELEASES, &body)?;
        if reply.status == 200 { Ok(()) } else { Err(reply.text) }
    });
    offered(&pipeline.ingest(), "1.0", "1.4");

    // Enough of one key to fill several segments of the smallest size that Kafka allows.
    let broker = pipeline.broker();
    broker.alter("releases", &[("segment.bytes", "1048576"), ("min.cleanable.dirty.ratio", "0.01")]);
    for _ in 0..80 {
        let noise: String = (0..20_000).map(|_| char::from_u32(0x4e00 + rand::random::<u32>() % 0x5000).unwrap()).collect();
        publish(&operator, json!({"version": "1.5", "release_notes": noise}));
    }
    let count = || (0..2).map(|partition| broker.count("releases", partition)).sum::<usize>();
    until("superseded records are gone", || Some(count()).filter(|count| *count < 60).ok_or_else(count));
    let (_process, fresh) = second_edge(&pipeline);
    assert_eq!(offered(&fresh, "1.0", "1.5")["force_update"], true, "1.1 was never superseded");
    assert_eq!(offered(&pipeline.ingest(), "1.0", "1.5"), offered(&fresh, "1.0", "1.5"));
    assert_eq!(listed(&operator, APP), ["windows 1.5", "windows 1.4", "windows 1.2", "windows 1.1"]);
}

#[test]
fn a_topic_made_anew_is_another_catalogue() {
    let pipeline = Pipeline::start_with(&Options { partitions: 1, ..Options::default() });
    let operator = pipeline.operator();
    for version in ["7.0", "8.0", "9.0"] {
        publish(&operator, json!({ "version": version }));
    }
    offered(&pipeline.ingest(), "1.0", "9.0");
    pipeline.broker().make_anew("releases", 1);
    until("the new topic takes releases", || {
        let body = json!({"app_id": APP, "platform": "windows", "version": "2.0", "download_url": "http://a"});
        let reply = operator.try_post(RELEASES, &body)?;
        if reply.status == 200 && listed(&operator, APP) == ["windows 2.0"] { Ok(()) } else { Err(reply.text) }
    });
    offered(&pipeline.ingest(), "1.0", "2.0");
}

/// A record of the topic as somebody writes it who has no key.
fn forged(version: &str, mac: &str) -> Release {
    Release {
        app_id: APP.to_owned(),
        platform: "windows".to_owned(),
        version: version.to_owned(),
        withdrawn: false,
        download_url: "http://evil.example/trojan.exe".to_owned(),
        release_notes: String::new(),
        force_update: true,
        rollout_percent: 100,
        published_at: i64::MAX,
        mac: mac.to_owned(),
    }
}

#[test]
fn what_nobody_signed_is_offered_to_nobody() {
    let pipeline = Pipeline::start_with(&Options { partitions: 1, ..Options::default() });
    let (operator, edge) = (pipeline.operator(), pipeline.ingest());
    publish(&operator, json!({"version": "1.1"}));
    let genuine = offered(&edge, "1.0", "1.1");
    let records = [
        forged("99.0", ""),
        forged("98.0", &"0".repeat(64)),
        // What the key of another system signed.
        signed(forged("97.0", ""), "another-key-that-signs-releases-well"),
        // The end of a genuine one, and another in its place.
        forged("1.1", "").end(i64::MAX),
        forged("1.1", ""),
    ];
    let mut appended: Vec<_> = records.iter().map(|release| (release.key(), record::encode(release).unwrap())).collect();
    appended.push((forged("1.1", "").key(), Vec::new()));
    pipeline.broker().append("releases", &appended);
    // The topic has one partition: an edge that knows this one has passed the others.
    publish(&operator, json!({"version": "1.0.5"}));
    offered(&edge, "1.0.1", "1.1");
    until("the edge has read the last one", || match check(&edge, &ask("1.0", "nobody"))? {
        data if refused(&pipeline)? >= 6.0 => Ok(data),
        data => Err(format!("{data} {:?}", refused(&pipeline))),
    });
    assert_eq!(check(&edge, &ask("1.0", "")).unwrap(), genuine, "a forged end ends nothing, a forged release replaces nothing");
    assert_eq!(listed(&operator, APP), ["windows 1.1", "windows 1.0.5"]);
    let (_process, fresh) = second_edge(&pipeline);
    assert_eq!(check(&fresh, &ask("1.0", "")).unwrap(), genuine, "an edge that reads the topic from its beginning says the same");

    // Who has the key can; an earlier record of the same release does not come back.
    let older = Release { published_at: 1, force_update: false, ..forged("1.1", "") };
    let newer = Release { force_update: false, published_at: 1, download_url: "https://example.com/2".to_owned(), ..forged("2.0", "") };
    let signed = [older, newer].map(|release| signed(release, RELEASE_KEY));
    pipeline.broker().append("releases", &signed.map(|release| (release.key(), record::encode(&release).unwrap())));
    assert_eq!(offered(&edge, "1.0", "2.0")["download_url"], "https://example.com/2");
    assert_eq!(listed(&operator, APP), ["windows 2.0", "windows 1.1", "windows 1.0.5"]);
    assert_eq!(withdraw(&operator, "windows", "2.0"), 200);
    assert_eq!(offered(&edge, "1.0", "1.1"), genuine);
    assert_eq!(withdraw(&operator, "windows", "1.1"), 200, "a signed end is one");
    offered(&edge, "1.0", "1.0.5");
}

fn signed(release: Release, key: &str) -> Release {
    let credentials = service::credentials::Credentials::default().signing(key.into()).unwrap();
    Release { mac: credentials.release_mac(&release.covered()).unwrap(), ..release }
}

/// How many records the edge has refused.
fn refused(pipeline: &Pipeline) -> Result<f64, String> {
    let metrics = get(&format!("{}/metrics", pipeline.admin("ingest_admin")), &[])?.text;
    let line = metrics.lines().find_map(|line| line.strip_prefix("aftershock_releases_refused_total"));
    line.and_then(|line| line.trim().parse().ok()).ok_or_else(|| "no such metric".to_owned())
}

#[test]
fn without_a_key_nothing_is_published() {
    let pipeline = Pipeline::start();
    pipeline.replace_credentials(&format!("release_key = \"{RELEASE_KEY}\"\n"), "");
    let operator = pipeline.operator();
    let wanted = json!({"app_id": APP, "platform": "windows", "version": "1.0", "download_url": "https://example.com/a"});
    let reply = until("the credentials are read again", || {
        let reply = operator.try_post(RELEASES, &wanted)?;
        if reply.status == 409 { Ok(reply) } else { Err(reply.text) }
    });
    assert!(reply.text.contains("release_key"), "{}", reply.text);
}
