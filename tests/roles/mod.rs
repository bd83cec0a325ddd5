//! Each role of a standalone is a process: what ends, stops or occupies one of them does not reach the others.

/// How long the edge takes while others work.
mod latency;
/// How standalone and its children end.
mod leaving;

use crate::harness::{APP, KEY, Pipeline, Process, Wire, binary, get, is_alive, post_with, signal, until};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

const HEADERS: [(&str, &str); 2] = [("x-app-key", KEY), ("content-type", "application/json")];

fn edge(pipeline: &Pipeline) -> SocketAddr {
    pipeline.ingest().trim_start_matches("http://").parse().unwrap()
}

/// The id of the child of a role.
fn child(pipeline: &Pipeline, role: &str) -> u32 {
    until(&format!("a child {role}"), || pipeline.children(role).first().copied().ok_or("there is none"))
}

fn report(number: u64) -> String {
    json!({"eventId": format!("role-{number}"), "category": "crash", "platformId": 1, "productVersion": "1.0", "expName": "崩溃"})
        .to_string()
}

/// Posts reports one after another until told otherwise; each must be answered 200.
fn report_steadily(pipeline: &Pipeline, over: &AtomicBool, sent: &AtomicU64) {
    let url = format!("{}/v1/reports", pipeline.ingest());
    while !over.load(Relaxed) {
        let number = sent.fetch_add(1, Relaxed);
        let reply = post_with(&url, &HEADERS, report(number).as_bytes()).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
}

/// Ends the child of a role by a signal and waits until another one does its work.
fn end(pipeline: &Pipeline, role: &str, with: &str, admin: &str) {
    let former = child(pipeline, role);
    signal(former, with);
    until(&format!("another {role}"), || match pipeline.children(role).first() {
        Some(next) if *next != former => Ok(()),
        other => Err(format!("{other:?} after {former}")),
    });
    until(&format!("{role} is ready"), || match get(&format!("{}/readyz", pipeline.admin(admin)), &[])? {
        reply if reply.status == 200 => Ok(()),
        reply => Err(reply.text),
    });
}

#[test]
fn processor_and_query_die_and_the_edge_accepts_all_the_while() {
    let pipeline = Pipeline::start();
    let (over, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| report_steadily(&pipeline, &over, &sent));
        for with in ["KILL", "ABRT"] {
            end(&pipeline, "processor", with, "processor");
            end(&pipeline, "query", with, "query_admin");
        }
        over.store(true, Relaxed);
        sender.join().unwrap();
    });
    pipeline.operator().drained();
    let count = pipeline.engine().number(&format!("select count() from aftershock.occurrences where app_id = '{APP}'"));
    assert_eq!(count, i64::try_from(sent.load(Relaxed)).unwrap(), "every report, once");
}

/// Nor does one that cannot even start: here for a property that the log's client refuses.
#[test]
fn a_processor_that_cannot_start_keeps_nobody_from_reporting() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("aftershock.toml");
    let ports = ["ingest.listen", "ingest.admin_listen", "query.listen", "query.admin_listen", "processor.listen"];
    let ports = ports.map(|name| format!("{name} = \"127.0.0.1:0\"\n")).concat();
    std::fs::write(&config, format!("{ports}processor.session_timeout = \"2h\"\ndata.dir = \"data\"\n")).unwrap();
    let mut standalone = Process::start(&["standalone", "--config", config.to_str().unwrap()]);
    let ready: serde_json::Value = serde_json::from_str(&standalone.first_line().unwrap()).unwrap();
    let credentials = std::fs::read_to_string(folder.path().join("credentials.toml")).unwrap();
    let credentials: toml::Table = credentials.parse().unwrap();
    let key = credentials["apps"][0]["key"].as_str().unwrap();
    let url = format!("{}/v1/reports", ready["ingest"].as_str().unwrap());
    assert_eq!(post_with(&url, &[("x-app-key", key), HEADERS[1]], report(0).as_bytes()).unwrap().status, 200);
    assert_eq!(get(&format!("{}/readyz", ready["query_admin"].as_str().unwrap()), &[]).unwrap().status, 200);
    assert_eq!(standalone.terminate(), Some(0));
}

