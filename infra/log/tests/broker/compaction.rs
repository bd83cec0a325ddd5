//! Compacted topics through librdkafka: the latest record of each key, at the offset it was given.

use crate::disk::bytes;
use crate::harness::{Broker, PATIENCE, assign, next, until, watermarks, without_files};
use rdkafka::Offset;
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::message::Message;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaErrorCode;
use std::collections::BTreeMap;
use std::time::Instant;

const KEYS: usize = 50;
const SETTINGS: &[(&str, &str)] =
    &[("cleanup.policy", "compact"), ("segment.bytes", "30000"), ("segment.ms", "200"), ("min.cleanable.dirty.ratio", "0.1")];

/// Values by key and the offset of each; none for a tombstone.
type Model = BTreeMap<String, (i64, Option<String>)>;

/// About 300 characters that no codec makes much of.
fn noise(n: usize) -> String {
    let mut state = n as u64 + 1;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{state:016x}")
    };
    (0..19).map(|_| word()).collect()
}

async fn write(producer: &FutureProducer, topic: &str, model: &mut Model, range: std::ops::Range<usize>) {
    let mut sent = Vec::new();
    for n in range {
        let key = format!("版本-{}", n % KEYS);
        let value = (n % 11 != 5).then(|| noise(n));
        let mut record = FutureRecord::<str, str>::to(topic).partition(0).key(&key);
        if let Some(value) = &value {
            record = record.payload(value);
        }
        let delivery = producer.send_result(record).map_err(|(error, _)| error).unwrap();
        sent.push((key, value, delivery));
    }
    for (key, value, delivery) in sent {
        let offset = delivery.await.unwrap().map_err(|(error, _)| error).unwrap().offset;
        model.insert(key, (offset, value));
    }
}

/// Reads from the beginning to the last record; how many came, and what is the latest of each key.
fn read_all(broker: &Broker, topic: &str) -> (usize, Model) {
    let consumer = broker.consumer("compaction");
    let (_, end) = watermarks(&consumer, topic, 0);
    assign(&consumer, topic, 0, Offset::Beginning);
    let (mut count, mut found, mut before) = (0, Model::new(), -1);
    loop {
        let message = next(&consumer);
        assert!(message.offset() > before, "in order");
        before = message.offset();
        count += 1;
        let key = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
        let value = message.payload().map(|value| String::from_utf8(value.to_vec()).unwrap());
        found.insert(key, (before, value));
        if before == end - 1 {
            return (count, found);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_latest_of_each_key_stays_while_it_is_written_and_read() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = broker.topic(&format!("releases-{codec}"), 1, SETTINGS).await;
        let producer = broker.producer(&[("compression.codec", codec), ("batch.num.messages", "20")]);
        let mut model = Model::new();
        for round in 0..20 {
            write(&producer, &topic, &mut model, round * 200..round * 200 + 200).await;
            if round % 5 == 4 {
                assert_eq!(read_all(&broker, &topic).1, model, "{codec} {round}");
            }
        }
        // Records that still come in let Apache Kafka begin another segment.
        let (mut end, deadline) = (4_000, Instant::now() + PATIENCE);
        while read_all(&broker, &topic).0 >= 1_000 {
            assert!(Instant::now() < deadline, "superseded records stay");
            write(&producer, &topic, &mut model, end..end + 1).await;
            end += 1;
        }
        assert_eq!(read_all(&broker, &topic).1, model, "{codec}");
        assert_eq!(watermarks(&broker.consumer("compaction"), &topic, 0), (0, end as i64));
    }
    if !without_files() {
        assert!(bytes(dir.path()) < 5 * 4_000 * 300 / 2, "{}", bytes(dir.path()));
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tombstones_go_in_time_and_a_restart_changes_nothing() {
    if without_files() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(dir.path()).await;
    let settings = [SETTINGS, &[("delete.retention.ms", "200"), ("segment.ms", "300")]].concat();
    let topic = broker.topic("releases", 1, &settings).await;
    let mut model = Model::new();
    for round in 0..4 {
        let producer = broker.producer(&[("compression.codec", "none"), ("batch.num.messages", "20")]);
        write(&producer, &topic, &mut model, round * 500..round * 500 + 500).await;
        drop(producer);
        broker.stop().await;
        broker = Broker::start(dir.path()).await;
        let latest = read_all(&broker, &topic).1;
        let live = |model: &Model| model.clone().into_iter().filter(|(_, (_, value))| value.is_some()).collect::<Model>();
        assert_eq!(live(&latest), live(&model), "{round}");
    }
    let last = model.values().map(|(offset, _)| *offset).max();
    model.retain(|_, (offset, value)| value.is_some() || Some(*offset) == last);
    until("tombstones are gone", || read_all(&broker, &topic) == (model.len(), model.clone())).await;
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_new_is_left_and_what_is_old_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let kept = broker.topic("kept", 1, &[SETTINGS, &[("min.compaction.lag.ms", "3600000")]].concat()).await;
    // Nothing would be compacted for its share, and nothing sealed for its size or age.
    let late = [("cleanup.policy", "compact"), ("min.cleanable.dirty.ratio", "1"), ("max.compaction.lag.ms", "500")];
    let late = broker.topic("late", 1, &late).await;
    let producer = broker.producer(&[("compression.codec", "none"), ("batch.num.messages", "20")]);
    let mut models = [Model::new(), Model::new()];
    let (mut end, deadline) = (0, Instant::now() + PATIENCE);
    while end < 1_000 || read_all(&broker, &late).0 >= 500 {
        assert!(Instant::now() < deadline, "what is old is not compacted");
        for (topic, model) in [&kept, &late].into_iter().zip(&mut models) {
            write(&producer, topic, model, end..end + 50).await;
        }
        end += 50;
    }
    assert_eq!(read_all(&broker, &kept).0, end, "everything is newer than an hour");
    assert_eq!(read_all(&broker, &late).1, models[1]);
    let conflict = NewTopic::new("conflict", 1, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
    let conflict = conflict.set("min.compaction.lag.ms", "10").set("max.compaction.lag.ms", "9");
    let refused = broker.admin().create_topics([&conflict], &AdminOptions::new()).await.unwrap();
    assert_eq!(refused[0].as_ref().unwrap_err().1, RDKafkaErrorCode::InvalidConfig);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_without_a_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("keyed", 1, &[("cleanup.policy", "compact")]).await;
    for codec in ["none", "lz4"] {
        let producer = broker.producer(&[("compression.codec", codec)]);
        let refused = producer.send(FutureRecord::<(), str>::to(&topic).payload("no key"), PATIENCE).await.unwrap_err().0;
        assert_eq!(refused.rdkafka_error_code(), Some(RDKafkaErrorCode::InvalidRecord), "{codec}");
    }
    let producer = broker.producer(&[]);
    producer.send(FutureRecord::to(&topic).key("key").payload("value"), PATIENCE).await.unwrap();
    broker.stop().await;
}
