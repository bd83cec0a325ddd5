//! What a report costs the edge: its own process, acknowledged by the embedded log after its sync.

use super::figure;
use super::harness::{Options, Pipeline, Process, get, until};
use super::load::{cpu, report, send};

/// An edge of its own beside a standalone, so that its CPU time is its alone.
fn edge(pipeline: &Pipeline) -> (Process, String) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = pipeline.role_config("edge", "");
    let text = std::fs::read_to_string(&config).unwrap();
    let listen = format!("[ingest]\nlisten = \"127.0.0.1:{port}\"\nreports_per_minute = 0");
    std::fs::write(&config, text.replacen("[ingest]\nlisten = \"127.0.0.1:0\"", &listen, 1)).unwrap();
    let process = Process::start(&["ingest", "--config", config.to_str().unwrap()]);
    let url = format!("http://127.0.0.1:{port}");
    until("the edge is ready", || match get(&format!("{url}/readyz"), &[]) {
        Ok(reply) if reply.status == 200 => Ok(()),
        other => Err(format!("{other:?}")),
    });
    (process, url)
}

fn measure(name: &str, content_type: &str, bodies: &[String], reports: usize, method: &str) {
    let pipeline = Pipeline::start_with(&Options { partitions: 4, linger: "1s", ..Options::default() });
    let (process, url) = edge(&pipeline);
    let warm = bodies.len() / 10;
    send(&url, "/v1/reports", content_type, 64, &bodies[..warm]);
    let before = cpu(process.id());
    let elapsed = send(&url, "/v1/reports", content_type, 64, &bodies[warm..]);
    let measured = reports * (bodies.len() - warm) / bodies.len();
    figure(name, (cpu(process.id()) - before) * 1e6 / measured as f64, "us CPU/report", method);
    figure(&format!("{name}, rate"), measured as f64 / elapsed.as_secs_f64(), "reports/s", "sender, log and processor on the same cores");
}

/// One report a request.
pub fn single() {
    let bodies: Vec<String> = (0..60_000).map(report).collect();
    measure("edge, one report a request", "application/json", &bodies, 60_000, "2 KB reports, 64 connections, durable ack");
}

/// Batches of 50.
pub fn batches() {
    let bodies: Vec<String> = (0..4_000).map(|batch| (0..50).map(|n| report(batch * 50 + n)).collect::<Vec<_>>().join("\n")).collect();
    measure("edge, NDJSON batches of 50", "application/x-ndjson", &bodies, 200_000, "2 KB reports, 64 connections, durable ack");
}
