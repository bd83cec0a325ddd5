//! Committed offsets with the client's metadata.

use super::membership::member_identity;
use super::{NONE, status, text, topic_name};
use crate::access::Operation;
use crate::call::{Answer, Call, Malformed, Reply, encode};
use crate::node::Node;
use crate::offset_journal::{Change, Committed, Offsets, TopicPartition};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::offset_commit_request::OffsetCommitRequestPartition;
use kafka_protocol::messages::offset_commit_response::{OffsetCommitResponsePartition, OffsetCommitResponseTopic};
use kafka_protocol::messages::offset_delete_response::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic};
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions, OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetDeleteRequest, OffsetDeleteResponse, OffsetFetchRequest, OffsetFetchResponse,
};
use std::sync::Arc;

/// Commits what can be; the answer waits for the disk.
pub async fn commit(node: &Arc<Node>, call: &Call, request: OffsetCommitRequest) -> Result<Reply, Malformed> {
    let mut offsets = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for asked in &topic.partitions {
            let checked = call.topic(Operation::Read, &topic.name).and_then(|()| check(node, &topic.name, asked));
            partitions.push((asked.partition_index, checked.as_ref().err().map_or(NONE, |error| error.code())));
            offsets.extend(checked.ok().map(|committed| ((topic.name.to_string(), asked.partition_index), committed)));
        }
        topics.push((topic.name.clone(), partitions));
    }
    let who = member_identity(&request.member_id, request.group_instance_id.as_ref(), request.generation_id_or_member_epoch);
    let group = request.group_id.to_string();
    let accepted = if let Err(error) = call.group(Operation::Read, &group) {
        Err(error)
    } else if group.is_empty() {
        Err(ResponseError::InvalidGroupId)
    } else {
        let change = Change::Commit(group.clone(), offsets);
        node.groups.commit(&group, &who, &node.offsets, change).await
    };
    let call = call.clone();
    Ok(Reply::Later(Box::pin(async move {
        let outcome = match accepted {
            Ok(accepted) => status(accepted.durable().await.then_some(()).ok_or(ResponseError::KafkaStorageError)),
            Err(error) => error.code(),
        };
        let partition = |(index, own): (i32, i16)| {
            let code = if outcome == NONE { own } else { outcome };
            OffsetCommitResponsePartition::default().with_partition_index(index).with_error_code(code)
        };
        let topic = |(name, partitions): (_, Vec<(i32, i16)>)| {
            let partitions = partitions.into_iter().map(partition).collect();
            OffsetCommitResponseTopic::default().with_name(name).with_partitions(partitions)
        };
        let response = OffsetCommitResponse::default().with_topics(topics.into_iter().map(topic).collect());
        let frame = encode(&call, &response).ok()?;
        Some(Answer::of(frame))
    })))
}

fn check(node: &Node, name: &str, asked: &OffsetCommitRequestPartition) -> Result<Committed, ResponseError> {
    let topic = node.catalog.by_name(name).ok_or(ResponseError::UnknownTopicOrPartition)?;
    topic.partition(asked.partition_index).ok_or(ResponseError::UnknownTopicOrPartition)?;
    let metadata = asked.committed_metadata.as_deref().unwrap_or_default();
    if metadata.len() > node.config.max_commit_metadata {
        return Err(ResponseError::OffsetMetadataTooLarge);
    }
    Ok(Committed { topic_id: topic.id, offset: asked.committed_offset, epoch: asked.committed_leader_epoch, metadata: metadata.to_owned() })
}

/// What a group committed: for the partitions asked for, or all.
pub async fn fetch(node: &Node, call: &Call, request: OffsetFetchRequest) -> OffsetFetchResponse {
    if call.version >= 8 {
        let mut groups = Vec::with_capacity(request.groups.len());
        for group in request.groups {
            let asked =
                group.topics.map(|topics| topics.into_iter().map(|topic| (topic.name.to_string(), topic.partition_indexes)).collect());
            if let Err(error) = call.group(Operation::Describe, &group.group_id) {
                groups.push(OffsetFetchResponseGroup::default().with_group_id(group.group_id).with_error_code(error.code()));
                continue;
            }
            let found = find(node, call, &group.group_id, asked).await;
            let topics = found.into_iter().map(newer).collect();
            groups.push(OffsetFetchResponseGroup::default().with_group_id(group.group_id).with_topics(topics));
        }
        return OffsetFetchResponse::default().with_groups(groups);
    }
    if let Err(error) = call.group(Operation::Describe, &request.group_id) {
        return fetch_refused(call, &request, error);
    }
    let asked = request.topics.map(|topics| topics.into_iter().map(|topic| (topic.name.to_string(), topic.partition_indexes)).collect());
    let found = find(node, call, &request.group_id, asked).await;
    OffsetFetchResponse::default().with_topics(found.into_iter().map(|topic| older(call, topic)).collect())
}

