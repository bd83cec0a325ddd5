//! A compacted topic as a value in memory: read whole, then followed. No group, nothing committed; each mirror reads for itself.
//!
//! ```text
//! a thread:  read every partition to its end → the value is there → follow → after a while, or where the topic was made anew: again
//! ```
//!
//! Invariants: a value that was once read whole is there for good: while the topic is read again, or the log is away, the old one
//! answers; [`Mirror::passed`] speaks of the value that answers, never of one that is still being read.

use std::fmt::Display;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::watch;

use super::{Config, Error, Position};

/// How long the thread may take to see that nobody needs it any more.
const BEAT: Duration = Duration::from_millis(100);
/// How long the log may take to say which partitions there are.
const PATIENCE: Duration = Duration::from_secs(2);
/// After this long the topic is read anew: a topic that was made anew and has grown past the old one is found out by nothing else.
const LIFE: Duration = Duration::from_secs(300);

/// A value made of a topic; clones share it.
pub struct Mirror<T>(Arc<Shared<T>>);

/// How one record changes the value, by key and payload; an empty payload is a tombstone.
pub type Fold<T, E> = fn(&mut T, &[u8], &[u8]) -> Result<(), E>;

struct Shared<T> {
    value: RwLock<Option<T>>,
    /// The next offset of each partition, of the value that answers; none before there is one.
    progress: watch::Sender<Vec<i64>>,
}

impl<T> Clone for Mirror<T> {
    fn clone(&self) -> Self {
        Mirror(Arc::clone(&self.0))
    }
}

impl<T: Default + Send + Sync + 'static> Mirror<T> {
    /// Begins to read `topic`; ends when the last clone is dropped. What `fold` refuses is logged and passed over.
    ///
    /// # Errors
    /// A property that the client library does not take.
    pub fn open<E: Display + 'static>(config: &Config, client_id: &str, topic: &str, fold: Fold<T, E>) -> Result<Self, Error> {
        let source = Source { config: config.clone(), client_id: client_id.to_owned(), topic: config.named(topic).into_owned() };
        let consumer = source.consumer()?;
        let shared = Arc::new(Shared { value: RwLock::new(None), progress: watch::Sender::new(Vec::new()) });
        let weak = Arc::downgrade(&shared);
        std::thread::spawn(move || source.keep(consumer, &weak, fold));
        Ok(Mirror(shared))
    }

    /// Looks at the value; `None` until the topic has been read whole.
    pub fn read<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.0.value.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(look)
    }

    /// Whether the topic has been read whole.
    pub fn is_whole(&self) -> bool {
        self.read(|_| ()).is_some()
    }

    /// Waits until the topic has been read whole.
    ///
    /// # Errors
    /// [`Error::TimedOut`].
    pub async fn whole(&self, patience: Duration) -> Result<(), Error> {
        self.wait(patience, |next| !next.is_empty()).await
    }

    /// Waits until the value holds the record at `position`, or what came after it.
    ///
    /// # Errors
    /// [`Error::TimedOut`].
    pub async fn passed(&self, position: Position, patience: Duration) -> Result<(), Error> {
        let partition = usize::try_from(position.partition).unwrap_or(usize::MAX);
        self.wait(patience, |next| next.get(partition).is_some_and(|next| *next > position.offset)).await
    }

    async fn wait(&self, patience: Duration, is_there: impl FnMut(&Vec<i64>) -> bool) -> Result<(), Error> {
        let mut progress = self.0.progress.subscribe();
        let waited = tokio::time::timeout(patience, progress.wait_for(is_there)).await;
        match waited {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Error::TimedOut { operation: "follow a topic" }),
        }
    }
}

/// What is read.
struct Source {
    config: Config,
    client_id: String,
    /// As the log knows it.
    topic: String,
}

impl Source {
    fn consumer(&self) -> Result<BaseConsumer, Error> {
        let mut client = self.config.client(&self.client_id, &tuning());
        // The library asks for a name even of readers that join no group.
        for (name, value) in [
            ("group.id", self.topic.as_str()),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", "true"),
        ] {
            client.set(name, value);
        }
        let made = client.set_log_level(RDKafkaLogLevel::Warning).create();
        made.map_err(|error| Error::of("make a reader", &error))
    }

    /// Reads until nobody needs the value any more.
    fn keep<T: Default, E: Display>(&self, first: BaseConsumer, shared: &Weak<Shared<T>>, fold: Fold<T, E>) {
        let mut consumer = Ok(first);
        let mut was_told = false;
        while shared.strong_count() > 0 {
            let lived = consumer.and_then(|consumer| self.live(&consumer, shared, fold));
            match lived {
                Ok(()) => was_told = false,
                Err(error) if was_told => tracing::debug!(topic = self.topic, %error, "the topic cannot be read yet"),
                Err(error) => {
                    tracing::warn!(topic = self.topic, %error, "the topic cannot be read, trying again until it can");
                    was_told = true;
                }
            }
            if was_told {
                std::thread::sleep(BEAT);
            }
            consumer = self.consumer();
        }
    }

