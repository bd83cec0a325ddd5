//! What a report costs the edge: its own process, acknowledged by the embedded log after its sync.

use super::figure;
use super::harness::{Edge, Options, Pipeline, Process};
use super::load::{cpu, now, report, send, send_at};
use super::sentry::envelope;
use aes_gcm::{Aes256Gcm, KeyInit, aead::Aead};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Of the device channel.
const SECRET: [u8; 32] = [7; 32];

/// An edge of its own beside a standalone, so that its CPU time is its alone.
fn edge(pipeline: &Pipeline) -> (Process, String) {
    let Edge { process, url } = Edge::start(pipeline, "edge", "");
    (process, url)
}

/// What is measured.
struct Load<'a> {
    name: &'a str,
    path: &'a str,
    content_type: &'a str,
    /// Reports of one body.
    reports: usize,
    method: &'a str,
}

const ONE: Load<'_> = Load {
    name: "edge, one report a request",
    path: "/v1/reports",
    content_type: "application/json",
    reports: 1,
    method: "2 KB reports, 64 connections, durable ack",
};

fn measure(load: &Load<'_>, bodies: &[String]) {
    let pipeline = Pipeline::start_with(&Options { partitions: 4, linger: "1s", ..Options::default() });
    pipeline.replace_credentials("default = true", &format!("default = true\ndevice_secrets = [\"{}\"]", STANDARD.encode(SECRET)));
    let (warm, measured) = bodies.split_at(bodies.len() / 10);
    let reports = (load.reports * measured.len()) as f64;
    let cost = |(process, url): (Process, String)| {
        send(&url, load.path, load.content_type, 64, warm);
        let before = cpu(process.id());
        let elapsed = send(&url, load.path, load.content_type, 64, measured);
        ((cpu(process.id()) - before) * 1e6 / reports, reports / elapsed.as_secs_f64())
    };
    let (each, rate) = cost(edge(&pipeline));
    figure(load.name, each, "us CPU/report", load.method);
    figure(&format!("{}, rate", load.name), rate, "reports/s", "sender, log and processor on the same cores");
    let (each, _) = cost(super::bare::start(&pipeline));
    figure("- bare hyper to the log, for scale", each, "us CPU/report", "the same bodies, unread");
}

/// One report a request.
pub fn single() {
    let bodies: Vec<String> = (0..60_000).map(report).collect();
    measure(&ONE, &bodies);
}

/// How long an answer takes at half of what this machine can do.
pub fn half() {
    let pipeline = Pipeline::start_with(&Options { partitions: 4, linger: "1s", ..Options::default() });
    let (_process, url) = edge(&pipeline);
    let bodies: Vec<String> = (0..100_000).map(report).collect();
    let (full, paced) = bodies.split_at(30_000);
    let rate = full.len() as f64 / send(&url, ONE.path, ONE.content_type, 64, full).as_secs_f64() / 2.0;
    let paced = &paced[..paced.len().min((rate * 15.0) as usize)];
    let mut times = send_at(rate, &url, ONE.path, ONE.content_type, 64, paced);
    times.sort();
    let method = format!("{rate:.0} reports/s of 2 KB for 15 s, from when each was due, 64 connections, durable ack");
    for percent in [50, 99] {
        let time = times[(times.len() - 1) * percent / 100];
        figure(&format!("edge, p{percent} at half of saturation"), time.as_secs_f64() * 1e3, "ms", &method);
    }
}

/// Batches of 50.
pub fn batches() {
    let bodies: Vec<String> = (0..4_000).map(|batch| (0..50).map(|n| report(batch * 50 + n)).collect::<Vec<_>>().join("\n")).collect();
    measure(&Load { name: "edge, NDJSON batches of 50", content_type: "application/x-ndjson", reports: 50, ..ONE }, &bodies);
}

/// One report a request through the device channel, its reply sealed.
pub fn sealed() {
    let cipher = Aes256Gcm::new(&SECRET.into());
    let seal = |number: usize| {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&(number as u64).to_le_bytes());
        let text = message(number).into_bytes();
        let data = cipher.encrypt(&nonce.into(), &*text).unwrap();
        format!("{{\"data\":\"{}\",\"time\":\"{}\"}}", STANDARD.encode(data), STANDARD.encode(nonce))
    };
    let bodies: Vec<String> = (0..60_000).map(seal).collect();
    let path = "/v1/common/log/message/report";
    // The header line that switches the channel on comes after that of the type.
    let content_type = "application/json\r\nlogin-type: device";
    measure(&Load { name: "edge, sealed report (GCM)", path, content_type, ..ONE }, &bodies);
}

/// A report of about 2 KB in the words of the log-message dialect.
fn message(number: usize) -> String {
    let frames: String =
        (0..28).map(|n| format!("\\n\\tat com.shop.feature{}.Screen{n}.onEvent(Screen{n}.java:{})", number % 40, 10 + n)).collect();
    format!(
        "{{\"platform\":\"android\",\"appVersion\":\"2.{}.0\",\"osName\":\"Android\",\"osVersion\":\"14\",\"deviceId\":\"device-{}\",\"level\":1,\
         \"message\":\"cart {number} 已关闭\",\"stack\":\"java.lang.IllegalStateException: cart {number}{frames}\",\"occurredAt\":{}}}",
        number % 5,
        number % 5000,
        now(),
    )
}

/// One Sentry event a request.
pub fn envelopes() {
    let bodies: Vec<String> = (0..40_000).map(envelope).collect();
    let size = bodies.iter().map(String::len).sum::<usize>() / bodies.len();
    // The header line with the key comes after that of the type.
    let auth = format!("application/x-sentry-envelope\r\nx-sentry-auth: Sentry sentry_version=7, sentry_key={}", super::harness::KEY);
    let name = "edge, Sentry envelope of 12 KB";
    let method = format!("{size} bytes, 22 frames, 64 connections, durable ack");
    measure(&Load { name, path: "/api/1/envelope/", content_type: &auth, reports: 1, method: &method }, &bodies);
}
