//! Into the log: a report is accepted when every in-sync replica has it, and not before.

use crate::batch::{Batch, Items, Receipts};
use crate::config;
use crate::encoded::EncodedRecord;
use crate::item::{Kind, Receipt};
use crate::metrics;
use crate::rejection::Rejection;
use service::kafka::{self, Outgoing, Position, Producer, ProducerOptions};
use std::time::Duration;

/// When a client may try again while the queue drains.
const AFTER_BUSY: Duration = Duration::from_secs(1);
/// When a client may try again after the log was silent.
const AFTER_SILENCE: Duration = Duration::from_secs(2);

/// The way to the log.
pub(crate) struct Publisher {
    producer: Producer,
    limits: config::Publish,
}

impl Publisher {
    /// Connects in the background.
    pub(crate) fn new(kafka: &kafka::Config, limits: config::Publish) -> Result<Self, kafka::Error> {
        let options = ProducerOptions {
            client_id: "aftershock-ingest".to_owned(),
            delivery_timeout: *limits.ack_timeout,
            queue_messages: limits.queue_messages,
            queue_bytes: limits.queue_bytes.bytes(),
            linger: *limits.linger,
            queued: metrics::PUBLISH_QUEUE_RECORDS.get(),
        };
        Ok(Self { producer: Producer::new(kafka, options)?, limits })
    }

    /// The producer itself, to warm and to flush.
    pub(crate) fn producer(&self) -> &Producer {
        &self.producer
    }

    /// Puts the records in the log and waits for all of them. Where the log does not acknowledge every record of a kind, none of
    /// that kind counts as accepted: those that got there all the same are known by their ids when they are sent again.
    pub(crate) async fn publish(&self, batch: Batch) -> Receipts {
        let Batch { event_id, reports, connections, .. } = batch;
        let (reports, connections) =
            tokio::join!(self.publish_kind(Kind::Report, reports), self.publish_kind(Kind::Connection, connections));
        Receipts { event_id, reports, connections }
    }

    async fn publish_kind(&self, kind: Kind, items: Items<EncodedRecord>) -> Items<Receipt> {
        let (mut receipts, mut indices, mut messages) = (Vec::with_capacity(items.len()), Vec::new(), Vec::new());
        let is_busy = self.producer.queued() >= self.limits.busy_above;
        for (index, item) in items.into_iter().enumerate() {
            receipts.push(item.and_then(|record| {
                if is_busy {
                    return Err(Rejection::LogUnavailable { retry_after: AFTER_BUSY });
                }
                if record.length() > self.limits.largest_record.bytes() {
                    return Err(too_large());
                }
                let receipt = record.receipt();
                // The id is the key: a re-delivery meets its twin, and a storm of one crash spreads over all partitions.
                messages.push(Outgoing { key: receipt.id.to_vec(), payload: record.into_payload() });
                indices.push(index);
                Ok(receipt)
            }));
        }
        if messages.is_empty() || receipts.iter().any(|item| matches!(item, Err(Rejection::LogUnavailable { .. }))) {
            return together(receipts, None);
        }
        match self.send(kind.topic(), messages).await {
            Ok(outcomes) => acknowledged(receipts, indices.into_iter().zip(outcomes)),
            Err(outage) => together(receipts, Some(outage)),
        }
    }

    async fn send(&self, topic: &str, messages: Vec<Outgoing>) -> Result<Vec<Result<Position, kafka::Error>>, Rejection> {
        let deliveries = self.producer.send_all(topic, messages).map_err(|error| refused(&error))?;
        let outcomes = tokio::time::timeout(*self.limits.ack_timeout, deliveries).await;
        outcomes.map_err(|_| Rejection::LogUnavailable { retry_after: AFTER_SILENCE })
    }
}

/// What the log said of each record that was sent, by the index of its item.
fn acknowledged(mut items: Items<Receipt>, outcomes: impl Iterator<Item = (usize, Result<Position, kafka::Error>)>) -> Items<Receipt> {
    let mut outage = None;
    for (index, outcome) in outcomes {
        match outcome {
            Ok(_) => {}
            Err(kafka::Error::TooLarge) => items[index] = Err(too_large()),
            Err(error) => outage = outage.or_else(|| Some(refused(&error))),
        }
    }
    together(items, outage)
}

/// An outage of the log, found now or by one of the items, is every item's.
fn together(items: Items<Receipt>, outage: Option<Rejection>) -> Items<Receipt> {
    let of_item =
        |item: &Result<Receipt, Rejection>| item.as_ref().err().filter(|fault| matches!(fault, Rejection::LogUnavailable { .. })).cloned();
    let Some(outage) = outage.or_else(|| items.iter().find_map(of_item)) else { return items };
    items.into_iter().map(|item| item.and_then(|_| Err(outage.clone()))).collect()
}

fn too_large() -> Rejection {
    Rejection::TooLarge("the report is larger than the log takes".to_owned())
}

/// What a refusal of the log is to the client.
fn refused(error: &kafka::Error) -> Rejection {
    use kafka::Error;
    match error {
        Error::TooLarge => too_large(),
        Error::QueueFull => Rejection::LogUnavailable { retry_after: AFTER_BUSY },
        // Every request says so while the log is away; the producer itself tells why.
        Error::TimedOut { .. } | Error::Closed { .. } => Rejection::LogUnavailable { retry_after: AFTER_SILENCE },
        Error::UnknownTopic { .. } | Error::OutOfRange { .. } | Error::Stale { .. } | Error::Configuration { .. } | Error::Log { .. } => {
            tracing::warn!(%error, "the log refused a record");
            Rejection::LogUnavailable { retry_after: AFTER_SILENCE }
        }
    }
}
