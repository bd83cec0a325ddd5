//! Reading the log as one member of a consumer group, cooperatively.
//!
//! ```text
//! poll thread:  GroupConsumer::poll → rebalance → Assignment::{assigned, revoked, lost}
//! a worker for each partition:  PartitionQueue::{poll, committed, commit, watermarks, seek}
//! ```
//!
//! Invariants: a partition's queue is split off before its fetching begins, so no message takes another way;
//! only who holds the queue of an assigned partition can commit it; a revocation is acknowledged after
//! [`Assignment::revoked`] has returned; nothing is ever committed or stored on its own.

use super::{Config, Error};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::base_consumer::PartitionQueue as Queue;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

/// Limit of each blocking call of the client library.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How a member of a consumer group is configured.
#[derive(Clone, Debug)]
pub struct GroupOptions {
    /// Name of the client at the broker.
    pub client_id: String,
    /// Name of the group.
    pub group: String,
    /// Topics that the group shares.
    pub topics: Vec<String>,
    /// A member that sends no heartbeat for this long is removed from the group.
    pub session_timeout: Duration,
    /// Bytes that may be read ahead of each partition's worker.
    pub prefetch_bytes: usize,
}

/// What a member does as partitions come and go. Called on the thread that polls; the group waits meanwhile.
pub trait Assignment: Send + Sync + 'static {
    /// These partitions belong to the member from now on.
    fn assigned(&self, queues: Vec<PartitionQueue>);
    /// These partitions go to another member. Returns once nothing works on them and their queues are dropped.
    fn revoked(&self, partitions: &[(String, i32)]);
    /// These partitions belong to another member already: like [`Assignment::revoked`], but nothing may be finished.
    fn lost(&self, partitions: &[(String, i32)]);
}

/// One record, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its offset in the partition.
    pub offset: i64,
    /// When the log took it, Unix milliseconds; 0 where the log does not say.
    pub appended_at: i64,
    /// The key, which decided the partition.
    pub key: Option<Vec<u8>>,
    /// Empty for a tombstone.
    pub payload: Vec<u8>,
}

/// A committed offset with its metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The next offset to be read.
    pub offset: i64,
    /// The metadata committed with it.
    pub metadata: String,
}

/// A member of a group. To be dropped after every [`PartitionQueue`], on the thread that polled: that leaves the group.
pub struct GroupConsumer {
    consumer: Arc<BaseConsumer<Rebalancer>>,
}

/// One assigned partition: its messages, and the only way to commit it.
pub struct PartitionQueue {
    topic: String,
    /// Full name of the topic, with the prefix.
    named: String,
    partition: i32,
    queue: Queue<Rebalancer>,
    consumer: Arc<BaseConsumer<Rebalancer>>,
}

impl GroupConsumer {
    /// Joins in the background.
    ///
    /// # Errors
    /// A property that the client library does not take.
    pub fn subscribe(config: &Config, options: &GroupOptions, assignment: Arc<dyn Assignment>) -> Result<Self, Error> {
        const OPERATION: &str = "subscribe";
        let rebalancer = Rebalancer { assignment, config: config.clone(), consumer: OnceLock::new() };
        let mut client = config.client(&options.client_id, &tuning(options));
        for (name, value) in fixed(&config.named(&options.group)) {
            client.set(name, value);
        }
        let consumer: BaseConsumer<Rebalancer> = client
            .set_log_level(RDKafkaLogLevel::Warning)
            .create_with_context(rebalancer)
            .map_err(|error| Error::of("make a consumer", &error))?;
        let consumer = Arc::new(consumer);
        let known = consumer.context().consumer.set(Arc::downgrade(&consumer));
        debug_assert!(known.is_ok(), "set once");
        let topics: Vec<_> = options.topics.iter().map(|topic| config.named(topic)).collect();
        let topics: Vec<&str> = topics.iter().map(AsRef::as_ref).collect();
        consumer.subscribe(&topics).map_err(|error| Error::of(OPERATION, &error))?;
        Ok(Self { consumer })
    }

    /// Serves rebalances for up to `timeout`; to be called again and again on one thread.
    ///
    /// # Errors
    /// A fault that the client cannot recover from.
    pub fn poll(&self, timeout: Duration) -> Result<(), Error> {
        match self.consumer.poll(timeout) {
            None => Ok(()),
            Some(Ok(message)) => {
                // Its worker sees the hole and reads it again.
                tracing::warn!(topic = message.topic(), partition = message.partition(), "message outside its partition's queue");
                Ok(())
            }
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => Err(Error::of("consume", &error)),
            Some(Err(error)) => {
                tracing::warn!(%error, "consumer");
                Ok(())
            }
        }
    }
}

impl PartitionQueue {
    /// Topic of the partition.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Number of the partition.
    pub fn partition(&self) -> i32 {
        self.partition
    }

    /// The next message, or `None` where none came in time.
    ///
    /// # Errors
    /// What the log says about this partition; later calls go on.
    pub fn poll(&self, timeout: Duration) -> Result<Option<Message>, Error> {
        match self.queue.poll(timeout) {
            None => Ok(None),
            Some(Ok(message)) => Ok(Some(owned(&message))),
            Some(Err(error)) => Err(Error::of("consume", &error)),
        }
    }

