//! Partitions added to topics, and records deleted from them.

use super::{NONE, TopicRef, blocking, code, partition, refused};
use crate::access::Operation;
use crate::call::Call;
use crate::node::Node;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use kafka_protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse, DeleteRecordsRequest, DeleteRecordsResponse};
use std::sync::Arc;

/// Gives topics more partitions.
pub async fn grow(node: &Arc<Node>, call: &Call, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let mut results = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let (grower, name, dry) = (node.clone(), topic.name.to_string(), request.validate_only);
        let grown = match call.topic(Operation::Alter, &name) {
            Ok(()) => blocking(move || grower.catalog.grow(&name, topic.count, dry)).await,
            Err(error) => Err(error),
        };
        let (code, message) = match grown {
            Ok(Ok(())) => (NONE, None),
            Ok(Err(refusal)) => refused(&refusal),
            Err(error) => (error.code(), None),
        };
        let result = CreatePartitionsTopicResult::default().with_name(topic.name);
        results.push(result.with_error_code(code).with_error_message(message));
    }
    CreatePartitionsResponse::default().with_results(results)
}

/// Deletes records up to an offset and frees their disk.
pub async fn delete_records(node: &Arc<Node>, call: &Call, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in topic.partitions {
            let deleted = match partition(node, call, Operation::Delete, TopicRef::named(&topic.name), asked.partition_index) {
                Ok(target) => delete_before(target, asked.offset).await,
                Err(error) => Err(error.code()),
            };
            let result = DeleteRecordsPartitionResult::default().with_partition_index(asked.partition_index);
            partitions.push(match deleted {
                Ok(start) => result.with_low_watermark(start),
                Err(code) => result.with_low_watermark(-1).with_error_code(code),
            });
        }
        topics.push(DeleteRecordsTopicResult::default().with_name(topic.name).with_partitions(partitions));
    }
    DeleteRecordsResponse::default().with_topics(topics)
}

async fn delete_before(target: Arc<crate::storage::partition::Partition>, offset: i64) -> Result<i64, i16> {
    let deleted = blocking(move || target.delete_before(offset)).await;
    deleted.map_err(|error: ResponseError| error.code())?.map_err(|refusal| code(&refusal))
}
