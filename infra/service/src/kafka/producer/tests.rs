//! The producer against the client library's own test broker, which speaks the protocol over
//! loopback and fails on purpose.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::delivery::PRODUCE;
use super::*;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

type Broker = MockCluster<'static, DefaultProducerContext>;

const PATIENCE: Duration = Duration::from_secs(20);

fn broker() -> (Broker, Config) {
    let broker = MockCluster::new(1).unwrap();
    broker.create_topic("raw-reports", 4, 1).unwrap();
    let config = Config { brokers: broker.bootstrap_servers(), ..Config::default() };
    (broker, config)
}

fn options(delivery_timeout: Duration) -> ProducerOptions {
    ProducerOptions { client_id: "test".to_owned(), delivery_timeout, ..ProducerOptions::default() }
}

async fn delivered(delivery: Delivery) -> Result<Position, Error> {
    tokio::time::timeout(PATIENCE, delivery).await.expect("an outcome in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_keeps_its_partition_and_offsets_rise() {
    let (_broker, config) = broker();
    let producer = Producer::new(&config, options(PATIENCE)).unwrap();
    producer.warm(&["raw-reports"]).await.unwrap();
    let first = delivered(producer.send("raw-reports", "键".as_bytes(), b"one").unwrap()).await.unwrap();
    let second = delivered(producer.send("raw-reports", "键".as_bytes(), b"two").unwrap()).await.unwrap();
    assert_eq!((second.partition, second.offset), (first.partition, first.offset + 1));
    let sent: Vec<_> = (0_u32..200).map(|key| producer.send("raw-reports", &key.to_be_bytes(), b"x").unwrap()).collect();
    let mut partitions = std::collections::BTreeSet::new();
    for delivery in sent {
        partitions.insert(delivered(delivery).await.unwrap().partition);
    }
    assert_eq!(partitions.len(), 4);
    producer.flush(PATIENCE).await.unwrap();
    assert_eq!(producer.queued(), 0);
}

/// Positions from Kafka's own murmur2: positive hash of the key modulo four.
#[tokio::test(flavor = "multi_thread")]
async fn keys_go_where_other_clients_send_them() {
    let (_broker, config) = broker();
    let producer = Producer::new(&config, options(PATIENCE)).unwrap();
    for key in ["21", "foobar", "a-little-bit-long-string", "崩溃"] {
        let position = delivered(producer.send("raw-reports", key.as_bytes(), b"x").unwrap()).await.unwrap();
        assert_eq!(position.partition, i32::try_from((murmur2(key.as_bytes()) & 0x7fff_ffff) % 4).unwrap(), "{key}");
    }
}

fn murmur2(bytes: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ u32::try_from(bytes.len()).unwrap();
    let words = bytes.chunks_exact(4);
    let rest = words.remainder();
    for word in words {
        let mixed = u32::from_le_bytes(word.try_into().unwrap()).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ (mixed ^ mixed >> 24).wrapping_mul(M);
    }
    for (place, byte) in rest.iter().enumerate().rev() {
        hash ^= u32::from(*byte) << (8 * place);
        if place == 0 {
            hash = hash.wrapping_mul(M);
        }
    }
    hash = (hash ^ hash >> 13).wrapping_mul(M);
    hash ^ hash >> 15
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_said_at_once() {
    let config = Config { brokers: "127.0.0.1:1".to_owned(), ..Config::default() };
    let small = ProducerOptions { queue_messages: 10, ..options(PATIENCE) };
    let producer = Producer::new(&config, small).unwrap();
    let sent: Vec<_> = (0..10).map(|_| producer.send("raw-reports", b"k", b"x").unwrap()).collect();
    assert_eq!(producer.send("raw-reports", b"k", b"x").expect_err("the queue is full"), Error::QueueFull);
    assert_eq!(producer.queued(), sent.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_times_out_and_recovery_needs_no_hand() {
    let (broker, config) = broker();
    let producer = Producer::new(&config, options(Duration::from_millis(1500))).unwrap();
    producer.warm(&["raw-reports"]).await.unwrap();
    delivered(producer.send("raw-reports", b"k", b"before").unwrap()).await.unwrap();
    broker.broker_down(1).unwrap();
    let lost: Vec<_> = (0..20).map(|_| producer.send("raw-reports", b"k", b"lost").unwrap()).collect();
    for delivery in lost {
        assert_eq!(delivered(delivery).await, Err(Error::TimedOut { operation: PRODUCE }));
    }
    broker.broker_up(1).unwrap();
    recovers(&producer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fatal_fault_is_survived_by_a_new_client() {
    let (broker, config) = broker();
    let producer = Producer::new(&config, options(Duration::from_secs(5))).unwrap();
    producer.warm(&["raw-reports"]).await.unwrap();
    delivered(producer.send("raw-reports", b"k", b"before").unwrap()).await.unwrap();
    let fault = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    broker.request_errors(RDKafkaApiKey::Produce, &[fault]);
    let before = producer.current();
    let failed = delivered(producer.send("raw-reports", b"k", b"lost").unwrap()).await;
    assert!(failed.is_err(), "{failed:?}");
    recovers(&producer).await;
    assert!(!Arc::ptr_eq(&before, &producer.current()), "the broken client was replaced");
    assert_eq!(producer.queued(), 0);
}

/// Sends until one is delivered.
async fn recovers(producer: &Producer) {
    let sent = async {
        loop {
            let sent = producer.send("raw-reports", b"k", b"after");
            match sent {
                Ok(delivery) => match delivery.await {
                    Ok(_) => break,
                    Err(error) => assert!(error != Error::QueueFull, "{error}"),
                },
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, sent).await.expect("the producer recovers");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_topic_is_not_warm() {
    let (_broker, config) = broker();
    let config = Config { properties: [("allow.auto.create.topics".to_owned(), "false".into())].into(), ..config };
    let producer = Producer::new(&config, options(Duration::from_millis(300))).unwrap();
    let error = producer.warm(&["raw-reports", "nowhere"]).await.expect_err("no such topic");
    assert!(matches!(error, Error::UnknownTopic { .. } | Error::TimedOut { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_sees_what_was_sent() {
    let (_broker, config) = broker();
    let producer = Producer::new(&config, options(PATIENCE)).unwrap();
    let position = delivered(producer.send("raw-reports", b"k", b"x").unwrap()).await.unwrap();
    let admin = super::super::Admin::new(&config).unwrap();
    assert_eq!(admin.partitions("raw-reports").await.unwrap(), 4);
    assert_eq!(admin.watermarks("raw-reports", position.partition).await.unwrap(), (0, 1));
    let asked = [("raw-reports".to_owned(), position.partition), ("raw-reports".to_owned(), 3 - position.partition)];
    assert_eq!(admin.committed("readers", &asked).await.unwrap(), [None, None]);
    commit_one(&config, position);
    let found = admin.committed("readers", &asked).await.unwrap();
    assert_eq!(found[0].as_ref().map(|(offset, _)| *offset), Some(1));
    assert_eq!(found[1], None);
}

fn commit_one(config: &Config, position: Position) {
    let own = [("group.id", "readers".to_owned())];
    let consumer: BaseConsumer = config.client("reader", &own).create().unwrap();
    let mut list = rdkafka::TopicPartitionList::new();
    let mut entry = list.add_partition("raw-reports", position.partition);
    entry.set_offset(rdkafka::Offset::Offset(position.offset + 1)).unwrap();
    consumer.commit(&list, rdkafka::consumer::CommitMode::Sync).unwrap();
}

#[test]
fn a_wrong_property_is_named() {
    let config = Config { properties: [("no.such".to_owned(), "x".into())].into(), ..Config::default() };
    let error = Producer::new(&config, ProducerOptions::default()).err().expect("an error");
    assert!(matches!(&error, Error::Configuration { reason } if reason.contains("no.such")), "{error}");
}
