//! The requests that the broker serves: one file per family, each a function from request to response.

pub mod cluster;
pub mod configs;
pub mod fetch;
pub mod groups;
pub mod list_offsets;
pub mod membership;
pub mod metadata;
pub mod offsets;
pub mod partitions;
pub mod produce;
pub mod sasl;
pub mod topics;

use crate::access::Operation;
use crate::call::Call;
use crate::catalog::CatalogError;
use crate::node::Node;
use crate::storage::StorageError;
use crate::storage::partition::Partition;
use crate::topic::Topic;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::TopicName;
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

/// Kafka's number for "no error".
const NONE: i16 = 0;
/// Asked for operations that a client may do, where there are no permissions to speak of.
const NOT_ASKED: i32 = i32::MIN;

/// Kafka's number for why the log refused.
fn code(refusal: &StorageError) -> i16 {
    match refusal {
        StorageError::Corrupt => ResponseError::CorruptMessage,
        StorageError::Invalid => ResponseError::InvalidRecord,
        StorageError::OldFormat => ResponseError::UnsupportedForMessageFormat,
        StorageError::TooLarge => ResponseError::MessageTooLarge,
        StorageError::OutOfOrder => ResponseError::OutOfOrderSequenceNumber,
        StorageError::FencedProducer => ResponseError::InvalidProducerEpoch,
        StorageError::OutOfRange => ResponseError::OffsetOutOfRange,
        StorageError::Gone => ResponseError::UnknownTopicOrPartition,
        StorageError::Storage(_) => ResponseError::KafkaStorageError,
    }
    .code()
}

/// Kafka's number and words for why a change of topics was refused.
fn refused(refusal: &CatalogError) -> (i16, Option<StrBytes>) {
    let error = match refusal {
        CatalogError::Exists(_) => ResponseError::TopicAlreadyExists,
        CatalogError::Unknown => ResponseError::UnknownTopicOrPartition,
        CatalogError::Name(_) => ResponseError::InvalidTopicException,
        CatalogError::Partitions(_) => ResponseError::InvalidPartitions,
        CatalogError::Config(_) => ResponseError::InvalidConfig,
        CatalogError::Storage(cause) => {
            tracing::error!(error = %cause, "a topic could not be changed");
            ResponseError::KafkaStorageError
        }
    };
    (error.code(), Some(StrBytes::from_string(refusal.to_string())))
}

/// Kafka's number for a result.
fn status(result: Result<(), ResponseError>) -> i16 {
    result.map_or_else(|error| error.code(), |()| NONE)
}

fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}

fn topic_name(value: &str) -> TopicName {
    TopicName(text(value))
}

/// A topic as a request names it: by id in the newer versions, by name in the older ones, where the id is 0.
#[derive(Clone, Copy)]
struct TopicRef<'a> {
    name: &'a str,
    id: u128,
}

impl TopicRef<'_> {
    fn named(name: &str) -> TopicRef<'_> {
        TopicRef { name, id: 0 }
    }
}

/// The topic that a request means. Refused where the account may not do the `operation` with it, before the answer tells whether there
/// is a topic of that name.
fn topic(node: &Node, call: &Call, operation: Operation, wanted: TopicRef<'_>) -> Result<Arc<Topic>, ResponseError> {
    if wanted.id != 0 {
        let topic = node.catalog.by_id(wanted.id).ok_or(ResponseError::UnknownTopicId)?;
        call.topic(operation, &topic.name)?;
        return Ok(topic);
    }
    call.topic(operation, wanted.name)?;
    node.catalog.by_name(wanted.name).ok_or(ResponseError::UnknownTopicOrPartition)
}

/// The partition of a topic that a request means; see [`topic`].
fn partition(node: &Node, call: &Call, operation: Operation, wanted: TopicRef<'_>, index: i32) -> Result<Arc<Partition>, ResponseError> {
    topic(node, call, operation, wanted)?.partition(index).ok_or(ResponseError::UnknownTopicOrPartition)
}

/// Host and port that the client should use.
fn address(node: &Node, call: &Call) -> (StrBytes, i32) {
    match &node.config.advertised {
        Some((host, port)) => (text(host), i32::from(*port)),
        None => (text(&call.addresses.local.ip().to_canonical().to_string()), i32::from(call.addresses.local.port())),
    }
}

/// Runs work that blocks, for files or for a sync of a directory.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ResponseError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ResponseError::UnknownServerError)
}

/// A topic's id as the protocol crate has it.
fn uuid<T: TryFrom<Vec<u8>> + Default>(id: u128) -> T {
    T::try_from(id.to_be_bytes().to_vec()).unwrap_or_default()
}