    /// What the group has committed for this partition, asked of the log.
    ///
    /// # Errors
    /// The log is away.
    pub fn committed(&self) -> Result<Option<Committed>, Error> {
        const OPERATION: &str = "fetch a committed offset";
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition(&self.named, self.partition);
        let found = self.consumer.committed_offsets(list, CALL_TIMEOUT).map_err(|error| Error::of(OPERATION, &error))?;
        let entry = found.find_partition(&self.named, self.partition).ok_or(Error::UnknownTopic { operation: OPERATION })?;
        entry.error().map_err(|error| Error::of(OPERATION, &error))?;
        Ok(match entry.offset() {
            Offset::Offset(offset) => Some(Committed { offset, metadata: entry.metadata().to_owned() }),
            _ => None,
        })
    }

    /// Commits the next offset to be read with a text beside it; returns once the group's coordinator has it.
    ///
    /// # Errors
    /// [`Error::Stale`] where the group has moved on; the log is away.
    pub fn commit(&self, offset: i64, metadata: &str) -> Result<(), Error> {
        const OPERATION: &str = "commit an offset";
        let mut list = TopicPartitionList::with_capacity(1);
        let mut entry = list.add_partition(&self.named, self.partition);
        entry.set_offset(Offset::Offset(offset)).map_err(|error| Error::of(OPERATION, &error))?;
        entry.set_metadata(metadata);
        self.consumer.commit(&list, CommitMode::Sync).map_err(|error| Error::of(OPERATION, &error))
    }

    /// The first offset in the log and the one after the last.
    ///
    /// # Errors
    /// The log is away.
    pub fn watermarks(&self) -> Result<(i64, i64), Error> {
        let found = self.consumer.fetch_watermarks(&self.named, self.partition, CALL_TIMEOUT);
        found.map_err(|error| Error::of("fetch watermarks", &error))
    }

    /// Reads on from `offset`; messages before it may still come once.
    ///
    /// # Errors
    /// Fetching of the partition has not begun yet, or the log is away: to be tried again.
    pub fn seek(&self, offset: i64) -> Result<(), Error> {
        let done = self.consumer.seek(&self.named, self.partition, Offset::Offset(offset), CALL_TIMEOUT);
        done.map_err(|error| Error::of("seek", &error))
    }
}

fn owned(message: &BorrowedMessage<'_>) -> Message {
    Message {
        offset: message.offset(),
        appended_at: message.timestamp().to_millis().unwrap_or_default(),
        key: message.key().map(<[u8]>::to_vec),
        payload: message.payload().unwrap_or_default().to_vec(),
    }
}

/// Defaults; configured properties override them.
fn tuning(options: &GroupOptions) -> Vec<(&'static str, String)> {
    let session = options.session_timeout.as_millis().max(1);
    let prefetch = options.prefetch_bytes.max(1 << 20);
    vec![
        ("session.timeout.ms", session.to_string()),
        ("heartbeat.interval.ms", (session / 3).clamp(1, 3000).to_string()),
        ("queued.max.messages.kbytes", (prefetch >> 10).to_string()),
        ("queued.min.messages", "20000".to_owned()),
        ("fetch.message.max.bytes", prefetch.min(4 << 20).to_string()),
        ("fetch.max.bytes", (32 << 20).to_string()),
        ("receive.message.max.bytes", (64 << 20).to_string()),
        ("message.max.bytes", super::MAX_RECORD_BYTES.to_string()),
        ("fetch.wait.max.ms", "250".to_owned()),
        ("fetch.queue.backoff.ms", "10".to_owned()),
        ("fetch.error.backoff.ms", "100".to_owned()),
        // A topic made after the processor has started is found within this time.
        ("topic.metadata.refresh.interval.ms", "10000".to_owned()),
    ]
}

/// Settings that exactly-once processing needs; configured properties do not override them.
fn fixed(group: &str) -> [(&'static str, &str); 7] {
    [
        ("group.id", group),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "earliest"),
        ("isolation.level", "read_committed"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("enable.partition.eof", "false"),
    ]
}

/// Hands rebalances to the [`Assignment`] in the order that the invariants need.
struct Rebalancer {
    assignment: Arc<dyn Assignment>,
    config: Config,
    consumer: OnceLock<Weak<BaseConsumer<Rebalancer>>>,
}

impl ClientContext for Rebalancer {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, message, "consumer log");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "consumer");
    }
}

impl ConsumerContext for Rebalancer {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions: Vec<(String, i32)> =
            list.elements().iter().map(|element| (self.config.bare(element.topic()).to_owned(), element.partition())).collect();
        let done = match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(consumer, list, &partitions),
            _ if consumer.assignment_lost() => {
                tracing::warn!(partitions = partitions.len(), "partitions lost");
                self.assignment.lost(&partitions);
                consumer.incremental_unassign(list)
            }
            _ => {
                tracing::info!(partitions = partitions.len(), "partitions revoked");
                self.assignment.revoked(&partitions);
                consumer.incremental_unassign(list)
            }
        };
        if let Err(error) = done {
            tracing::error!(%error, "rebalance failed");
        }
    }
}

impl Rebalancer {
    fn assign(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList, partitions: &[(String, i32)]) -> Result<(), KafkaError> {
        // Closing already: nothing may begin.
        let Some(shared) = self.consumer.get().and_then(Weak::upgrade) else { return consumer.incremental_assign(list) };
        let queues = partitions.iter().filter_map(|(topic, partition)| {
            let named = self.config.named(topic).into_owned();
            let queue = shared.split_partition_queue(&named, *partition)?;
            Some(PartitionQueue { topic: topic.clone(), named, partition: *partition, queue, consumer: Arc::clone(&shared) })
        });
        let queues: Vec<PartitionQueue> = queues.collect();
        consumer.incremental_assign(list)?;
        tracing::info!(partitions = queues.len(), "partitions assigned");
        self.assignment.assigned(queues);
        Ok(())
    }
}
