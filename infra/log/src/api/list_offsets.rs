//! Offsets by time, and the two ends of a log.

use super::{NONE, TopicRef, blocking, code, partition};
use crate::access::Operation;
use crate::call::Call;
use crate::node::Node;
use crate::storage::partition::Partition;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse};
use kafka_protocol::messages::offset_for_leader_epoch_response::{EpochEndOffset, OffsetForLeaderTopicResult};
use kafka_protocol::messages::{ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
use std::sync::Arc;

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;

/// Looks up each partition asked for.
pub async fn handle(node: &Arc<Node>, call: &Call, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in &topic.partitions {
            let found = match partition(node, call, Operation::Describe, TopicRef::named(&topic.name), asked.partition_index) {
                Ok(source) => look_up(source, asked.timestamp).await,
                Err(error) => Err(error.code()),
            };
            let response = ListOffsetsPartitionResponse::default().with_partition_index(asked.partition_index);
            partitions.push(match found {
                Ok((offset, timestamp)) => response
                    .with_error_code(NONE)
                    .with_offset(offset)
                    .with_timestamp(timestamp)
                    .with_leader_epoch(if call.version >= 4 { 0 } else { -1 }),
                Err(error) => response.with_error_code(error).with_offset(-1).with_timestamp(-1),
            });
        }
        topics.push(ListOffsetsTopicResponse::default().with_name(topic.name).with_partitions(partitions));
    }
    ListOffsetsResponse::default().with_topics(topics)
}

/// Offset and time; both -1 where no record is that young.
async fn look_up(source: Arc<Partition>, timestamp: i64) -> Result<(i64, i64), i16> {
    let bounds = source.bounds();
    let moment = match timestamp {
        LATEST => return Ok((bounds.synced, -1)),
        EARLIEST | EARLIEST_LOCAL => return Ok((bounds.start, -1)),
        MAX_TIMESTAMP => blocking(move || source.newest()).await,
        _ if timestamp < 0 => return Err(ResponseError::InvalidRequest.code()),
        _ => blocking(move || source.first_since(timestamp)).await,
    };
    let moment = moment.map_err(|error| error.code())?.map_err(|refusal| code(&refusal))?;
    Ok(moment.map_or((-1, -1), |moment| (moment.offset, moment.timestamp)))
}

/// Where an epoch of leadership ends: there is one epoch, and it ends where the log does.
pub fn epochs(node: &Node, call: &Call, request: &OffsetForLeaderEpochRequest) -> OffsetForLeaderEpochResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let end = |asked: &kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition| {
            let response = EpochEndOffset::default().with_partition(asked.partition);
            match partition(node, call, Operation::Describe, TopicRef::named(&topic.topic), asked.partition) {
                Ok(source) if asked.leader_epoch == 0 => response.with_leader_epoch(0).with_end_offset(source.bounds().synced),
                Ok(_) => response.with_leader_epoch(-1).with_end_offset(-1),
                Err(error) => response.with_error_code(error.code()).with_leader_epoch(-1).with_end_offset(-1),
            }
        };
        let partitions = topic.partitions.iter().map(end).collect();
        topics.push(OffsetForLeaderTopicResult::default().with_topic(topic.topic.clone()).with_partitions(partitions));
    }
    OffsetForLeaderEpochResponse::default().with_topics(topics)
}
