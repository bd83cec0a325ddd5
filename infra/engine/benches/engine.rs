//! What the embedded engine does on this machine, a line per figure with how it was taken:
//! `cargo bench -p embedded-engine --bench engine`.
//!
//! The engine runs as a process of its own, the binary as `standalone` starts it; the clients are in this process, so both
//! share the machine. Without the library (`make engine`) it says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use clickhouse::{Client, Compression, Row};
use serde::Serialize;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const ROWS: u64 = 400_000;
const SLICE: usize = 10_000;
const WRITERS: u64 = 2;
const QUERIES: usize = 3_000;
const PASSWORD: &str = "password-of-the-bench";

fn main() {
    let library = embedded_engine::fetched_library();
    if !library.exists() {
        return println!("left out: the engine library {} is not there (make engine)", library.display());
    }
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let engine = Running::start(dir.path(), &library);
    engine.idle("just started");
    select_one(&engine);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(select_one_by_crate(&engine));
    runtime.block_on(insert(&engine));
    engine.memory("after the inserts");
    select_one(&engine);
    engine.idle(&format!("{ROWS} rows stored"));
}

/// The program as `make bench` builds it, beside this one; `AFTERSHOCK_TEST_BINARY` names another.
fn binary() -> PathBuf {
    let built = || std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("aftershock");
    std::env::var_os("AFTERSHOCK_TEST_BINARY").map_or_else(built, PathBuf::from)
}

/// The engine's process.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(dir: &Path, library: &Path) -> Running {
        let since = Instant::now();
        let mut command = Command::new(binary());
        command.args(["engine", "--listen", "127.0.0.1:0", "--dir"]).arg(dir).arg("--library").arg(library);
        command.env("AFTERSHOCK_ENGINE_PASSWORD", PASSWORD);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let hello: serde_json::Value = serde_json::from_str(&line).unwrap();
        let running = Running { child, address: hello["listen"].as_str().unwrap().parse().unwrap() };
        ask(&mut running.connect(), "select 1");
        println!("start: {:.0?} from the process's start to the first answer, an empty folder", since.elapsed());
        running
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    fn client(&self) -> Client {
        Client::default().with_url(format!("http://{}", self.address)).with_user("default").with_password(PASSWORD)
    }

    fn memory(&self, when: &str) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let mebibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().strip_suffix(" kB").unwrap().trim().parse::<f64>().unwrap() / 1024.0
        };
        println!("memory, {when}: {:.0} MiB resident, {:.0} MiB at most (the engine's process)", mebibytes("VmRSS:"), mebibytes("VmHWM:"));
    }

    /// Memory and CPU of an engine that nobody asks, after merges have ended.
    fn idle(&self, when: &str) {
        std::thread::sleep(Duration::from_secs(10));
        self.memory(&format!("idle, {when}"));
        let (before, since) = (self.cpu(), Instant::now());
        std::thread::sleep(Duration::from_secs(10));
        let used = (self.cpu() - before) / since.elapsed().as_secs_f64() * 100.0;
        println!("idle CPU, {when}: {used:.1} % of a core (10 s)");
    }

    /// Seconds of CPU since it had used `before`, once it has come to rest.
    fn settled(&self, before: f64) -> f64 {
        let (mut last, mut quiet) = (self.cpu(), 0);
        while quiet < 3 {
            std::thread::sleep(Duration::from_secs(1));
            let now = self.cpu();
            quiet = if now - last < 0.05 { quiet + 1 } else { 0 };
            last = now;
        }
        last - before
    }

    /// Seconds of CPU that it has used.
    fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
    }
}

/// One statement over a connection that stays open; the body of its answer, however it is framed.
fn ask(stream: &mut TcpStream, sql: &str) -> String {
    write!(stream, "POST / HTTP/1.1\r\nhost: localhost\r\nx-clickhouse-user: default\r\nx-clickhouse-key: {PASSWORD}\r\ncontent-length: {}\r\n\r\n{sql}", sql.len()).unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "the connection ended");
        answer.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("HTTP/1.1 200"), "{text}");
        let length = head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        if length.map_or(body.ends_with("0\r\n\r\n"), |length| body.len() == length) {
            return body.to_owned();
        }
    }
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("{what}: p50 {:.2?}, p90 {:.2?}, p99 {:.2?} ({} one after the other)", at(50), at(90), at(99), times.len());
}

fn select_one(engine: &Running) {
    let mut stream = engine.connect();
    (0..200).for_each(|_| drop(ask(&mut stream, "select 1")));
    let one = |_| {
        let since = Instant::now();
        ask(&mut stream, "select 1");
        since.elapsed()
    };
    report("SELECT 1 over HTTP", (0..QUERIES).map(one).collect());
}

