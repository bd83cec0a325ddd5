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

use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::TopicName;
use kafka_protocol::protocol::StrBytes;

use crate::access::Operation;
use crate::catalog;
use crate::node::Node;
use crate::route::Call;
use crate::storage::Refusal;
use crate::storage::partition::Partition;
use crate::topic::Topic;

/// Kafka's number for "no error".
const NONE: i16 = 0;
/// Asked for operations that a client may do, where there are no permissions to speak of.
const NOT_ASKED: i32 = i32::MIN;

/// Kafka's number for why the log refused.
fn code(refusal: &Refusal) -> i16 {
    match refusal {
        Refusal::Corrupt => ResponseError::CorruptMessage,
        Refusal::Invalid => ResponseError::InvalidRecord,
        Refusal::OldFormat => ResponseError::UnsupportedForMessageFormat,
        Refusal::TooLarge => ResponseError::MessageTooLarge,
        Refusal::OutOfOrder => ResponseError::OutOfOrderSequenceNumber,
        Refusal::FencedProducer => ResponseError::InvalidProducerEpoch,
        Refusal::OutOfRange => ResponseError::OffsetOutOfRange,
        Refusal::Gone => ResponseError::UnknownTopicOrPartition,
        Refusal::Storage(_) => ResponseError::KafkaStorageError,
    }
    .code()
}

/// Kafka's number and words for why a change of topics was refused.
fn refused(refusal: &catalog::Refusal) -> (i16, Option<StrBytes>) {
    let error = match refusal {
        catalog::Refusal::Exists(_) => ResponseError::TopicAlreadyExists,
        catalog::Refusal::Unknown => ResponseError::UnknownTopicOrPartition,
        catalog::Refusal::Name(_) => ResponseError::InvalidTopicException,
        catalog::Refusal::Partitions(_) => ResponseError::InvalidPartitions,
        catalog::Refusal::Config(_) => ResponseError::InvalidConfig,
        catalog::Refusal::Storage(cause) => {
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

/// Who asks, and what they want to do with a topic.
type Wish<'a> = (&'a Call, Operation);

/// The topic that a request means: by id in the newer versions, by name in the older. Refused where the account may not do that with it,
/// before anything is said about whether there is one of that name.
fn named(node: &Node, (call, operation): Wish<'_>, name: &str, id: u128) -> Result<Arc<Topic>, ResponseError> {
    if id != 0 {
        let topic = node.catalog.by_id(id).ok_or(ResponseError::UnknownTopicId)?;
        call.topic(operation, &topic.name)?;
        return Ok(topic);
    }
    call.topic(operation, name)?;
    node.catalog.by_name(name).ok_or(ResponseError::UnknownTopicOrPartition)
}

fn partition(node: &Node, wish: Wish<'_>, (name, id): (&str, u128), index: i32) -> Result<Arc<Partition>, ResponseError> {
    named(node, wish, name, id)?.partition(index).ok_or(ResponseError::UnknownTopicOrPartition)
}

/// Host and port that the client should use.
fn address(node: &Node, call: &Call) -> (StrBytes, i32) {
    match &node.config.advertised {
        Some((host, port)) => (text(host), i32::from(*port)),
        None => (text(&call.local.ip().to_canonical().to_string()), i32::from(call.local.port())),
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
