//! Records in: written in the order they came, acknowledged when they are on disk.

use super::{NONE, TopicRef, blocking, code, partition, uuid};
use crate::access::Operation;
use crate::call::{Answer, Call, Malformed, Reply, encode};
use crate::clock;
use crate::node::Node;
use crate::storage::StorageError;
use crate::storage::partition::{Partition, Pending};
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{InitProducerIdRequest, InitProducerIdResponse, ProduceRequest, ProduceResponse, ProducerId, TopicName};
use std::sync::Arc;

/// So few bytes go into the page cache sooner than another thread could be woken to put them there.
const INLINE_WRITE_BYTES: usize = 16 * 1024;

/// One partition's part of a request.
struct Part {
    topic: usize,
    index: i32,
    target: Result<Arc<Partition>, ResponseError>,
    records: Bytes,
}

/// What became of it so far.
struct Written {
    topic: usize,
    index: i32,
    outcome: Result<Pending, i16>,
}

/// Appends at once; the answer waits for the disk.
pub async fn handle(node: &Arc<Node>, call: &Call, request: ProduceRequest) -> Result<Reply, Malformed> {
    let silent = request.acks == 0;
    let allowed = if request.transactional_id.is_some() {
        Err(ResponseError::InvalidRequest)
    } else if (-1..=1).contains(&request.acks) {
        Ok(())
    } else {
        Err(ResponseError::InvalidRequiredAcks)
    };
    let mut topics = Vec::new();
    let mut parts = Vec::new();
    for (at, topic) in request.topic_data.into_iter().enumerate() {
        let id = topic.topic_id.as_u128();
        for data in topic.partition_data {
            let target = allowed.and_then(|()| partition(node, call, Operation::Write, TopicRef { name: &topic.name, id }, data.index));
            parts.push(Part { topic: at, index: data.index, target, records: data.records.unwrap_or_default() });
        }
        topics.push((topic.name, id));
    }
    let now = clock::now();
    let bytes: usize = parts.iter().map(|part| part.records.len()).sum();
    let append = move || parts.into_iter().map(|part| write(part, now)).collect::<Vec<_>>();
    let written = if bytes <= INLINE_WRITE_BYTES { append() } else { blocking(append).await.map_err(|_| Malformed::Answer)? };
    if silent {
        return Ok(Reply::Nothing);
    }
    Ok(Reply::Later(Box::pin(acknowledge(call.clone(), topics, written))))
}

fn write(part: Part, now: i64) -> Written {
    let outcome = match &part.target {
        Ok(target) => target.append(&part.records, now).map_err(|refusal| {
            note(&refusal);
            code(&refusal)
        }),
        Err(error) => Err(error.code()),
    };
    Written { topic: part.topic, index: part.index, outcome }
}

fn note(refusal: &StorageError) {
    if let StorageError::Storage(cause) = refusal {
        tracing::error!(error = cause, "records could not be written");
    }
}

async fn acknowledge(call: Call, topics: Vec<(TopicName, u128)>, written: Vec<Written>) -> Option<Answer> {
    let name_topic = |(name, id): (TopicName, u128)| {
        let response = TopicProduceResponse::default();
        if call.version >= 13 { response.with_topic_id(uuid(id)) } else { response.with_name(name) }
    };
    let mut responses: Vec<TopicProduceResponse> = topics.into_iter().map(name_topic).collect();
    for part in written {
        let outcome = match part.outcome {
            Ok(pending) => pending.durable().await.map_err(|refusal| code(&refusal)),
            Err(code) => Err(code),
        };
        let response = PartitionProduceResponse::default().with_index(part.index);
        let response = match outcome {
            Ok((appended, start)) => response
                .with_base_offset(appended.base_offset)
                .with_log_append_time_ms(appended.time.unwrap_or(-1))
                .with_log_start_offset(start),
            Err(code) => response.with_error_code(code).with_base_offset(-1).with_log_append_time_ms(-1),
        };
        if let Some(topic) = responses.get_mut(part.topic) {
            topic.partition_responses.push(response);
        }
    }
    let frame = encode(&call, &ProduceResponse::default().with_responses(responses)).ok()?;
    Some(Answer::of(frame))
}

/// A new id for an idempotent producer. Transactions are refused.
pub async fn init(node: &Arc<Node>, call: &Call, request: &InitProducerIdRequest) -> InitProducerIdResponse {
    let response = InitProducerIdResponse::default();
    if !call.principal.as_ref().is_some_and(|who| who.may_write_somewhere()) {
        return response.with_error_code(ResponseError::ClusterAuthorizationFailed.code());
    }
    if request.transactional_id.is_some() {
        return response.with_error_code(ResponseError::TransactionalIdAuthorizationFailed.code());
    }
    let ids = node.clone();
    match blocking(move || ids.producer_ids.next()).await {
        Ok(Ok(id)) => response.with_error_code(NONE).with_producer_id(ProducerId(id)).with_producer_epoch(0),
        Ok(Err(error)) => {
            tracing::error!(error = %error, "producer ids could not be reserved");
            response.with_error_code(ResponseError::CoordinatorNotAvailable.code())
        }
        Err(error) => response.with_error_code(error.code()),
    }
}
