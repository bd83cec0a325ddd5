//! The log taken away at full load: clients go on, nothing that was acknowledged is lost, and the edge is back with the log.
//!
//! The log is an `aftershock broker` of its own, ended with -9 and started again on the same folder and port. Short in the suite,
//! ten minutes by `make soak`.

use crate::harness::{APP, Edge, KEY, Options, Pipeline, Process, Wire, binary, pause, rest, until, within};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Clients that each have a report under way at any time.
const CLIENTS: u64 = 64;
/// What the edge may grow by while there is no log.
const MEMORY_MIB: f64 = 200.0;

/// From this many seconds on a run is no part of the suite: it has the machine to itself, and times mean something.
const LONG: u64 = 60;
const FLAT_MIB: f64 = 20.0;
const BACK: Duration = Duration::from_secs(5);

/// What was measured.
struct Figures {
    away: Duration,
    acknowledged: u64,
    /// Answers that asked the client to come again.
    busy: u64,
    /// Acknowledged a second before and after.
    before: f64,
    after: f64,
    /// From the log's return to four fifths of the former rate.
    back: Duration,
    /// Memory of the edge: under load, most in the first and in the second half of the absence.
    memory: [f64; 3],
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { away, acknowledged, busy, before, after, back, memory: [loaded, first, second] } = self;
        write!(
            f,
            "log away {away:.0?}: {acknowledged} acknowledged, none lost; {busy} answers to come again; {before:.0}/s before, {after:.0}/s after, \
             back in {back:.1?}; memory {loaded:.0} MiB under load, at most {first:.0} and {second:.0} MiB in the halves without the log"
        )
    }
}

/// What the clients share.
#[derive(Default)]
struct Load {
    over: AtomicBool,
    next: AtomicU64,
    acknowledged: AtomicU64,
    busy: AtomicU64,
}

/// A log that can be taken away.
struct Log {
    process: Process,
    address: String,
    folder: tempfile::TempDir,
}

impl Log {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        Self { process: broker(folder.path(), &address), address, folder }
    }

    fn restart(&mut self) {
        self.process = broker(self.folder.path(), &self.address);
    }
}

const PASSWORD: &str = "password-of-the-soak";

fn broker(folder: &Path, address: &str) -> Process {
    let mut command = std::process::Command::new(binary());
    command.args(["broker", "--dir", folder.to_str().unwrap(), "--listen", address]).env("AFTERSHOCK_BROKER_PASSWORD", PASSWORD);
    let process = Process::of(&mut command);
    until("the log listens", || std::net::TcpStream::connect(address).map(drop));
    process
}

/// Takes the log away for this long.
fn run(away: Duration) -> Figures {
    let mut log = Log::start();
    let account = "security_protocol = \"SASL_PLAINTEXT\"\nsasl_mechanism = \"SCRAM-SHA-256\"\nsasl_username = \"aftershock\"\n";
    let more = format!("[kafka]\nbrokers = \"{}\"\n[kafka.properties]\n{account}sasl_password = \"{PASSWORD}\"\n", log.address);
    let pipeline = Pipeline::start_with(&Options { partitions: 4, linger: "1s", more: more.leak(), ..Options::default() });
    let edge = Edge::start(&pipeline, "edge", "");
    let load = Arc::new(Load::default());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let clients: Vec<_> = (0..CLIENTS).map(|_| runtime.spawn(client(edge.address(), Arc::clone(&load)))).collect();
    let calm = (away / 20).clamp(Duration::from_secs(3), Duration::from_secs(30));
    rate(&load, calm / 2);
    let before = rate(&load, calm);
    let loaded = edge.process.memory("VmRSS");

    log.process.kill();
    let first = most_memory(&edge, away / 2);
    let second = most_memory(&edge, away / 2);
    log.restart();
    let back = Instant::now();
    within(Duration::from_secs(120), "the former rate", || {
        let now = rate(&load, Duration::from_millis(500));
        if now >= 0.8 * before { Ok(()) } else { Err(format!("{now:.0}/s of {before:.0}/s")) }
    });
    let back = back.elapsed();
    let after = rate(&load, calm);
    load.over.store(true, Relaxed);
    for client in clients {
        runtime.block_on(client).unwrap();
    }
    let (acknowledged, busy) = (load.acknowledged.load(Relaxed), load.busy.load(Relaxed));
    kept(&pipeline, acknowledged);
    Figures { away, acknowledged, busy, before, after, back, memory: [loaded, first, second] }
}

