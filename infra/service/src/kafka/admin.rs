//! Making and inspecting topics.

use super::producer::blocking;
use super::{Config, Error};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ConfigSource, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A topic as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// Fixed when the topic is made.
    pub partitions: i32,
    /// Copies of every partition.
    pub replication: i32,
    /// Its configuration, by Kafka's names.
    pub config: Vec<(String, String)>,
}

/// What became of a topic that was to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creation {
    /// It was made.
    Created,
    /// It was there; nothing of it changed.
    Existed,
}

/// Asks the log about itself; clones share their connections.
#[derive(Clone)]
pub struct Admin {
    config: Config,
    client: Arc<AdminClient<DefaultClientContext>>,
    groups: Arc<Mutex<HashMap<String, Arc<BaseConsumer>>>>,
}

/// No question waits longer.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

impl Admin {
    /// An admin that connects in the background.
    ///
    /// # Errors
    /// A property that the client library does not take.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let client = config
            .client("aftershock-admin", &[])
            .set_log_level(RDKafkaLogLevel::Warning)
            .create()
            .map_err(|error| Error::of("make an admin", &error))?;
        let groups = Arc::new(Mutex::new(HashMap::new()));
        Ok(Admin { config: config.clone(), client: Arc::new(client), groups })
    }

    /// Makes the topics that are not there yet; tells for each, in order.
    ///
    /// # Errors
    /// The first topic that could not be made.
    pub async fn create_topics(&self, topics: &[TopicSpec]) -> Result<Vec<(String, Creation)>, Error> {
        const OPERATION: &str = "create topics";
        let names: Vec<_> = topics.iter().map(|topic| self.config.named(&topic.name)).collect();
        let wanted: Vec<NewTopic<'_>> = topics.iter().zip(&names).map(|(topic, name)| new_topic(name, topic)).collect();
        let results = self.client.create_topics(&wanted, &options()).await;
        let mut made = Vec::with_capacity(topics.len());
        for result in results.map_err(|error| Error::of(OPERATION, &error))? {
            made.push(match result {
                Ok(name) => (self.config.bare(&name).to_owned(), Creation::Created),
                Err((name, Code::TopicAlreadyExists)) => (self.config.bare(&name).to_owned(), Creation::Existed),
                Err((_, code)) => return Err(Error::of_code(OPERATION, code)),
            });
        }
        Ok(made)
    }

    /// Deletes a topic with all it holds. One that is not there is no error.
    ///
    /// # Errors
    /// The log refuses or is away.
    pub async fn delete_topic(&self, name: &str) -> Result<(), Error> {
        const OPERATION: &str = "delete a topic";
        let results = self.client.delete_topics(&[&self.config.named(name)], &options()).await;
        for result in results.map_err(|error| Error::of(OPERATION, &error))? {
            match result {
                Ok(_) | Err((_, Code::UnknownTopicOrPartition)) => {}
                Err((_, code)) => return Err(Error::of_code(OPERATION, code)),
            }
        }
        Ok(())
    }

    /// Deletes a group that nobody is in, with its offsets; one that is not there is fine.
    ///
    /// # Errors
    /// Somebody is in it, or the log is away.
    pub async fn delete_group(&self, name: &str) -> Result<(), Error> {
        const OPERATION: &str = "delete a group";
        let results = self.client.delete_groups(&[&self.config.named(name)], &options()).await;
        for result in results.map_err(|error| Error::of(OPERATION, &error))? {
            match result {
                Ok(_) | Err((_, Code::GroupIdNotFound)) => {}
                Err((_, code)) => return Err(Error::of_code(OPERATION, code)),
            }
        }
        Ok(())
    }

    /// The first offset and the one after the last.
    ///
    /// # Errors
    /// No such partition, or the log is away.
    pub async fn watermarks(&self, topic: &str, partition: i32) -> Result<(i64, i64), Error> {
        const OPERATION: &str = "fetch watermarks";
        let (client, topic) = (Arc::clone(&self.client), self.config.named(topic).into_owned());
        blocking(OPERATION, move || {
            let found = client.inner().fetch_watermarks(&topic, partition, CALL_TIMEOUT);
            found.map_err(|error| Error::of(OPERATION, &error))
        })
        .await
    }

    /// How many partitions a topic has.
    ///
    /// # Errors
    /// [`Error::UnknownTopic`], or the log is away.
    pub async fn partitions(&self, topic: &str) -> Result<i32, Error> {
        const OPERATION: &str = "fetch metadata";
        let (client, topic) = (Arc::clone(&self.client), self.config.named(topic).into_owned());
        blocking(OPERATION, move || {
            let found = client.inner().fetch_metadata(Some(&topic), CALL_TIMEOUT);
            let metadata = found.map_err(|error| Error::of(OPERATION, &error))?;
            let unknown = Error::UnknownTopic { operation: OPERATION };
            let found = metadata.topics().iter().find(|found| found.name() == topic).ok_or(unknown)?;
            if let Some(code) = found.error() {
                return Err(Error::of_code(OPERATION, code.into()));
            }
            match i32::try_from(found.partitions().len()) {
                Ok(count) if count > 0 => Ok(count),
                _ => Err(Error::UnknownTopic { operation: OPERATION }),
            }
        })
        .await
    }

    /// The consumer group of the processors, as it is configured.
    #[must_use]
    pub fn processor_group(&self) -> &str {
        &self.config.group
    }

    /// What `group` has committed, with its metadata: an entry for each partition asked for, in order.
    ///
    /// # Errors
    /// The log is away.
    pub async fn committed(&self, group: &str, partitions: &[(String, i32)]) -> Result<Vec<Option<(i64, String)>>, Error> {
        const OPERATION: &str = "fetch committed offsets";
        let named = |(topic, partition): &(String, i32)| (self.config.named(topic).into_owned(), *partition);
        let (consumer, asked) = (self.group(&self.config.named(group))?, partitions.iter().map(named).collect::<Vec<_>>());
        blocking(OPERATION, move || {
            let mut list = TopicPartitionList::with_capacity(asked.len());
            for (topic, partition) in &asked {
                list.add_partition(topic, *partition);
            }
            let found = consumer.committed_offsets(list, CALL_TIMEOUT);
            let found = found.map_err(|error| Error::of(OPERATION, &error))?;
            asked.iter().map(|(topic, partition)| commit(&found, topic, *partition)).collect()
        })
        .await
    }

    /// Sets configuration of a topic and leaves the rest of it as it is.
    ///
    /// # Errors
    /// The log refuses or is away.
    pub async fn alter_topic_config(&self, topic: &str, changes: &[(&str, &str)]) -> Result<(), Error> {
        const OPERATION: &str = "alter a topic";
        let topic: &str = &self.config.named(topic);
        // Kafka replaces all of it at once, so what was set before goes along.
        let before = self.overrides(topic).await?;
        let mut altered = AlterConfig::new(ResourceSpecifier::Topic(topic));
        for (name, value) in &before {
            if changes.iter().all(|(changed, _)| changed != name) {
                altered = altered.set(name, value);
            }
        }
        for (name, value) in changes {
            altered = altered.set(name, value);
        }
        let results = self.client.alter_configs(&[altered], &options()).await;
        for result in results.map_err(|error| Error::of(OPERATION, &error))? {
            result.map_err(|(_, code)| Error::of_code(OPERATION, code))?;
        }
        Ok(())
    }

    /// The configuration of a topic that is its own and not the broker's default.
    async fn overrides(&self, topic: &str) -> Result<Vec<(String, String)>, Error> {
        const OPERATION: &str = "describe a topic";
        let asked = [ResourceSpecifier::Topic(topic)];
        let results = self.client.describe_configs(&asked, &options()).await;
        let mut own = Vec::new();
        for result in results.map_err(|error| Error::of(OPERATION, &error))? {
            let resource = result.map_err(|code| Error::of_code(OPERATION, code))?;
            let set = resource.entries.into_iter().filter(|entry| entry.source == ConfigSource::DynamicTopic);
            own.extend(set.filter_map(|entry| Some((entry.name, entry.value?))));
        }
        Ok(own)
    }

    /// A client that asks in the group's name without being a member.
    fn group(&self, group: &str) -> Result<Arc<BaseConsumer>, Error> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(consumer) = groups.get(group) {
            return Ok(Arc::clone(consumer));
        }
        let own = [("group.id", group.to_owned()), ("enable.auto.commit", "false".to_owned())];
        let consumer: Result<BaseConsumer, KafkaError> =
            self.config.client("aftershock-admin", &own).set_log_level(RDKafkaLogLevel::Warning).create();
        let consumer = Arc::new(consumer.map_err(|error| Error::of("make a group's client", &error))?);
        groups.insert(group.to_owned(), Arc::clone(&consumer));
        Ok(consumer)
    }
}

fn new_topic<'a>(name: &'a str, topic: &'a TopicSpec) -> NewTopic<'a> {
    let copies = TopicReplication::Fixed(topic.replication);
    let mut wanted = NewTopic::new(name, topic.partitions, copies);
    for (name, value) in &topic.config {
        wanted = wanted.set(name, value);
    }
    wanted
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(CALL_TIMEOUT)).operation_timeout(Some(CALL_TIMEOUT))
}

fn commit(found: &TopicPartitionList, topic: &str, partition: i32) -> Result<Option<(i64, String)>, Error> {
    let Some(entry) = found.find_partition(topic, partition) else { return Ok(None) };
    entry.error().map_err(|error| Error::of("fetch committed offsets", &error))?;
    Ok(match entry.offset() {
        Offset::Offset(offset) => Some((offset, entry.metadata().to_owned())),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
