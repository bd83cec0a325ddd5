//! The admin against the broker named in `AFTERSHOCK_TEST_KAFKA`, with the account in `…_USER` and `…_PASSWORD`; skipped, saying so, without one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::kafka::{Producer, ProducerOptions};
use rdkafka::consumer::CommitMode;

/// Nothing where no broker is named.
fn broker() -> Option<Config> {
    match std::env::var("AFTERSHOCK_TEST_KAFKA") {
        Ok(brokers) => {
            let account = |name: &str| std::env::var(format!("AFTERSHOCK_TEST_KAFKA_{name}")).unwrap_or_default();
            let properties = [
                ("security.protocol", "SASL_PLAINTEXT".to_owned()),
                ("sasl.mechanism", "SCRAM-SHA-256".to_owned()),
                ("sasl.username", account("USER")),
                ("sasl.password", account("PASSWORD")),
            ];
            let properties = properties.map(|(name, value)| (name.to_owned(), value.into())).into();
            Some(Config { brokers, properties, ..Config::default() })
        }
        Err(_) => {
            eprintln!("skipped: AFTERSHOCK_TEST_KAFKA names no broker");
            None
        }
    }
}

/// A topic that no other run has.
fn topic() -> TopicSpec {
    TopicSpec {
        name: format!("admin-{:016x}", rand::random::<u64>()),
        partitions: 3,
        replication: 1,
        config: vec![("message.timestamp.type".to_owned(), "LogAppendTime".to_owned())],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_is_made_once_written_read_and_deleted() {
    let Some(config) = broker() else { return };
    let admin = Admin::new(&config).unwrap();
    let spec = topic();
    let name = spec.name.as_str();
    let made = admin.create_topics(std::slice::from_ref(&spec)).await.unwrap();
    assert_eq!(made, [(spec.name.clone(), Creation::Created)]);
    let again = admin.create_topics(std::slice::from_ref(&spec)).await.unwrap();
    assert_eq!(again, [(spec.name.clone(), Creation::Existed)]);
    let producer = Producer::new(&config, ProducerOptions::default()).unwrap();
    producer.warm(&[name]).await.unwrap();
    assert_eq!(admin.partitions(name).await.unwrap(), 3);
    let position = producer.send(name, "键".as_bytes(), b"x").unwrap().await.unwrap();
    assert_eq!(admin.watermarks(name, position.partition).await.unwrap(), (0, 1));
    admin.delete_topic(name).await.unwrap();
    admin.delete_topic(name).await.unwrap();
    let deadline = tokio::time::Instant::now() + CALL_TIMEOUT;
    while admin.partitions(name).await != Err(Error::UnknownTopic { operation: "fetch metadata" }) {
        assert!(tokio::time::Instant::now() < deadline, "the topic stays");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn altering_one_setting_keeps_the_others() {
    let Some(config) = broker() else { return };
    let admin = Admin::new(&config).unwrap();
    let spec = topic();
    admin.create_topics(std::slice::from_ref(&spec)).await.unwrap();
    Producer::new(&config, ProducerOptions::default()).unwrap().warm(&[&spec.name]).await.unwrap();
    admin.alter_topic_config(&spec.name, &[("retention.ms", "86400000")]).await.unwrap();
    admin.alter_topic_config(&spec.name, &[("retention.ms", "3600000")]).await.unwrap();
    let mut own = admin.overrides(&spec.name).await.unwrap();
    own.sort();
    let expected = [("message.timestamp.type", "LogAppendTime"), ("retention.ms", "3600000")];
    assert_eq!(own, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    admin.delete_topic(&spec.name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_come_back_with_their_metadata() {
    let Some(config) = broker() else { return };
    let admin = Admin::new(&config).unwrap();
    let spec = topic();
    admin.create_topics(std::slice::from_ref(&spec)).await.unwrap();
    Producer::new(&config, ProducerOptions::default()).unwrap().warm(&[&spec.name]).await.unwrap();
    let group = format!("group-{}", spec.name);
    let asked = [0, 2].map(|partition| (spec.name.clone(), partition));
    assert_eq!(admin.committed(&group, &asked).await.unwrap(), [None, None]);
    let writer = admin.group(&group).unwrap();
    let mut list = TopicPartitionList::new();
    let mut entry = list.add_partition(&spec.name, 2);
    entry.set_offset(Offset::Offset(7)).unwrap();
    entry.set_metadata("到 19");
    tokio::task::spawn_blocking(move || writer.commit(&list, CommitMode::Sync)).await.unwrap().unwrap();
    assert_eq!(admin.committed(&group, &asked).await.unwrap(), [None, Some((7, "到 19".to_owned()))]);
    admin.delete_topic(&spec.name).await.unwrap();
}
