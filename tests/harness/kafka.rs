//! The log, for tests that forge records and commits.

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use service::kafka::Config;
use service::kafka::admin::{Admin, Creation, TopicSpec};
use service::kafka::producer::{Producer, ProducerOptions};
use std::time::Duration;
use tokio::runtime::Runtime;

/// A client of the log.
pub struct Broker {
    config: Config,
    runtime: Runtime,
}

impl Broker {
    pub fn new(config: Config) -> Self {
        Self { config, runtime: Runtime::new().unwrap() }
    }

    /// Appends records to the partitions their keys choose and waits for the acknowledgements; their offsets.
    pub fn append(&self, topic: &str, records: &[(Vec<u8>, Vec<u8>)]) -> Vec<(i32, i64)> {
        let options =
            ProducerOptions { client_id: "suite".to_owned(), delivery_timeout: Duration::from_secs(30), ..ProducerOptions::default() };
        self.runtime.block_on(async {
            let producer = Producer::new(&self.config, options).unwrap();
            let sent: Vec<_> = records.iter().map(|(key, payload)| producer.send(topic, key, payload).unwrap()).collect();
            let mut positions = Vec::new();
            for delivery in sent {
                let position = delivery.await.unwrap();
                positions.push((position.partition, position.offset));
            }
            positions
        })
    }

    /// First and next offset of a partition.
    pub fn watermarks(&self, topic: &str, partition: i32) -> (i64, i64) {
        self.runtime.block_on(async { Admin::new(&self.config).unwrap().watermarks(topic, partition).await.unwrap() })
    }

    fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.config.brokers);
        for (name, value) in &self.config.properties {
            client.set(name, value.expose());
        }
        client
    }

    /// How many records of a partition the log still has.
    pub fn count(&self, topic: &str, partition: i32) -> usize {
        let consumer: BaseConsumer = self
            .client()
            .set("group.id", "suite-count")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&format!("{}{topic}", self.config.topic_prefix), partition, Offset::Beginning).unwrap();
        consumer.assign(&list).unwrap();
        let mut count = 0;
        loop {
            match consumer.poll(Duration::from_secs(30)).unwrap() {
                Ok(_) => count += 1,
                Err(KafkaError::PartitionEOF(_)) => return count,
                Err(error) => panic!("{topic} {partition}: {error}"),
            }
        }
    }

    /// Sets configuration of a topic.
    pub fn alter(&self, topic: &str, changes: &[(&str, &str)]) {
        self.runtime.block_on(async { Admin::new(&self.config).unwrap().alter_topic_config(topic, changes).await.unwrap() });
    }

    /// A value of a topic's configuration.
    pub fn setting(&self, topic: &str, name: &str) -> Option<String> {
        let topic = format!("{}{topic}", self.config.topic_prefix);
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", &self.config.brokers);
        for (name, value) in &self.config.properties {
            client.set(name.replace('_', "."), value.expose());
        }
        let client: AdminClient<DefaultClientContext> = client.create().unwrap();
        let asked = [ResourceSpecifier::Topic(&topic)];
        let found = self.runtime.block_on(client.describe_configs(&asked, &AdminOptions::new())).unwrap();
        found[0].as_ref().unwrap().get(name).and_then(|entry| entry.value.clone())
    }

    /// Deletes a topic with all it holds.
    pub fn delete(&self, topic: &str) {
        self.runtime.block_on(async { Admin::new(&self.config).unwrap().delete_topic(topic).await.unwrap() });
    }

    /// Deletes a topic and makes it again, empty and compacted.
    pub fn make_anew(&self, topic: &str, partitions: i32) {
        let config = vec![("cleanup.policy".to_owned(), "compact".to_owned())];
        let spec = TopicSpec { name: topic.to_owned(), partitions, replication: 1, config };
        self.runtime.block_on(async {
            let admin = Admin::new(&self.config).unwrap();
            admin.delete_topic(topic).await.unwrap();
            // A log of several brokers forgets a topic a moment after it has said so.
            while admin.create_topics(std::slice::from_ref(&spec)).await.unwrap()[0].1 == Creation::Existed {}
        });
    }

    /// What a group committed for a partition: offset and metadata.
    pub fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<(i64, String)> {
        self.runtime.block_on(async {
            Admin::new(&self.config).unwrap().committed(group, &[(topic.to_owned(), partition)]).await.unwrap().remove(0)
        })
    }

    /// Names of the groups that begin with this.
    pub fn groups(&self, stem: &str) -> Vec<String> {
        let consumer: BaseConsumer = self.client().create().unwrap();
        let found = consumer.fetch_group_list(None, Duration::from_secs(30)).unwrap();
        let stem = format!("{}{stem}", self.config.topic_prefix);
        found.groups().iter().map(|group| group.name().to_owned()).filter(|name| name.starts_with(&stem)).collect()
    }

    /// Commits for a group without being its member, as a forger would.
    pub fn commit(&self, group: &str, topic: &str, partition: i32, offset: i64, metadata: &str) -> Result<(), String> {
        let named = |name: &str| format!("{}{name}", self.config.topic_prefix);
        let consumer: BaseConsumer =
            self.client().set("group.id", named(group)).set("enable.auto.commit", "false").create().map_err(|error| error.to_string())?;
        let mut list = TopicPartitionList::new();
        let mut entry = list.add_partition(&named(topic), partition);
        entry.set_offset(Offset::Offset(offset)).map_err(|error| error.to_string())?;
        entry.set_metadata(metadata);
        consumer.commit(&list, CommitMode::Sync).map_err(|error| error.to_string())
    }
}
