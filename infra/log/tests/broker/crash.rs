//! kill -9 while records and commits come in, segments roll, old ones go and others are compacted: what was
//! acknowledged is there, once and in order.

use crate::harness::{Broker, PATIENCE, assign, config, next, read, watermarks, without_files};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::message::Message;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Tells [`child`] where to run.
pub const CHILD: &str = "AFTERSHOCK_BROKER_CHILD";

/// Not a test of its own: the broker as a process, where the variable says so (directory and address).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(told) = std::env::var(CHILD) else { return };
    let (dir, listen) = told.split_once('|').unwrap();
    let mut config = config(Path::new(dir));
    config.listen = listen.parse().unwrap();
    config.housekeeping = Duration::from_millis(20);
    let listener = tokio::net::TcpListener::bind(config.listen).await.unwrap();
    embedded_log::run(config, listener, std::future::pending()).await.unwrap();
}

fn start(dir: &Path, listen: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .env(CHILD, format!("{}|{listen}", dir.display()))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

pub fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

pub async fn wait_for(address: &str) {
    let deadline = Instant::now() + PATIENCE;
    while tokio::net::TcpStream::connect(address).await.is_err() {
        assert!(Instant::now() < deadline, "the broker does not come back");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How often the broker is killed; `AFTERSHOCK_KILLS` for more.
fn kills() -> u64 {
    std::env::var("AFTERSHOCK_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled() {
    if without_files() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let address = free_address();
    let mut child = start(dir.path(), &address);
    wait_for(&address).await;
    let broker = Broker::at(&address);
    let topic = broker.topic("killed", 2, &[("segment.bytes", "200000")]).await;
    let producer = broker.producer(&[("linger.ms", "1"), ("compression.codec", "lz4"), ("message.timeout.ms", "120000")]);
    let consumer = broker.consumer("killed");
    let (mut sent, mut committed) = (0u64, 0i64);
    for kill in 0..kills() {
        let until = Instant::now() + Duration::from_millis(300 + kill * 137 % 400);
        let mut deliveries = Vec::new();
        while Instant::now() < until {
            let payload = format!("{sent:08}{}", "x".repeat((sent % 300) as usize));
            let record = FutureRecord::<(), str>::to(&topic).partition((sent % 2) as i32).payload(&payload);
            if let Ok(delivery) = producer.send_result(record) {
                deliveries.push(delivery);
                sent += 1;
            }
            if sent % 50 == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&topic, 0, Offset::Offset(committed + 1)).unwrap();
        if consumer.commit(&list, CommitMode::Sync).is_ok() {
            committed += 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        child = start(dir.path(), &address);
        wait_for(&address).await;
        for delivery in deliveries {
            delivery.await.unwrap().map_err(|(error, _)| error).unwrap();
        }
    }
    let consumer = broker.consumer("killed");
    for partition in 0..2 {
        let expected = (sent + 1 - partition as u64) / 2;
        assert_eq!(watermarks(&consumer, &topic, partition), (0, expected as i64), "neither lost nor doubled");
        let seen = read(&consumer, &topic, partition, 0, expected as usize);
        for (at, (offset, payload)) in (0..).zip(&seen) {
            assert_eq!(*offset, at);
            assert_eq!(&payload[..8], format!("{:08}", at * 2 + i64::from(partition)).as_bytes(), "in order");
        }
    }
    let mut asked = TopicPartitionList::new();
    asked.add_partition(&topic, 0);
    let found = consumer.committed_offsets(asked, PATIENCE).unwrap();
    let found = found.elements_for_topic(&topic)[0].offset().to_raw().unwrap_or(0);
    assert!(found >= committed, "a commit that was acknowledged is there: {found} of {committed}");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// One partition of records that each carry their number; the number must be their offset.
struct Numbered {
    topic: String,
    producer: FutureProducer,
    sent: i64,
    deliveries: Vec<(i64, DeliveryFuture)>,
}

const KEYS: i64 = 40;

impl Numbered {
    async fn new(broker: &Broker, stem: &str, settings: &[(&str, &str)]) -> Numbered {
        let topic = broker.topic(stem, 1, settings).await;
        let settings = [("linger.ms", "1"), ("batch.num.messages", "25"), ("message.timeout.ms", "120000")];
        Numbered { topic, producer: broker.producer(&settings), sent: 0, deliveries: Vec::new() }
    }

    fn send(&mut self) {
        let (key, noise) = (format!("{}", self.sent % KEYS), (self.sent as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let payload = format!("{} {}", self.sent, format!("{noise:x}").repeat((self.sent % 9) as usize));
        let record = FutureRecord::to(&self.topic).partition(0).key(&key).payload(&payload);
        if let Ok(delivery) = self.producer.send_result(record) {
            self.deliveries.push((self.sent, delivery));
            self.sent += 1;
        }
    }

    async fn acknowledged(&mut self) {
        for (number, delivery) in self.deliveries.drain(..) {
            assert_eq!(delivery.await.unwrap().map_err(|(error, _)| error).unwrap().offset, number);
        }
    }
}

fn number(payload: Option<&[u8]>) -> i64 {
    std::str::from_utf8(payload.unwrap()).unwrap().split(' ').next().unwrap().parse().unwrap()
}

/// Reads what comes, through all kills; every record must be the one of its offset, and none may come twice.
fn follow(consumer: &BaseConsumer, last: &mut i64, until: Instant) {
    while Instant::now() < until {
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(10)) {
            assert_eq!(number(message.payload()), message.offset());
            assert!(message.offset() > *last, "{} after {last}", message.offset());
            *last = message.offset();
        }
    }
}

/// Everything from the beginning to the end: key and number by offset.
fn read_whole(broker: &Broker, topic: &str) -> Vec<(String, i64)> {
    let consumer = broker.consumer("whole");
    let (_, end) = watermarks(&consumer, topic, 0);
    assign(&consumer, topic, 0, Offset::Beginning);
    let mut found = Vec::new();
    while found.last().is_none_or(|(_, number)| *number < end - 1) {
        let message = next(&consumer);
        assert_eq!(number(message.payload()), message.offset());
        found.push((String::from_utf8(message.key().unwrap().to_vec()).unwrap(), message.offset()));
    }
    found
}

fn assert_latest(whole: &[(String, i64)], sent: i64) {
    assert!(whole.windows(2).all(|two| two[0].1 < two[1].1), "in order, none twice");
    let latest: HashMap<&str, i64> = whole.iter().map(|(key, number)| (key.as_str(), *number)).collect();
    for number in sent.saturating_sub(KEYS).max(0)..sent {
        assert_eq!(latest.get((number % KEYS).to_string().as_str()), Some(&number), "the latest of its key");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compaction_and_retention_lose_nothing_they_should_keep() {
    if without_files() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let address = free_address();
    let mut child = start(dir.path(), &address);
    wait_for(&address).await;
    let broker = Broker::at(&address);
    let small = ("segment.bytes", "10000");
    let mut compacted =
        Numbered::new(&broker, "compacted", &[("cleanup.policy", "compact"), small, ("min.cleanable.dirty.ratio", "0")]).await;
    let mut retained = Numbered::new(&broker, "retained", &[("retention.bytes", "30000"), small]).await;
    let followers = [&compacted, &retained].map(|numbered| {
        let consumer = broker.consumer("follower");
        assign(&consumer, &numbered.topic, 0, Offset::Beginning);
        consumer
    });
    let mut last = [-1, -1];
    for kill in 0..kills() {
        let until = Instant::now() + Duration::from_millis(150 + kill * 137 % 300);
        while Instant::now() < until {
            (0..50).for_each(|_| [&mut compacted, &mut retained].into_iter().for_each(Numbered::send));
            for (consumer, last) in followers.iter().zip(&mut last) {
                follow(consumer, last, Instant::now() + Duration::from_millis(3));
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        child = start(dir.path(), &address);
        wait_for(&address).await;
        compacted.acknowledged().await;
        retained.acknowledged().await;
        assert_latest(&read_whole(&broker, &compacted.topic), compacted.sent);
    }
    let deadline = Instant::now() + PATIENCE;
    while read_whole(&broker, &compacted.topic).len() as i64 > compacted.sent / 2 {
        assert!(Instant::now() < deadline, "nothing is compacted");
    }
    assert_latest(&read_whole(&broker, &compacted.topic), compacted.sent);
    let consumer = broker.consumer("whole");
    assert_eq!(watermarks(&consumer, &compacted.topic, 0), (0, compacted.sent));
    let whole = read_whole(&broker, &retained.topic);
    let (low, high) = watermarks(&consumer, &retained.topic, 0);
    assert!(low > 0 && high == retained.sent, "{low} {high}");
    assert!(whole.iter().map(|(_, number)| *number).eq(whole[0].1..high), "no hole where nothing is compacted");
    assert!(last.iter().all(|last| *last > 0));
    child.kill().unwrap();
    child.wait().unwrap();
}
