//! Senders: keep-alive connections that write prepared requests and read what comes back.

use super::harness::KEY;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A report of about 2 KB of JSON; the number makes each one an event of its own.
pub fn report(number: usize) -> String {
    let frames: String =
        (0..18).map(|n| format!("\\n\\tat com.shop.feature{}.Screen{n}.onEvent(Screen{n}.java:{})", number % 40, 10 + n)).collect();
    format!(
        "{{\"eventId\":\"bench-{number}-{}\",\"category\":\"crash\",\"platformId\":1,\"productVersion\":\"2.{}.0\",\"deviceId\":\"device-{}\",\"userId\":\"用户-{}\",\
         \"occurredAt\":{},\"expName\":\"java.lang.IllegalStateException\",\"expMessage\":\"cart {number} 已关闭\",\"callStack\":\"java.lang.IllegalStateException: cart {number}{frames}\",\
         \"threadName\":\"main(1)\",\"processName\":\"com.shop.app\",\"model\":\"Phone M{}\",\"brand\":\"acme\",\"osVer\":\"14\",\"country\":\"CN\",\"cpuType\":\"arm64-v8a\",\
         \"isVirtualMachine\":false,\"appInBack\":false,\"memSize\":7587986432,\"freeMem\":1168867328,\"diskSize\":133999818752,\"freeStorage\":31347867648,\"battery\":71,\
         \"elapsedTime\":9924,\"userKey\":{{\"level\":\"12\",\"scene\":\"checkout\"}},\"userLogs\":\"10:36:48 I/cart open\\n10:36:49 I/cart add 7\\n10:36:50 W/cart slow\"}}",
        std::process::id(),
        number % 5,
        number % 5000,
        number % 5000,
        now(),
        number % 30,
    )
}

pub fn now() -> i64 {
    i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Sends bodies to `path` over this many connections; asserts that each is answered with 200. How long it took.
///
/// One thread serves all connections, as load generators do: with a thread for each, waking it would be charged to the process
/// that is measured, at every answer.
pub fn send(address: &str, path: &str, content_type: &str, connections: usize, bodies: &[String]) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let requests = Requests::new(path, content_type, bodies);
    let next = Cell::new(0);
    let start = Instant::now();
    runtime.block_on(async {
        let all = (0..connections).map(|_| connection(address, &requests, &next));
        all.collect::<FuturesUnordered<_>>().collect::<()>().await;
    });
    start.elapsed()
}

/// Sends bodies at an even rate, whether those before are answered or not, as far as the connections go; from when each was due to its answer.
pub fn send_at(rate: f64, address: &str, path: &str, content_type: &str, connections: usize, bodies: &[String]) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let requests = Requests::new(path, content_type, bodies);
    let (next, times) = (Cell::new(0), RefCell::new(Vec::with_capacity(bodies.len())));
    let paced = async |start: Instant| {
        let mut stream = connect(address).await;
        let mut reply = Vec::new();
        while let Some(request) = requests.get(next.replace(next.get() + 1)) {
            let due = start + Duration::from_secs_f64((next.get() - 1) as f64 / rate);
            tokio::time::sleep_until(due.into()).await;
            while !post(&mut stream, request.as_bytes(), &mut reply).await {}
            times.borrow_mut().push(due.elapsed());
        }
    };
    runtime.block_on((0..connections).map(|_| paced(Instant::now())).collect::<FuturesUnordered<_>>().collect::<()>());
    times.into_inner()
}

/// What is to be sent.
struct Requests<'a> {
    head: String,
    bodies: &'a [String],
}

impl<'a> Requests<'a> {
    fn new(path: &str, content_type: &str, bodies: &'a [String]) -> Self {
        Self { head: format!("POST {path} HTTP/1.1\r\nhost: bench\r\nx-app-key: {KEY}\r\ncontent-type: {content_type}\r\n"), bodies }
    }

    fn get(&self, number: usize) -> Option<String> {
        self.bodies.get(number).map(|body| format!("{}content-length: {}\r\n\r\n{body}", self.head, body.len()))
    }
}

async fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address.trim_start_matches("http://")).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Takes one body after the other to the edge, each until it is taken.
async fn connection(address: &str, requests: &Requests<'_>, next: &Cell<usize>) {
    let mut stream = connect(address).await;
    let mut reply = Vec::new();
    while let Some(request) = requests.get(next.replace(next.get() + 1)) {
        while !post(&mut stream, request.as_bytes(), &mut reply).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// One request; false where the edge is busy and asks to come again.
async fn post(stream: &mut TcpStream, request: &[u8], reply: &mut Vec<u8>) -> bool {
    stream.write_all(request).await.unwrap();
    reply.clear();
    while !is_whole(reply) {
        assert!(stream.read_buf(reply).await.unwrap() > 0, "the edge closed the connection");
    }
    let status = reply.get(9..12).unwrap_or_default();
    assert!([b"200", b"503", b"429"].iter().any(|known| *known == status), "{}", String::from_utf8_lossy(reply));
    status == b"200"
}

/// Whether a reply has come to its end.
fn is_whole(reply: &[u8]) -> bool {
    let Some(end) = reply.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = std::str::from_utf8(&reply[..end]).unwrap();
    let length =
        |line: &str| line.to_ascii_lowercase().strip_prefix("content-length:").map(|length| length.trim().parse::<usize>().unwrap());
    reply.len() >= end + 4 + head.lines().find_map(length).unwrap_or_default()
}

/// CPU seconds that a process has used.
pub fn cpu(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

/// Resident memory of a process in MiB.
pub fn memory(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap().split_whitespace().next().unwrap().parse::<f64>().unwrap();
    kib / 1024.0
}
