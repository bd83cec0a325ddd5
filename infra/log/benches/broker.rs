//! What the embedded log does on this machine, a line per figure with how it was taken:
//! `cargo bench -p embedded-log --bench broker`.
//!
//! The broker runs as a process of its own, the binary as `standalone` starts it; the clients are librdkafka in this
//! process, so both share the machine. `AFTERSHOCK_BENCH_RECORDS` says how many records are stored (5,000,000), `AFTERSHOCK_BENCH_DIR`
//! where (a disk of interest). Records have 1 KB of which lz4 saves about half; acknowledged means synced.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{BaseRecord, DeliveryResult, FutureProducer, FutureRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const TOPIC: &str = "bench";
const PARTITIONS: i32 = 4;
/// As many as may be there without an account.
const IDLE: usize = 1_000;
const PASSWORD: &str = "password-of-the-bench";
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    let records = std::env::var("AFTERSHOCK_BENCH_RECORDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5_000_000);
    let dir = match std::env::var("AFTERSHOCK_BENCH_DIR") {
        Ok(parent) => tempfile::tempdir_in(parent).unwrap(),
        Err(_) => tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap(),
    };
    let mut broker = Running::start(dir.path());
    broker.make_topic();
    bare_disk(dir.path());
    paced(&broker, "nothing stored");
    produce(&broker, records);
    broker.memory("after producing");
    consume(&broker, records);
    broker.memory("after consuming");
    bare_disk(dir.path());
    paced(&broker, &format!("{records} stored"));
    broker.memory("after pacing");
    broker.restart(dir.path(), "kill -9");
    broker.memory("after a restart");
    idle_connections(&broker);
    broker.kill();
}

/// The broker's process.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Running {
    fn start(dir: &Path) -> Running {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let running = Running { child: spawn(dir, address), address };
        running.answered();
        running
    }

    /// Waits until a request is answered: topics and logs are open then.
    fn answered(&self) {
        while TcpStream::connect(self.address).and_then(|mut stream| ask_versions(&mut stream)).is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn restart(&mut self, dir: &Path, how: &str) {
        let mut took: Vec<Duration> = (0..5).map(|_| self.restart_once(dir)).collect();
        took.sort();
        println!("restart after {how}: median {:?}, slowest {:?} of 5, from the process's start to the first answer", took[2], took[4]);
    }

    fn restart_once(&mut self, dir: &Path) -> Duration {
        self.kill();
        let since = Instant::now();
        self.child = spawn(dir, self.address);
        self.answered();
        since.elapsed()
    }

    fn memory(&self, when: &str) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let mebibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok()).map_or(f64::NAN, |kib| kib / 1024.0)
        };
        let (now, most) = (mebibytes("VmRSS:"), mebibytes("VmHWM:"));
        println!("memory {when}: {now:.1} MiB resident, {most:.1} MiB at most (the broker's process)");
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.address.to_string()).set("socket.nagle.disable", "true");
        config.set("security.protocol", "SASL_PLAINTEXT").set("sasl.mechanism", "SCRAM-SHA-256");
        config.set("sasl.username", "aftershock").set("sasl.password", PASSWORD);
        config
    }

    fn make_topic(&self) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let topic = NewTopic::new(TOPIC, PARTITIONS, TopicReplication::Fixed(1)).set("message.timestamp.type", "LogAppendTime");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(admin.create_topics([&topic], &AdminOptions::new())).unwrap();
    }
}

/// The program as `make bench` builds it, beside this one; `AFTERSHOCK_TEST_BINARY` names another.
fn binary() -> PathBuf {
    let built = || std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("aftershock");
    std::env::var_os("AFTERSHOCK_TEST_BINARY").map_or_else(built, PathBuf::from)
}

fn spawn(dir: &Path, address: SocketAddr) -> Child {
    let mut command = Command::new(binary());
    command.args(["broker", "--listen", &address.to_string(), "--dir"]).arg(dir).env("MIMALLOC_PURGE_DELAY", "0");
    command.env("AFTERSHOCK_BROKER_PASSWORD", PASSWORD);
    command.stdout(Stdio::null()).spawn().unwrap()
}

/// An ApiVersions request of version 0, and its answer.
fn ask_versions(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff])?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer)
}

struct Counting(Arc<AtomicU64>);

impl ClientContext for Counting {}

