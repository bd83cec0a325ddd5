//! Topics made, grown, configured and deleted.

use crate::harness::{Broker, PATIENCE, config, external, send, watermarks};
use rdkafka::admin::{AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::Consumer;
use rdkafka::types::RDKafkaErrorCode;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn made_grown_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let admin = broker.admin();
    let options = AdminOptions::new();
    let topic = broker.topic("grown", 2, &[]).await;
    let again = NewTopic::new(&topic, 2, TopicReplication::Fixed(1));
    let refused = admin.create_topics([&again], &options).await.unwrap();
    assert_eq!(refused[0].as_ref().unwrap_err().1, RDKafkaErrorCode::TopicAlreadyExists);
    for (name, replication, error) in
        [("bad name", 1, RDKafkaErrorCode::InvalidTopic), ("replicated", 3, RDKafkaErrorCode::InvalidReplicationFactor)]
    {
        let bad = NewTopic::new(name, 1, TopicReplication::Fixed(replication));
        let refused = admin.create_topics([&bad], &options).await.unwrap();
        assert_eq!(refused[0].as_ref().unwrap_err().1, error);
    }
    let producer = broker.producer(&[]);
    assert_eq!(send(&producer, &topic, 1, b"x").await, 0);
    admin.create_partitions(&[NewPartitions::new(&topic, 5)], &options).await.unwrap()[0].as_ref().unwrap();
    let fewer = admin.create_partitions(&[NewPartitions::new(&topic, 3)], &options).await.unwrap();
    assert_eq!(fewer[0].as_ref().unwrap_err().1, RDKafkaErrorCode::InvalidPartitions);
    let consumer = broker.consumer("grown");
    let metadata = consumer.fetch_metadata(Some(&topic), PATIENCE).unwrap();
    assert_eq!(metadata.topics()[0].partitions().len(), 5);
    let fresh = broker.producer(&[]);
    assert_eq!(send(&fresh, &topic, 4, b"x").await, 0);
    admin.delete_topics(&[&topic], &options).await.unwrap()[0].as_ref().unwrap();
    let gone = admin.delete_topics(&["no-such-topic"], &options).await.unwrap();
    assert_eq!(gone[0].as_ref().unwrap_err().1, RDKafkaErrorCode::UnknownTopicOrPartition);
    if external().is_none() {
        broker.make(&topic, 1, &[]).await;
        assert_eq!(watermarks(&broker.consumer("fresh"), &topic, 0), (0, 0));
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn configuration_is_kept_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("configured", 1, &[("retention.ms", "1000000"), ("message.timestamp.type", "LogAppendTime")]).await;
    let admin = broker.admin();
    let options = AdminOptions::new();
    let alter = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("retention.ms", "-1").set("segment.bytes", "1048576");
    admin.alter_configs(&[alter], &options).await.unwrap()[0].as_ref().unwrap();
    let bad = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("retention.ms", "soon");
    // The client library keeps a refusal to itself; the description shows that nothing changed.
    let _ = admin.alter_configs(&[bad], &options).await.unwrap();
    drop(admin);
    broker.stop().await;
    // Apache Kafka is not ours to start again; there the description is that of the running one.
    let broker = Broker::start(dir.path()).await;
    let described = broker.admin().describe_configs(&[ResourceSpecifier::Topic(&topic)], &options).await.unwrap();
    let described = described[0].as_ref().unwrap();
    let value = |key: &str| described.get(key).and_then(|entry| entry.value.clone());
    assert_eq!(value("retention.ms").as_deref(), Some("-1"));
    assert_eq!(value("segment.bytes").as_deref(), Some("1048576"));
    assert_eq!(value("message.timestamp.type").as_deref(), Some("CreateTime"), "alter replaces all, as Kafka's does");
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_come_by_themselves_only_where_allowed() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let producer = broker.producer(&[("message.timeout.ms", "2000"), ("topic.metadata.propagation.max.ms", "1000")]);
    let record = rdkafka::producer::FutureRecord::<(), [u8]>::to("nobody-made-it").payload(b"x");
    let (error, _) = producer.send(record, PATIENCE).await.unwrap_err();
    let unknown = [Some(RDKafkaErrorCode::UnknownTopic), Some(RDKafkaErrorCode::UnknownTopicOrPartition)];
    assert!(unknown.contains(&error.rdkafka_error_code()), "{error}");
    drop(producer);
    broker.stop().await;
    if external().is_some() {
        return;
    }
    let mut allowed = config(dir.path());
    allowed.auto_create = true;
    let broker = Broker::start_with(allowed).await;
    assert_eq!(send(&broker.producer(&[]), "came-by-itself", 0, b"x").await, 0);
    broker.stop().await;
}