async fn select_one_by_crate(engine: &Running) {
    let client = engine.client();
    let mut times = Vec::with_capacity(QUERIES);
    for _ in 0..QUERIES {
        let since = Instant::now();
        assert_eq!(client.query("select 1").fetch_one::<u8>().await.unwrap(), 1);
        times.push(since.elapsed());
    }
    report("SELECT 1 through the crate", times);
}

/// 25 columns, about 2.3 KB.
#[derive(Row, Serialize, Clone)]
struct Report {
    id: u64,
    app: String,
    device: u64,
    at: i64,
    stack: String,
    logs: String,
    texts: Vec<(String, String)>,
    country: String,
    numbers: Vec<u64>,
    version: String,
    model: String,
    brand: String,
    system: String,
    message: String,
    name: String,
    thread: String,
    process: String,
    user: String,
    cpu: String,
    kind: u8,
    platform: u8,
    background: bool,
    rooted: bool,
    partition: i32,
    offset: i64,
}

const TABLE: &str = "create table bench.reports (id UInt64, app LowCardinality(String), device UInt64, at DateTime64(3), stack String, logs String, \
    texts Map(String, String), country LowCardinality(String), numbers Array(UInt64), version LowCardinality(String), model LowCardinality(String), \
    brand LowCardinality(String), system LowCardinality(String), message String, name LowCardinality(String), thread LowCardinality(String), \
    process LowCardinality(String), user String, cpu LowCardinality(String), kind UInt8, platform UInt8, background Bool, rooted Bool, \
    partition Int32, offset Int64) engine = MergeTree order by (app, at)";

fn row(n: u64) -> Report {
    let frame = |f: u64| format!("\tat com.shop.feature{}.Screen{f}.onEvent(Screen{f}.java:{})\n", n % 40, n % 300 + f);
    let log = |l: u64| format!("10:36:{:02} I/cart 打开 {} {}\n", l, n % 1000 + l, n * 31 % 977);
    let word = |stem: &str, of: u64| format!("{stem}{}", n % of);
    Report {
        id: n.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        app: word("app", 5),
        device: n % 50_000,
        at: 1_763_700_000_000 + n as i64,
        stack: (0..26).map(frame).collect(),
        logs: (0..16).map(log).collect(),
        texts: vec![("渠道".to_owned(), word("c", 9)), ("level".to_owned(), word("", 60))],
        country: word("C", 50),
        numbers: (0..8).map(|at| n * at).collect(),
        version: word("2.", 9),
        model: word("Phone M", 300),
        brand: word("acme", 20),
        system: word("", 15),
        message: format!("cart {n} 已关闭"),
        name: "java.lang.IllegalStateException".to_owned(),
        thread: word("main", 3),
        process: word("com.shop.app", 3),
        user: format!("用户-{}", n % 5_000),
        cpu: "arm64-v8a".to_owned(),
        kind: (n % 3) as u8,
        platform: 1,
        background: n.is_multiple_of(3),
        rooted: n.is_multiple_of(50),
        partition: 0,
        offset: n as i64,
    }
}

async fn insert(engine: &Running) {
    let client = engine.client().with_compression(Compression::Lz4);
    client.query("create database bench engine = Atomic").execute().await.unwrap();
    client.query(TABLE).execute().await.unwrap();
    let client = client.with_database("bench");
    let rows: Vec<Report> = (0..SLICE as u64).map(row).collect();
    let (before, since) = (engine.cpu(), Instant::now());
    let write = |writer: u64| {
        let (client, rows) = (client.clone(), rows.clone());
        tokio::spawn(async move {
            for slice in 0..ROWS / SLICE as u64 / WRITERS {
                let token = format!("{writer}:{slice}");
                let mut insert = client.insert::<Report>("reports").await.unwrap().with_setting("insert_deduplication_token", token);
                for row in &rows {
                    insert.write(row).await.unwrap();
                }
                insert.end().await.unwrap();
            }
        })
    };
    for writer in (0..WRITERS).map(write).collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let (took, used) = (since.elapsed().as_secs_f64(), engine.cpu() - before);
    let sql = "select sum(rows), sum(data_uncompressed_bytes) from system.parts where active and database = 'bench'";
    let (stored, bytes) = client.query(sql).fetch_one::<(u64, u64)>().await.unwrap();
    assert_eq!(stored, ROWS);
    let (rate, each, micros) = (ROWS as f64 / took, bytes / stored, used / ROWS as f64 * 1e6);
    println!(
        "inserted: {rate:.0} rows/s, {micros:.1} us of the engine's CPU a row ({ROWS} of 25 columns and {each} bytes in {took:.1} s, by the crate \
         with LZ4, slices of {SLICE}, {WRITERS} writers)"
    );
    // Merges that were put off are part of the price.
    let micros = engine.settled(before) / ROWS as f64 * 1e6;
    println!("inserted and merged: {micros:.1} us of the engine's CPU a row (until it has used less than a twentieth of a core for 3 s)");
}
