//! How an edge leaves: what began is finished, unless somebody insists.

use crate::harness::{Edge, KEY, Pipeline, Wire, binary, signal, until};
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use tokio::runtime::Runtime;

const BODY: &str = r#"{"category":"crash","platformId":1,"productVersion":"1.0","expName":"崩溃"}"#;

/// A report of which half has arrived at an edge that was asked to leave.
fn halfway(runtime: &Runtime, edge: &Edge) -> (Wire, &'static [u8]) {
    let (half, rest) = BODY.as_bytes().split_at(20);
    let head = format!("POST /v1/reports HTTP/1.1\r\nhost: edge\r\nx-app-key: {KEY}\r\ncontent-length: {}\r\n\r\n", BODY.len());
    let wire = runtime.block_on(async {
        let mut wire = Wire::connect(Ipv4Addr::LOCALHOST, edge.address()).await.unwrap();
        // One that is answered first: the connection is known to be in the edge's hands then.
        assert_eq!(wire.post("/v1/reports", &format!("x-app-key: {KEY}\r\n"), BODY.as_bytes()).await.unwrap().status, 200);
        wire.write([head.as_bytes(), half].concat()).await.unwrap();
        wire
    });
    // Its head has been read once the request is counted as begun; a second connection's answer comes after that.
    runtime.block_on(async {
        let mut other = Wire::connect(Ipv4Addr::LOCALHOST, edge.address()).await.unwrap();
        assert_eq!(other.post("/v1/reports", &format!("x-app-key: {KEY}\r\n"), BODY.as_bytes()).await.unwrap().status, 200);
    });
    signal(edge.process.id(), "TERM");
    until("the edge takes no more connections", || match std::net::TcpStream::connect(edge.address()) {
        Ok(_) => Err("it does"),
        Err(_) => Ok(()),
    });
    (wire, rest)
}

#[test]
fn what_began_is_finished_before_the_edge_leaves() {
    let (pipeline, runtime) = (Pipeline::start(), Runtime::new().unwrap());
    let mut edge = Edge::start(&pipeline, "edge", "");
    let (mut wire, rest) = halfway(&runtime, &edge);
    assert!(edge.process.is_running());
    let answer = runtime.block_on(async {
        wire.write(rest).await.unwrap();
        wire.answer().await.unwrap()
    });
    assert_eq!(answer.status, 200);
    assert_eq!(until("the edge leaves", || edge.process.exit_code().ok_or("it runs")), 0);
}

#[test]
fn a_second_signal_does_not_wait() {
    let (pipeline, runtime) = (Pipeline::start(), Runtime::new().unwrap());
    let mut edge = Edge::start(&pipeline, "edge", "[ingest.limits]\ndrain = \"1h\"\nbody_timeout = \"1h\"\nmin_body_rate = \"0B\"\n");
    let (wire, _) = halfway(&runtime, &edge);
    assert!(edge.process.is_running());
    signal(edge.process.id(), "TERM");
    assert_eq!(until("the edge leaves", || edge.process.exit_code().ok_or("it runs")), 1);
    drop(wire);
}

#[test]
fn who_has_nobody_left_to_log_to_still_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let mut broker = Command::new(binary())
        .args(["broker", "--listen", "127.0.0.1:0", "--dir"])
        .arg(folder.path())
        .env("AFTERSHOCK_LOG", "info")
        .env("AFTERSHOCK_BROKER_PASSWORD", "password-of-the-suite")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(broker.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("the log is open")));
    drop(lines);
    signal(broker.id(), "TERM");
    let left = until("the broker leaves", || broker.try_wait().unwrap().ok_or("it runs"));
    assert_eq!(left.code(), Some(0));
}