/// Before version 2 there is no place for an error but the partitions.
fn fetch_refused(call: &Call, request: &OffsetFetchRequest, error: ResponseError) -> OffsetFetchResponse {
    if call.version >= 2 {
        return OffsetFetchResponse::default().with_error_code(error.code());
    }
    let each = |topic: &kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic| {
        let partitions = topic.partition_indexes.iter().map(|index| (*index, Err(error))).collect();
        older(call, (topic.name.to_string(), partitions))
    };
    OffsetFetchResponse::default().with_topics(request.topics.iter().flatten().map(each).collect())
}

type Found = (String, Vec<(i32, Result<Option<Committed>, ResponseError>)>);

async fn find(node: &Node, call: &Call, group: &str, asked: Option<Vec<(String, Vec<i32>)>>) -> Vec<Found> {
    let mut offsets = node.offsets.read(group).await.unwrap_or_default();
    offsets.retain(|(name, _), committed| node.catalog.by_name(name).is_some_and(|topic| topic.id == committed.topic_id));
    let may_know = |name: &str| call.topic(Operation::Describe, name);
    let asked = asked.unwrap_or_else(|| all(&offsets).into_iter().filter(|(name, _)| may_know(name).is_ok()).collect());
    let one = |(name, indexes): (String, Vec<i32>)| {
        let partitions = indexes.into_iter().map(|index| {
            let place: TopicPartition = (name.clone(), index);
            (index, may_know(&name).map(|()| offsets.get(&place).cloned()))
        });
        let partitions = partitions.collect();
        (name, partitions)
    };
    asked.into_iter().map(one).collect()
}

fn all(offsets: &Offsets) -> Vec<(String, Vec<i32>)> {
    let mut topics: Vec<(String, Vec<i32>)> = Vec::new();
    for (name, index) in offsets.keys() {
        match topics.last_mut() {
            Some((last, indexes)) if last == name => indexes.push(*index),
            _ => topics.push((name.clone(), vec![*index])),
        }
    }
    topics
}

fn newer((name, partitions): Found) -> OffsetFetchResponseTopics {
    let partition = |(index, committed): (i32, Result<Option<Committed>, ResponseError>)| {
        let error = status(committed.as_ref().map(|_| ()).map_err(|error| *error));
        let (offset, epoch, metadata) = spread(committed.ok().flatten());
        OffsetFetchResponsePartitions::default()
            .with_partition_index(index)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(epoch)
            .with_metadata(Some(text(&metadata)))
            .with_error_code(error)
    };
    OffsetFetchResponseTopics::default().with_name(topic_name(&name)).with_partitions(partitions.into_iter().map(partition).collect())
}

fn older(call: &Call, (name, partitions): Found) -> OffsetFetchResponseTopic {
    let partition = |(index, committed): (i32, Result<Option<Committed>, ResponseError>)| {
        let error = status(committed.as_ref().map(|_| ()).map_err(|error| *error));
        let (offset, epoch, metadata) = spread(committed.ok().flatten());
        OffsetFetchResponsePartition::default()
            .with_partition_index(index)
            .with_committed_offset(offset)
            .with_committed_leader_epoch(if call.version >= 5 { epoch } else { -1 })
            .with_metadata(Some(text(&metadata)))
            .with_error_code(error)
    };
    OffsetFetchResponseTopic::default().with_name(topic_name(&name)).with_partitions(partitions.into_iter().map(partition).collect())
}

fn spread(committed: Option<Committed>) -> (i64, i32, String) {
    committed.map_or((-1, -1, String::new()), |committed| (committed.offset, committed.epoch, committed.metadata))
}

/// Forgets offsets of a group that does not read the topics at present.
pub async fn delete(node: &Node, call: &Call, request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    let group = request.group_id.to_string();
    if let Err(error) = call.group(Operation::Delete, &group) {
        return OffsetDeleteResponse::default().with_error_code(error.code());
    }
    let known = node.offsets.read(&group).await;
    let busy = node.groups.look(&group, |group| !group.members.is_empty());
    if known.is_none() && busy.is_none() {
        return OffsetDeleteResponse::default().with_error_code(ResponseError::GroupIdNotFound.code());
    }
    if busy == Some(true) {
        return OffsetDeleteResponse::default().with_error_code(ResponseError::NonEmptyGroup.code());
    }
    let places = request
        .topics
        .iter()
        .filter(|topic| call.topic(Operation::Read, &topic.name).is_ok())
        .flat_map(|topic| topic.partitions.iter().map(|partition| (topic.name.to_string(), partition.partition_index)));
    let made = node.offsets.write(Change::Forget(group, places.collect())).await;
    let code = status(if made { Ok(()) } else { Err(ResponseError::KafkaStorageError) });
    let topics = request.topics.into_iter().map(|topic| {
        let code = call.topic(Operation::Read, &topic.name).map_or_else(|error| error.code(), |()| code);
        let partition = |asked: &kafka_protocol::messages::offset_delete_request::OffsetDeleteRequestPartition| {
            OffsetDeleteResponsePartition::default().with_partition_index(asked.partition_index).with_error_code(code)
        };
        let partitions = topic.partitions.iter().map(partition).collect();
        OffsetDeleteResponseTopic::default().with_name(topic.name).with_partitions(partitions)
    });
    OffsetDeleteResponse::default().with_topics(topics.collect())
}