impl ProducerContext for Counting {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        result.as_ref().map_err(|(error, _)| error).unwrap();
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn produce(broker: &Running, records: u64) {
    let acknowledged = Arc::new(AtomicU64::new(0));
    let mut config = broker.client();
    config.set("enable.idempotence", "true").set("compression.codec", "lz4").set("linger.ms", "5");
    config.set("batch.size", "1000000").set("queue.buffering.max.messages", "500000");
    let producer: ThreadedProducer<Counting> = config.create_with_context(Counting(acknowledged.clone())).unwrap();
    let mut body = vec![0u8; 1024];
    let mut state = 88_172_645_463_325_252u64;
    let since = Instant::now();
    for n in 0..records {
        for word in body[..512].chunks_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        body[..8].copy_from_slice(&n.to_le_bytes());
        let partition = i32::try_from(n % PARTITIONS as u64).unwrap();
        while producer.send(BaseRecord::<(), [u8]>::to(TOPIC).partition(partition).payload(&body)).is_err() {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    producer.flush(PATIENCE).unwrap();
    let took = since.elapsed();
    assert_eq!(acknowledged.load(Ordering::Relaxed), records);
    let rate = records as f64 / took.as_secs_f64();
    println!("produced: {rate:.0} records/s ({records} of 1 KB in {took:.1?}, lz4, idempotent, acks=all, {PARTITIONS} partitions)");
}

fn consume(broker: &Running, records: u64) {
    let mut config = broker.client();
    config.set("group.id", "bench").set("enable.auto.commit", "false").set("queued.min.messages", "200000");
    // An answer that fits the cores' caches is unpacked there. The client's default is 50 MB, with which fewer come through.
    config.set("fetch.max.bytes", "1048576");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(TOPIC, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut seen, mut since) = (0, Instant::now());
    while seen < records {
        if let Some(Ok(message)) = consumer.poll(PATIENCE) {
            if seen == 0 {
                since = Instant::now();
            }
            seen += 1;
            std::hint::black_box(message.payload());
        }
    }
    let took = since.elapsed();
    let rate = records as f64 / took.as_secs_f64();
    println!("consumed: {rate:.0} records/s ({records} from the beginning in {took:.1?}, one consumer, answers of 1 MB)");
}

/// What the disk and the scheduler allow at this hour: one thread, one synced append a millisecond at most.
fn bare_disk(dir: &Path) {
    let mut file = std::fs::File::create(dir.join("bare")).unwrap();
    let mut times: Vec<Duration> = (0..5_000)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(1));
            let since = Instant::now();
            file.write_all(&[7; 1024]).and_then(|()| file.sync_data()).unwrap();
            since.elapsed()
        })
        .collect();
    times.sort();
    std::fs::remove_file(dir.join("bare")).unwrap();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!(
        "disk alone: p50 {:.1?}, p99 {:.1?}, slowest {:.1?} (1 KB appended and synced by one thread, 5,000 times)",
        at(50),
        at(99),
        at(100)
    );
}

/// One record each millisecond, none waits for another; the time from the call to the acknowledgement.
fn paced(broker: &Running, when: &str) {
    let mut config = broker.client();
    config.set("enable.idempotence", "true").set("compression.codec", "lz4").set("linger.ms", "0");
    let producer: FutureProducer = config.create().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut times = runtime.block_on(async {
        paced_for(&producer, 3_000).await;
        paced_for(&producer, 20_000).await
    });
    times.sort();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let (half, most, slowest) = (at(50), at(99), at(100));
    println!("paced, {when}: p50 {half:.1?}, p99 {most:.1?}, slowest {slowest:.1?} (1,000/s of 1 KB for 20 s after 3 s of warm-up)");
}

async fn paced_for(producer: &FutureProducer, records: usize) -> Vec<Duration> {
    let body = Arc::new([7u8; 1024]);
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let mut sent = Vec::with_capacity(records);
    for _ in 0..records {
        ticks.tick().await;
        let (producer, body) = (producer.clone(), body.clone());
        sent.push(tokio::spawn(async move {
            let since = Instant::now();
            producer.send(FutureRecord::<(), [u8]>::to(TOPIC).payload(&body[..]), PATIENCE).await.map_err(|(error, _)| error).unwrap();
            since.elapsed()
        }));
    }
    let mut times = Vec::with_capacity(records);
    for one in sent {
        times.push(one.await.unwrap());
    }
    times
}

fn idle_connections(broker: &Running) {
    let connect = |n: usize| {
        let mut stream = TcpStream::connect(broker.address).unwrap_or_else(|error| panic!("connection {n}: {error}"));
        ask_versions(&mut stream).unwrap();
        stream
    };
    let mut open: Vec<TcpStream> = (0..IDLE).map(connect).collect();
    broker.memory(&format!("with {IDLE} connections"));
    let since = Instant::now();
    open.iter_mut().for_each(|stream| ask_versions(stream).unwrap());
    println!("idle connections: {IDLE} open, each answered again, one after the other, in {:?}", since.elapsed());
}
