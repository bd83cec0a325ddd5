//! A broker on port 0 (or the Apache Kafka in the environment) and clients for it.

use embedded_log::{Account, Config};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The account of this suite, which may do everything.
const USER: &str = "suite";
const PASSWORD: &str = "口令=of,the-suite";

type Served = JoinHandle<Result<(), embedded_log::Error>>;

/// A broker of this test.
pub struct Broker {
    pub address: String,
    running: Option<(oneshot::Sender<()>, Served)>,
}

/// The Apache Kafka that stands in, if there is one.
pub fn external() -> Option<String> {
    std::env::var("AFTERSHOCK_TEST_KAFKA").ok()
}

/// User and password of the account that may do everything.
pub fn account() -> (String, String) {
    let variable = |name: &str| std::env::var(format!("AFTERSHOCK_TEST_KAFKA_{name}")).expect("an account beside AFTERSHOCK_TEST_KAFKA");
    match external() {
        Some(_) => (variable("USER"), variable("PASSWORD")),
        None => (USER.to_owned(), PASSWORD.to_owned()),
    }
}

/// Whether a test that needs the broker's files must be left out.
pub fn without_files() -> bool {
    let left_out = external().is_some();
    if left_out {
        eprintln!("left out: needs the embedded broker's files");
    }
    left_out
}

/// Settings that make tests quick.
pub fn config(dir: &Path) -> Config {
    let mut config = Config::new(([127, 0, 0, 1], 0).into(), dir.to_owned());
    config.housekeeping = Duration::from_millis(100);
    config.initial_rebalance_delay = Duration::ZERO;
    config.accounts = vec![Account::operator(USER, PASSWORD.into())];
    config
}

impl Broker {
    pub async fn start(dir: &Path) -> Broker {
        Broker::start_with(config(dir)).await
    }

    pub async fn start_with(config: Config) -> Broker {
        if let Some(address) = external() {
            return Broker { address, running: None };
        }
        let listener = TcpListener::bind(config.listen).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { drop(stopped.await) };
        let task = tokio::spawn(embedded_log::run(config, listener, shutdown));
        let broker = Broker { address, running: Some((stop, task)) };
        let mut pause = tokio::time::interval(Duration::from_millis(5));
        let deadline = Instant::now() + PATIENCE;
        // The listener is there before the broker has opened its folder: only an answer says that it has.
        while broker.answered().await.is_err() {
            assert!(Instant::now() < deadline, "the broker does not answer");
            pause.tick().await;
        }
        broker
    }

    /// Waits for the answer to a request for the versions that are served.
    async fn answered(&self) -> std::io::Result<()> {
        let mut stream = tokio::net::TcpStream::connect(&self.address).await?;
        stream.write_all(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff]).await?;
        stream.read_u32().await.map(|_| ())
    }

    /// One that runs elsewhere.
    pub fn at(address: &str) -> Broker {
        Broker { address: address.to_owned(), running: None }
    }

    pub async fn stop(mut self) {
        if let Some((stop, task)) = self.running.take() {
            stop.send(()).unwrap();
            task.await.unwrap().unwrap();
        }
    }

    pub fn client(&self) -> ClientConfig {
        let (user, password) = account();
        self.client_of(&user, &password)
    }

    /// Settings of a client with an account of its own.
    pub fn client_of(&self, user: &str, password: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("security.protocol", "SASL_PLAINTEXT").set("sasl.mechanism", "SCRAM-SHA-256");
        config.set("sasl.username", user).set("sasl.password", password);
        config.set("bootstrap.servers", &self.address).set("socket.nagle.disable", "true");
        config.set("log_level", "3").set("reconnect.backoff.max.ms", "200");
        config
    }

    pub fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().unwrap()
    }

    pub fn producer(&self, settings: &[(&str, &str)]) -> FutureProducer {
        let mut config = self.client();
        config.set("enable.idempotence", "true").set("linger.ms", "2").set("message.max.bytes", "10000000");
        for (key, value) in settings {
            config.set(*key, *value);
        }
        config.create().unwrap()
    }

    pub fn consumer_config(&self, group: &str) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", "100")
            .set("enable.partition.eof", "false");
        config
    }

    pub fn consumer(&self, group: &str) -> BaseConsumer {
        self.consumer_config(group).create().unwrap()
    }

    /// Makes a topic of its own for a test.
    pub async fn topic(&self, stem: &str, partitions: i32, settings: &[(&str, &str)]) -> String {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let name = format!("{stem}-{}-{serial}", std::process::id());
        self.make(&name, partitions, settings).await;
        name
    }

    pub async fn make(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        // Apache Kafka 4 takes no segments below 1 MiB; small ones are only for looking at our files.
        let small = |value: &str| value.parse::<u64>().is_ok_and(|bytes| bytes < 1 << 20);
        let taken = |(key, value): &&(&str, &str)| external().is_none() || *key != "segment.bytes" || !small(value);
        topic.config = settings.iter().filter(taken).copied().collect();
        let results = self.admin().create_topics([&topic], &AdminOptions::new()).await.unwrap();
        assert_eq!(results, vec![Ok(name.to_owned())]);
    }
}

/// Sends one record and waits for its offset.
pub async fn send(producer: &FutureProducer, topic: &str, partition: i32, payload: &[u8]) -> i64 {
    let record = FutureRecord::<(), [u8]>::to(topic).partition(partition).payload(payload);
    let delivery = producer.send(record, PATIENCE).await.map_err(|(error, _)| error).unwrap();
    assert_eq!(delivery.partition, partition);
    delivery.offset
}

/// Sends many records at once and waits for all.
pub async fn send_all(producer: &FutureProducer, topic: &str, partition: i32, payloads: &[Vec<u8>]) -> Vec<i64> {
    let mut sent = Vec::new();
    for payload in payloads {
        loop {
            match producer.send_result(FutureRecord::<(), [u8]>::to(topic).partition(partition).payload(payload)) {
                Ok(delivery) => break sent.push(delivery),
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    }
    let mut offsets = Vec::new();
    for delivery in sent {
        offsets.push(delivery.await.unwrap().map_err(|(error, _)| error).unwrap().offset);
    }
    offsets
}

/// Assigns a partition from an offset on.
pub fn assign(consumer: &BaseConsumer, topic: &str, partition: i32, offset: Offset) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, offset).unwrap();
    consumer.assign(&list).unwrap();
}

/// The next message.
pub fn next(consumer: &BaseConsumer) -> BorrowedMessage<'_> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => return message,
            Some(Err(error)) => eprintln!("poll: {error}"),
            None => {}
        }
        assert!(Instant::now() < deadline, "no message came");
    }
}

/// Offsets and payloads of a partition from an offset on.
pub fn read(consumer: &BaseConsumer, topic: &str, partition: i32, from: i64, count: usize) -> Vec<(i64, Vec<u8>)> {
    assign(consumer, topic, partition, Offset::Offset(from));
    let one = |_| {
        let message = next(consumer);
        (message.offset(), message.payload().unwrap_or_default().to_vec())
    };
    (0..count).map(one).collect()
}

/// Waits until something holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Low and high watermark.
pub fn watermarks(consumer: &BaseConsumer, topic: &str, partition: i32) -> (i64, i64) {
    consumer.fetch_watermarks(topic, partition, PATIENCE).unwrap()
}