/// The port stays open between two lives: a client that comes meanwhile waits and is answered.
#[test]
fn an_edge_that_dies_leaves_no_gap() {
    let (pipeline, runtime) = (Pipeline::start(), tokio::runtime::Runtime::new().unwrap());
    for number in 0..3 {
        signal(child(&pipeline, "ingest"), "KILL");
        let answer = runtime.block_on(async {
            let mut wire = Wire::connect(Ipv4Addr::LOCALHOST, edge(&pipeline)).await.unwrap();
            let head = format!("x-app-key: {KEY}\r\ncontent-type: application/json\r\n");
            wire.post("/v1/reports", &head, report(number).as_bytes()).await
        });
        // A connection that the dying edge had taken already is broken, as any of it.
        assert!(answer.as_ref().map_or(true, |answer| answer.status == 200), "{answer:?}");
        end(&pipeline, "ingest", "KILL", "ingest_admin");
    }
}

#[test]
fn a_hangup_ends_nobody_and_reaches_those_who_read_again() {
    let pipeline = Pipeline::start();
    let ids = || -> Vec<u32> { pipeline.roles().iter().map(|role| child(&pipeline, role)).collect() };
    let before = ids();
    before.iter().for_each(|id| signal(*id, "HUP"));
    pipeline.add_credentials(
        "[[apps]]\nid = \"later\"\nname = \"Later\"\nkey = \"0a1b2c3d4e5f6071\"\n[[admins]]\ntoken = \"another-operator-of-the-suite\"\n",
    );
    until("the edge knows the new app", || {
        let url = format!("{}/v1/reports", pipeline.ingest());
        let reply = post_with(&url, &[("x-app-key", "0a1b2c3d4e5f6071"), HEADERS[1]], report(0).as_bytes())?;
        if reply.status == 200 { Ok(()) } else { Err(reply.text) }
    });
    until("query knows the new operator", || {
        let url = format!("{}/v1/admin/pipeline", pipeline.query());
        let reply = get(&url, &[("authorization", "Bearer another-operator-of-the-suite")])?;
        if reply.status == 200 { Ok(()) } else { Err(reply.text) }
    });
    pipeline.operator().drained();
    assert_eq!(ids(), before, "the same processes");
    assert!(is_alive(pipeline.id()));
}

/// From the moment on at which a role says where it listens.
/// Threads of the log's client are at work from the first moment on; none of them may be hit by the end of the process.
#[test]
fn a_role_that_is_stopped_right_after_its_start_ends_cleanly() {
    let pipeline = Pipeline::start();
    let config = pipeline.role_config("short", "");
    for _ in 0..25 {
        let mut process = Process::start(&["ingest", "--config", config.to_str().unwrap()]);
        process.first_line().unwrap();
        assert_eq!(process.terminate(), Some(0));
    }
}

#[test]
fn a_role_by_itself_takes_a_hangup_from_its_first_word_on() {
    let pipeline = Pipeline::start();
    let config = pipeline.role_config("alone", "[processor]\nlisten = \"127.0.0.1:0\"\nsession_timeout = \"6s\"\n");
    for role in ["ingest", "processor", "query"] {
        let mut process = Process::start(&[role, "--config", config.to_str().unwrap()]);
        let line = process.first_line().unwrap();
        signal(process.id(), "HUP");
        let told: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = told[format!("{role}_admin")].as_str().or(told[role].as_str()).unwrap().to_owned();
        until("it is alive", || get(&format!("{url}/healthz"), &[]).map(drop));
        assert!(process.is_running(), "{role}");
        assert_eq!(process.terminate(), Some(0), "{role}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary());
    command.args(["broker", "--listen", "127.0.0.1:0", "--dir"]).arg(folder.path()).env("AFTERSHOCK_BROKER_PASSWORD", "of-the-suite");
    let mut broker = Process::of(&mut command);
    broker.first_line().unwrap();
    signal(broker.id(), "HUP");
    assert_eq!(broker.terminate(), Some(0));
}