/// Every report was sent until it was acknowledged: all are in the tables, each once.
fn kept(pipeline: &Pipeline, acknowledged: u64) {
    let count = || pipeline.engine().number(&format!("select count() from aftershock.occurrences where app_id = '{APP}'"));
    within(Duration::from_secs(600), "everything is in the tables", || {
        let reply = pipeline.operator().try_get("/v1/admin/pipeline")?;
        let lag = serde_json::from_str::<serde_json::Value>(&reply.text).ok().and_then(|reply| reply["lag"].as_i64());
        if lag == Some(0) { Ok(()) } else { Err(reply.text) }
    });
    assert_eq!(count(), i64::try_from(acknowledged).unwrap(), "acknowledged, and in the tables");
}

/// Sends reports one after another, each until it is acknowledged.
async fn client(edge: SocketAddr, load: Arc<Load>) {
    let headers = format!("x-app-key: {KEY}\r\ncontent-type: application/json\r\n");
    let mut wire = None;
    while !load.over.load(Relaxed) {
        let body = report(load.next.fetch_add(1, Relaxed));
        loop {
            if wire.is_none() {
                wire = Wire::connect(Ipv4Addr::LOCALHOST, edge).await.ok();
            }
            let answer = match wire.as_mut() {
                Some(wire) => wire.post("/v1/reports", &headers, body.as_bytes()).await,
                None => Err(std::io::ErrorKind::NotConnected.into()),
            };
            match answer {
                Ok(answer) if answer.status == 200 => break,
                Ok(answer) => {
                    assert!(answer.status == 503 && answer.head.contains("retry-after: "), "{}", answer.head);
                    load.busy.fetch_add(1, Relaxed);
                }
                Err(_) => wire = None,
            }
            // Half of what the edge asks for at least: clients are not always polite.
            rest(Duration::from_millis(500)).await;
        }
        load.acknowledged.fetch_add(1, Relaxed);
    }
}

fn report(number: u64) -> String {
    format!(
        "{{\"eventId\":\"soak-{number}\",\"category\":\"crash\",\"platformId\":1,\"productVersion\":\"1.{}\",\"deviceId\":\"设备-{}\",\"expName\":\"java.lang.IllegalStateException\",\
         \"expMessage\":\"购物车 {number}\",\"callStack\":\"java.lang.IllegalStateException\\n\\tat com.shop.Cart{}.pay(Cart.java:12)\"}}",
        number % 5,
        number % 5_000,
        number % 40,
    )
}

/// Acknowledged a second, for this long.
fn rate(load: &Load, time: Duration) -> f64 {
    let (count, start) = (load.acknowledged.load(Relaxed), Instant::now());
    pause(time);
    (load.acknowledged.load(Relaxed) - count) as f64 / start.elapsed().as_secs_f64()
}

fn most_memory(edge: &Edge, time: Duration) -> f64 {
    let (mut most, start) = (0.0_f64, Instant::now());
    while start.elapsed() < time {
        most = most.max(edge.process.memory("VmRSS"));
        pause(Duration::from_millis(200).min(time));
    }
    most
}

#[test]
fn a_log_that_goes_and_comes_back_loses_nothing() {
    if std::env::var_os("AFTERSHOCK_TEST_KAFKA").is_some() {
        println!("skipped: the log is not ours to end");
        return;
    }
    let seconds = std::env::var("AFTERSHOCK_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(8);
    let figures = run(Duration::from_secs(seconds));
    println!("{figures}");
    assert!(figures.busy > 0, "no client noticed that the log was away");
    assert!(figures.after > figures.before / 2.0, "{figures}");
    let [loaded, first, second] = figures.memory;
    assert!(first.max(second) <= loaded + MEMORY_MIB, "{figures}");
    if seconds >= LONG {
        assert!(second <= first + FLAT_MIB, "memory grows: {figures}");
        assert!(figures.back <= BACK, "{figures}");
    }
}
