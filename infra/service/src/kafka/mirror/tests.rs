//! The mirror against the client library's own test broker, which speaks the protocol over loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::kafka::{Outgoing, Producer, ProducerOptions};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use std::collections::BTreeMap;

type Broker = MockCluster<'static, DefaultProducerContext>;
type Texts = BTreeMap<String, String>;

/// Longer than anything here takes; only a failure waits so long.
const LONG: Duration = Duration::from_secs(20);
const TOPIC: &str = "releases";

fn broker() -> (Broker, Config) {
    let broker = MockCluster::new(1).unwrap();
    let config = Config { brokers: broker.bootstrap_servers(), ..Config::default() };
    (broker, config)
}

fn fold(texts: &mut Texts, key: &[u8], payload: &[u8]) -> Result<(), String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string());
    if payload.is_empty() {
        texts.remove(&text(key)?);
    } else {
        texts.insert(text(key)?, text(payload)?);
    }
    Ok(())
}

fn mirror(config: &Config) -> Mirror<Texts> {
    Mirror::open(config, "test", TOPIC, fold).unwrap()
}

async fn send(config: &Config, records: &[(&str, &[u8])]) -> Vec<Position> {
    let producer = Producer::new(config, ProducerOptions::default()).unwrap();
    let outgoing = |(key, payload): &(&str, &[u8])| Outgoing { key: key.as_bytes().to_vec(), payload: payload.to_vec() };
    let sent = producer.send_all(TOPIC, records.iter().map(outgoing).collect()).unwrap();
    sent.await.into_iter().map(Result::unwrap).collect()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, waited).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_read_whole_and_followed() {
    let (broker, config) = broker();
    broker.create_topic(TOPIC, 3, 1).unwrap();
    send(&config, &[("一", b"1"), ("b", b"2"), ("c", b"3"), ("b", b"4")]).await;
    let mirror = mirror(&config);
    until("it is whole", || mirror.is_whole()).await;
    let texts = |mirror: &Mirror<Texts>| mirror.read(|texts| texts.values().cloned().collect::<Vec<_>>().join(" ")).unwrap();
    assert_eq!(texts(&mirror), "4 3 1");
    let noted = mirror.progress();
    let positions = send(&config, &[("一", b"5"), ("bad", b"\xff"), ("c", b"")]).await;
    for position in positions {
        mirror.passed(&noted, position, LONG).await.unwrap();
    }
    assert_eq!(texts(&mirror), "4 5", "what cannot be folded is passed over, a tombstone is not");
    let ahead = Position { partition: 0, offset: 1_000 };
    assert_eq!(mirror.passed(&noted, ahead, Duration::from_millis(50)).await, Err(Error::TimedOut { operation: "follow a topic" }));
    assert!(mirror.passed(&noted, Position { partition: 3, offset: 0 }, Duration::from_millis(50)).await.is_err(), "no such partition");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_topic_is_whole_and_a_missing_one_is_not() {
    let (broker, config) = broker();
    let mirror = mirror(&config);
    assert!(mirror.whole(Duration::from_millis(300)).await.is_err());
    assert!(!mirror.is_whole());
    broker.create_topic(TOPIC, 2, 1).unwrap();
    until("the topic that came later is read", || mirror.is_whole()).await;
    assert_eq!(mirror.read(BTreeMap::len), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_away_is_waited_for_and_forgets_nothing() {
    let (broker, config) = broker();
    broker.create_topic(TOPIC, 2, 1).unwrap();
    send(&config, &[("a", b"1")]).await;
    broker.broker_down(1).unwrap();
    let mirror = mirror(&config);
    assert!(mirror.whole(Duration::from_millis(300)).await.is_err());
    assert!(!mirror.is_whole());
    broker.broker_up(1).unwrap();
    until("it is whole", || mirror.is_whole()).await;
    broker.broker_down(1).unwrap();
    assert_eq!(mirror.read(BTreeMap::len), Some(1), "the old value answers");
    broker.broker_up(1).unwrap();
    let noted = mirror.progress();
    let position = send(&config, &[("b", b"2")]).await[0];
    mirror.passed(&noted, position, LONG).await.unwrap();
    assert_eq!(mirror.read(BTreeMap::len), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_behind_what_was_read_makes_it_read_again() {
    let (broker, config) = broker();
    broker.create_topic(TOPIC, 1, 1).unwrap();
    let position = send(&config, &[("a", b"1")]).await[0];
    let mirror = mirror(&config);
    mirror.whole(LONG).await.unwrap();
    let noted = mirror.progress();
    assert_eq!((noted.life, noted.next.as_slice()), (1, &[1][..]));
    mirror.passed(&noted, position, LONG).await.unwrap();
    assert_eq!(mirror.progress().life, 2, "the record at a place that was passed before can only be of another topic");
}
