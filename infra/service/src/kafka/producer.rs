//! Writing to the log: every message is acknowledged by all in-sync replicas or known not to be.
//!
//! Messages are sent in rounds: while one round is unacknowledged, messages for the next one gather. Without a round under way a message
//! waits at most [`ProducerOptions::linger`] for others. The client library partitions, compresses and sends; the outcomes wake the
//! task that awaits a [`Delivery`] or [`Deliveries`] once.

mod delivery;
mod options;
mod rounds;

pub use self::delivery::{Deliveries, Delivery, Position};
pub use self::options::ProducerOptions;

use self::delivery::{Load, group};
use self::rounds::{Queued, RoundClient};
use super::{Config, Error};
use rdkafka::producer::Producer as _;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;

/// A writer to the log; clones share one client.
#[derive(Clone)]
pub struct Producer(Arc<Shared>);

struct Shared {
    config: Config,
    options: ProducerOptions,
    client: RwLock<Arc<RoundClient>>,
    topics: RwLock<Vec<(String, Arc<str>)>>,
    load: Arc<Load>,
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Chooses the partition as Kafka's own clients do.
    pub key: Vec<u8>,
    pub payload: Vec<u8>,
}

const METADATA: &str = "fetch metadata";
const FLUSH: &str = "flush";

impl Producer {
    /// A producer that connects in the background.
    ///
    /// # Errors
    /// A property that the client library does not take.
    pub fn new(config: &Config, options: ProducerOptions) -> Result<Self, Error> {
        let client = RwLock::new(Arc::new(RoundClient::new(config, &options)?));
        let load = Arc::new(Load { shown: options.queued.clone(), ..Load::default() });
        let (config, topics) = (config.clone(), RwLock::default());
        Ok(Producer(Arc::new(Shared { config, options, client, topics, load })))
    }

    /// Queues a message; the key chooses the partition as Kafka's own clients do.
    ///
    /// # Errors
    /// [`Error::QueueFull`] where too much waits already.
    pub fn send(&self, topic: &str, key: &[u8], payload: &[u8]) -> Result<Delivery, Error> {
        self.send_all(topic, vec![Outgoing { key: key.to_vec(), payload: payload.to_vec() }]).map(Delivery)
    }

    /// Queues messages: all of them or none.
    ///
    /// # Errors
    /// [`Error::QueueFull`] where too much waits already.
    pub fn send_all(&self, topic: &str, messages: Vec<Outgoing>) -> Result<Deliveries, Error> {
        let sizes: Vec<usize> = messages.iter().map(|message| message.key.len() + message.payload.len()).collect();
        let (load, options) = (&self.0.load, &self.0.options);
        let (deliveries, tickets) = group(load, &sizes);
        // Counted first, so that the bound holds among many senders; the tickets take it back.
        if load.messages.load(Relaxed) > options.queue_messages || load.bytes.load(Relaxed) > options.queue_bytes {
            return Err(Error::QueueFull);
        }
        let topic = self.topic(topic);
        let queued = |(Outgoing { key, payload }, ticket)| Queued { topic: Arc::clone(&topic), key, payload, ticket };
        self.client().push(messages.into_iter().zip(tickets).map(queued));
        Ok(deliveries)
    }

    /// Full name of the topic, with the prefix; made once.
    fn topic(&self, topic: &str) -> Arc<str> {
        let find = |topics: &[(String, Arc<str>)]| topics.iter().find(|(name, _)| name == topic).map(|(_, full)| Arc::clone(full));
        if let Some(known) = find(&self.0.topics.read().unwrap_or_else(PoisonError::into_inner)) {
            return known;
        }
        let mut topics = self.0.topics.write().unwrap_or_else(PoisonError::into_inner);
        let full: Arc<str> = self.0.config.named(topic).into();
        topics.push((topic.to_owned(), Arc::clone(&full)));
        full
    }

    /// Waits until the leaders of the topics are known, so that the first message is not slow.
    ///
    /// # Errors
    /// [`Error::TimedOut`] after the delivery time-out; [`Error::UnknownTopic`] where one is still missing then.
    pub async fn warm(&self, topics: &[&str]) -> Result<(), Error> {
        let deadline = Instant::now() + self.0.options.delivery_timeout;
        for topic in topics {
            loop {
                let known = self.leaders_known(self.0.config.named(topic).into_owned()).await;
                match known {
                    Ok(()) => break,
                    Err(error) if Instant::now() >= deadline => return Err(error),
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        }
        Ok(())
    }

    async fn leaders_known(&self, topic: String) -> Result<(), Error> {
        let client = self.client();
        let call_timeout = self.0.options.delivery_timeout.min(Duration::from_secs(2));
        blocking(METADATA, move || {
            let found = client.inner().client().fetch_metadata(Some(&topic), call_timeout);
            let metadata = found.map_err(|error| Error::of(METADATA, &error))?;
            let ready = metadata.topics().iter().any(|found| {
                let led = |partition: &rdkafka::metadata::MetadataPartition| partition.leader() >= 0;
                found.name() == topic && found.error().is_none() && !found.partitions().is_empty() && found.partitions().iter().all(led)
            });
            ready.then_some(()).ok_or(Error::UnknownTopic { operation: METADATA })
        })
        .await
    }

    /// Waits until nothing is queued.
    ///
    /// # Errors
    /// [`Error::TimedOut`] where something still is.
    pub async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let emptied = async {
            while self.queued() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(timeout, emptied).await.map_err(|_| Error::TimedOut { operation: FLUSH })
    }

    /// Messages that wait for their acknowledgement.
    pub fn queued(&self) -> usize {
        self.0.load.messages.load(Relaxed)
    }

    /// The client; a new one where the former one failed for good.
    fn client(&self) -> Arc<RoundClient> {
        let client = self.current();
        if !client.is_broken() {
            return client;
        }
        let mut current = self.0.client.write().unwrap_or_else(PoisonError::into_inner);
        if !current.is_broken() {
            return Arc::clone(&current);
        }
        match RoundClient::new(&self.0.config, &self.0.options) {
            Ok(fresh) => {
                tracing::warn!("the producer failed for good and was replaced");
                let broken = std::mem::replace(&mut *current, Arc::new(fresh));
                // Closing waits for the library's threads.
                std::thread::spawn(move || drop(broken));
            }
            Err(error) => tracing::error!(%error, "cannot replace the producer"),
        }
        Arc::clone(&current)
    }

    fn current(&self) -> Arc<RoundClient> {
        Arc::clone(&self.0.client.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Runs a call of the client library that blocks.
pub(super) async fn blocking<T: Send + 'static>(
    operation: &'static str,
    call: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(call).await.unwrap_or(Err(Error::Closed { operation }))
}

#[cfg(test)]
mod tests;
