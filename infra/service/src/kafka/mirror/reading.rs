//! The thread of a mirror: the topic read whole, followed, and read again.

use super::shared::{Fold, Progress, Shared};
use crate::kafka::{Config, Error};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use std::fmt::Display;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{PoisonError, Weak};
use std::time::{Duration, Instant};

/// How often the thread looks whether the mirror is still used.
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Limit of a request for the topic's partitions.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);
/// After this time the topic is read again from its beginning: nothing else reveals that it was deleted, made again, and has grown past
/// the former one.
const REREAD_INTERVAL: Duration = Duration::from_secs(30);
/// A large topic is read again less often: reading takes at most one part in this many of the time.
const REREAD_SHARE: u32 = 100;

/// What is read.
pub(super) struct TopicReader {
    pub(super) config: Config,
    pub(super) client_id: String,
    /// Full name of the topic, with the prefix.
    pub(super) topic: String,
}

impl TopicReader {
    pub(super) fn consumer(&self) -> Result<BaseConsumer<Quiet>, Error> {
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
        let made = client.set_log_level(RDKafkaLogLevel::Warning).create_with_context(Quiet);
        made.map_err(|error| Error::of("make a reader", &error))
    }

    /// Reads until nobody needs the value any more.
    pub(super) fn keep<T: Default, E: Display>(&self, first: BaseConsumer<Quiet>, shared: &Weak<Shared<T>>, fold: &Fold<T, E>) {
        let mut consumer = Ok(first);
        let (mut life, mut was_told) = (0, false);
        while shared.strong_count() > 0 {
            life += 1;
            let lived = consumer.and_then(|consumer| {
                let reading = Reading::of(self.assign(&consumer)?, life, fold.clone());
                self.live(&consumer, shared, reading)
            });
            match lived {
                Ok(()) => was_told = false,
                Err(error) if was_told => tracing::debug!(topic = self.topic, %error, "the topic cannot be read yet"),
                Err(error) => {
                    tracing::warn!(topic = self.topic, %error, "the topic cannot be read, trying again until it can");
                    was_told = true;
                }
            }
            if was_told {
                std::thread::sleep(POLL_INTERVAL);
            }
            consumer = self.consumer();
        }
    }

    /// Reads the topic whole and follows it: for a while, or until it is another one.
    fn live<T: Default, E: Display>(
        &self,
        consumer: &BaseConsumer<Quiet>,
        shared: &Weak<Shared<T>>,
        mut reading: Reading<T, E>,
    ) -> Result<(), Error> {
        while !reading.is_over() {
            let polled = consumer.poll(POLL_INTERVAL);
            let Some(shared) = shared.upgrade() else { return Ok(()) };
            if shared.is_stale.swap(false, Relaxed) {
                return Ok(());
            }
            match polled {
                None => {}
                Some(Ok(message)) => {
                    if let Err(error) = reading.take(&shared, &message) {
                        let (partition, offset) = (message.partition(), message.offset());
                        tracing::error!(topic = self.topic, partition, offset, %error, "a record was passed over");
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
    fn assign(&self, consumer: &BaseConsumer<Quiet>) -> Result<usize, Error> {
        const OPERATION: &str = "fetch metadata";
        let metadata = consumer.fetch_metadata(Some(&self.topic), METADATA_TIMEOUT).map_err(|error| Error::of(OPERATION, &error))?;
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
    life: u64,
    begun: Instant,
    /// When the topic is to be read again; `None` until it is whole.
    until: Option<Instant>,
    /// The value while it is not whole; moved to the mirror once it is.
    fresh: Option<T>,
    next: Vec<i64>,
    ended: Vec<bool>,
}

impl<T: Default, E> Reading<T, E> {
    fn of(partitions: usize, life: u64, fold: Fold<T, E>) -> Self {
        let (next, ended) = (vec![0; partitions], vec![false; partitions]);
        Reading { fold, life, begun: Instant::now(), until: None, fresh: Some(T::default()), next, ended }
    }

    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() > until)
    }

    fn take(&mut self, shared: &Shared<T>, message: &BorrowedMessage<'_>) -> Result<(), E> {
        let (key, payload) = (message.key().unwrap_or_default(), message.payload().unwrap_or_default());
        let folded = match &mut self.fresh {
            Some(fresh) => (self.fold)(fresh, key, payload),
            None => {
                let mut value = shared.value.write().unwrap_or_else(PoisonError::into_inner);
                value.as_mut().map_or(Ok(()), |value| (self.fold)(value, key, payload))
            }
        };
        if let Some(next) = usize::try_from(message.partition()).ok().and_then(|partition| self.next.get_mut(partition)) {
            *next = message.offset() + 1;
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
            self.until = Some(Instant::now() + REREAD_INTERVAL.max(self.begun.elapsed() * REREAD_SHARE));
            self.tell(shared);
        }
    }

    fn tell(&self, shared: &Shared<T>) {
        if self.fresh.is_none() {
            shared.progress.send_replace(Progress { life: self.life, next: self.next.clone() });
        }
    }
}

/// Logs quietly: the end of a partition is not an error, and producers report when the log is away.
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, message, "reader log");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "reader");
    }
}

impl ConsumerContext for Quiet {}

/// The topic that was read is gone: deleted, or made again and shorter.
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

/// Defaults; configured properties override them.
fn tuning() -> Vec<(&'static str, String)> {
    vec![
        ("queued.max.messages.kbytes", "4096".to_owned()),
        ("fetch.message.max.bytes", (1 << 20).to_string()),
        ("receive.message.max.bytes", (64 << 20).to_string()),
        ("fetch.wait.max.ms", "250".to_owned()),
        ("fetch.queue.backoff.ms", "10".to_owned()),
        ("fetch.error.backoff.ms", "100".to_owned()),
        // A topic that was made again is found within this time.
        ("topic.metadata.refresh.interval.ms", "5000".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_is_another_one_is_told_from_a_log_that_is_away() {
        for code in [Code::AutoOffsetReset, Code::UnknownTopicOrPartition, Code::UnknownPartition] {
            assert!(is_another_topic(&KafkaError::MessageConsumption(code)), "{code}");
        }
        for code in [Code::BrokerTransportFailure, Code::AllBrokersDown, Code::NotLeaderForPartition] {
            assert!(!is_another_topic(&KafkaError::MessageConsumption(code)), "{code}");
        }
    }
}
