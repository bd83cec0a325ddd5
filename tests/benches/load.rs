//! Senders: blocking keep-alive connections that write prepared requests and read what comes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

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
pub fn send(address: &str, path: &str, content_type: &str, connections: usize, bodies: &[String]) -> Duration {
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
                stream.set_nodelay(true).unwrap();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    while !post(&mut stream, &mut reader, path, content_type, body) {
                        std::thread::sleep(Duration::from_millis(50));
                    }
                }
            });
        }
    });
    start.elapsed()
}

/// One request; false where the edge is busy and asks to come again.
fn post(stream: &mut TcpStream, reader: &mut BufReader<TcpStream>, path: &str, content_type: &str, body: &str) -> bool {
    let key = super::harness::KEY;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\nx-app-key: {key}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let (status, mut length) = (line.split(' ').nth(1).unwrap_or_default().to_owned(), 0);
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if let Some((name, value)) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
            length = value.trim().parse().unwrap_or_else(|_| panic!("{name}: {value}"));
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut reply = vec![0; length];
    reader.read_exact(&mut reply).unwrap();
    assert!(["200", "503", "429"].contains(&status.as_str()), "{status} {}", String::from_utf8_lossy(&reply));
    status == "200"
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
