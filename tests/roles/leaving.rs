//! A standalone leaves in the order of the data, at once where somebody insists, and takes everybody along however it ends.

use super::{HEADERS, child, edge, report};
use crate::harness::{Pipeline, binary, get, is_alive, post_with, signal, until};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

fn all_gone(ids: &[u32]) {
    until("everybody has left", || match ids.iter().filter(|id| is_alive(**id)).collect::<Vec<_>>() {
        left if left.is_empty() => Ok(()),
        left => Err(format!("{left:?}")),
    });
}

fn children(pipeline: &Pipeline) -> Vec<u32> {
    pipeline.roles().iter().flat_map(|role| pipeline.children(role)).collect()
}

fn edge_is_closed(pipeline: &Pipeline) {
    until("the edge takes no more connections", || match TcpStream::connect(edge(pipeline)) {
        Ok(_) => Err("it does"),
        Err(_) => Ok(()),
    });
}

#[test]
fn the_edge_leaves_first_and_query_after_the_processor() {
    let mut pipeline = Pipeline::start();
    let (ids, processor) = (children(&pipeline), child(&pipeline, "processor"));
    assert_eq!(ids.len(), pipeline.roles().len());
    let reply = post_with(&format!("{}/v1/reports", pipeline.ingest()), &HEADERS, report(0).as_bytes()).unwrap();
    assert_eq!(reply.status, 200);
    signal(processor, "STOP");
    signal(pipeline.id(), "TERM");
    edge_is_closed(&pipeline);
    let alive = get(&format!("{}/healthz", pipeline.query()), &[]).unwrap();
    assert_eq!(alive.status, 200, "query answers while the processor has not finished");
    assert!(is_alive(processor) && pipeline.exit_code().is_none());
    signal(processor, "CONT");
    assert_eq!(until("standalone leaves", || pipeline.exit_code().ok_or("it runs")), 0);
    all_gone(&ids);
}

#[test]
fn a_second_signal_takes_everybody_at_once() {
    let mut pipeline = Pipeline::start();
    let ids = children(&pipeline);
    signal(child(&pipeline, "processor"), "STOP");
    signal(pipeline.id(), "TERM");
    edge_is_closed(&pipeline);
    assert!(pipeline.exit_code().is_none());
    signal(pipeline.id(), "TERM");
    assert_eq!(until("standalone leaves", || pipeline.exit_code().ok_or("it runs")), 1);
    all_gone(&ids);
}

#[test]
fn children_end_with_a_standalone_that_is_killed() {
    let mut pipeline = Pipeline::start();
    let ids = children(&pipeline);
    assert_eq!(ids.len(), pipeline.roles().len());
    pipeline.kill_parent();
    all_gone(&ids);
}

#[test]
fn a_port_in_use_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("aftershock.toml");
    for (port, key) in [("ingest", "ingest.listen"), ("query_admin", "query.admin_listen"), ("processor", "processor.listen")] {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let text: String = ["ingest.listen", "ingest.admin_listen", "query.listen", "query.admin_listen", "processor.listen"]
            .map(|name| if name == key { format!("{name} = \"{address}\"\n") } else { format!("{name} = \"127.0.0.1:0\"\n") })
            .concat();
        std::fs::write(&config, text).unwrap();
        let output = Command::new(binary()).args(["standalone", "--config", config.to_str().unwrap()]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("aftershock: {port} cannot listen on {address}: ")), "{said}");
        assert!(!said.contains("child listens"), "nothing was started: {said}");
    }
}