    /// Reads the topic whole and follows it: for a while, or until it is another one.
    fn live<T: Default, E: Display>(&self, consumer: &BaseConsumer, shared: &Weak<Shared<T>>, fold: Fold<T, E>) -> Result<(), Error> {
        let mut reading = Reading::of(self.assign(consumer)?, fold);
        let begun = Instant::now();
        while !reading.is_whole() || begun.elapsed() < LIFE {
            let polled = consumer.poll(BEAT);
            let Some(shared) = shared.upgrade() else { return Ok(()) };
            match polled {
                None => {}
                Some(Ok(message)) => {
                    let place = (message.partition(), message.offset());
                    let record = (message.key().unwrap_or_default(), message.payload().unwrap_or_default());
                    if let Err(error) = reading.take(&shared, place, record) {
                        tracing::error!(topic = self.topic, partition = place.0, offset = place.1, %error, "a record was passed over");
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => reading.ended(&shared, partition),
                Some(Err(error)) if is_another_topic(&error) => return Err(Error::of("read a topic", &error)),
                // The library goes on by itself.
                Some(Err(error)) => tracing::debug!(topic = self.topic, %error, "reader"),
            }
        }
        Ok(())
    }

    /// Every partition from its beginning; how many there are.
    fn assign(&self, consumer: &BaseConsumer) -> Result<usize, Error> {
        const OPERATION: &str = "fetch metadata";
        let metadata = consumer.fetch_metadata(Some(&self.topic), PATIENCE).map_err(|error| Error::of(OPERATION, &error))?;
        let found = metadata.topics().iter().find(|found| found.name() == self.topic && found.error().is_none());
        let count = found.map_or(0, |found| found.partitions().len());
        let mut list = TopicPartitionList::with_capacity(count);
        for partition in 0..i32::try_from(count).unwrap_or_default() {
            let added = list.add_partition_offset(&self.topic, partition, Offset::Beginning);
            added.map_err(|error| Error::of(OPERATION, &error))?;
        }
        if count == 0 {
            return Err(Error::UnknownTopic { operation: OPERATION });
        }
        consumer.assign(&list).map_err(|error| Error::of("assign partitions", &error))?;
        Ok(count)
    }
}

/// One reading of the topic.
struct Reading<T, E> {
    fold: Fold<T, E>,
    /// Taken out once it is whole: it answers then.
    fresh: Option<T>,
    next: Vec<i64>,
    ended: Vec<bool>,
}

impl<T: Default, E> Reading<T, E> {
    fn of(partitions: usize, fold: Fold<T, E>) -> Self {
        Reading { fold, fresh: Some(T::default()), next: vec![0; partitions], ended: vec![false; partitions] }
    }

    fn is_whole(&self) -> bool {
        self.fresh.is_none()
    }

    fn take(&mut self, shared: &Shared<T>, (partition, offset): (i32, i64), (key, payload): (&[u8], &[u8])) -> Result<(), E> {
        let folded = match &mut self.fresh {
            Some(fresh) => (self.fold)(fresh, key, payload),
            None => {
                let mut value = shared.value.write().unwrap_or_else(PoisonError::into_inner);
                value.as_mut().map_or(Ok(()), |value| (self.fold)(value, key, payload))
            }
        };
        if let Some(next) = usize::try_from(partition).ok().and_then(|partition| self.next.get_mut(partition)) {
            *next = offset + 1;
        }
        self.tell(shared);
        folded
    }

    fn ended(&mut self, shared: &Shared<T>, partition: i32) {
        if let Some(ended) = usize::try_from(partition).ok().and_then(|partition| self.ended.get_mut(partition)) {
            *ended = true;
        }
        if self.ended.iter().all(|ended| *ended)
            && let Some(fresh) = self.fresh.take()
        {
            *shared.value.write().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
            self.tell(shared);
        }
    }

    fn tell(&self, shared: &Shared<T>) {
        if self.is_whole() {
            shared.progress.send_replace(self.next.clone());
        }
    }
}

/// What is read is not there any more: deleted, or made anew and shorter.
fn is_another_topic(error: &KafkaError) -> bool {
    let gone = [
        Code::AutoOffsetReset,
        Code::OffsetOutOfRange,
        Code::UnknownTopic,
        Code::UnknownTopicOrPartition,
        Code::UnknownPartition,
        Code::UnknownTopicId,
    ];
    error.rdkafka_error_code().is_some_and(|code| gone.contains(&code)) || matches!(error, KafkaError::MessageConsumptionFatal(_))
}

/// May be overruled by configured properties.
fn tuning() -> Vec<(&'static str, String)> {
    vec![
        ("queued.max.messages.kbytes", "4096".to_owned()),
        ("fetch.message.max.bytes", (1 << 20).to_string()),
        ("receive.message.max.bytes", (64 << 20).to_string()),
        ("fetch.wait.max.ms", "250".to_owned()),
        ("fetch.queue.backoff.ms", "10".to_owned()),
        ("fetch.error.backoff.ms", "100".to_owned()),
        // A topic made anew is found within this time.
        ("topic.metadata.refresh.interval.ms", "5000".to_owned()),
    ]
}

#[cfg(test)]
#[path = "mirror_tests.rs"]
mod tests;
