//! Topics and where they are: here.

use super::{NONE, NOT_ASKED, TopicRef, address, blocking, text, topic_name, uuid};
use crate::access::Operation;
use crate::call::Call;
use crate::catalog::CatalogError;
use crate::node::{NODE_ID, Node};
use crate::topic::{self, Overrides, Topic};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse};
use std::sync::Arc;

/// The topics asked for, or all.
pub async fn handle(node: &Arc<Node>, call: &Call, request: MetadataRequest) -> MetadataResponse {
    let (host, port) = address(node, call);
    let broker = MetadataResponseBroker::default().with_node_id(BrokerId(NODE_ID)).with_host(host).with_port(port);
    let asked = request.topics.filter(|topics| call.version > 0 || !topics.is_empty());
    let topics = match asked {
        None => {
            let all = node.catalog.all();
            let shown = all.iter().filter(|topic| call.topic(Operation::Describe, &topic.name).is_ok());
            shown.map(|topic| describe(call, topic)).collect()
        }
        Some(asked) => {
            let may_make = node.config.auto_create && (call.version < 4 || request.allow_auto_topic_creation);
            let mut topics = Vec::with_capacity(asked.len());
            for topic in asked {
                topics.push(one(node, call, topic, may_make).await);
            }
            topics
        }
    };
    MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_cluster_id(Some(text(&node.cluster_id)))
        .with_controller_id(BrokerId(NODE_ID))
        .with_topics(topics)
        .with_cluster_authorized_operations(NOT_ASKED)
}

async fn one(node: &Arc<Node>, call: &Call, asked: MetadataRequestTopic, may_make: bool) -> MetadataResponseTopic {
    let id = asked.topic_id.as_u128();
    let name = asked.name.as_ref().map(|name| name.to_string()).unwrap_or_default();
    let found = match super::topic(node, call, Operation::Describe, TopicRef { name: &name, id }) {
        Err(ResponseError::UnknownTopicOrPartition) if !topic::is_valid_name(&name) => Err(ResponseError::InvalidTopicException),
        Err(ResponseError::UnknownTopicOrPartition) if may_make => match call.topic(Operation::Create, &name) {
            Ok(()) => make(node, name).await,
            Err(error) => Err(error),
        },
        // An id says nothing to who may not know the topic.
        Err(ResponseError::TopicAuthorizationFailed) if id != 0 => Err(ResponseError::UnknownTopicId),
        found => found,
    };
    match found {
        Ok(topic) => describe(call, &topic),
        Err(error) => MetadataResponseTopic::default()
            .with_error_code(error.code())
            .with_name(asked.name)
            .with_topic_id(asked.topic_id)
            .with_topic_authorized_operations(NOT_ASKED),
    }
}

async fn make(node: &Arc<Node>, name: String) -> Result<Arc<Topic>, ResponseError> {
    let maker = node.clone();
    let made = blocking(move || {
        let made = maker.catalog.create(&name, maker.config.default_partitions, Overrides::new());
        match made {
            Err(CatalogError::Exists(name)) => maker.catalog.by_name(&name).ok_or(CatalogError::Unknown),
            made => made,
        }
    });
    made.await?.map_err(|_| ResponseError::UnknownTopicOrPartition)
}

fn describe(call: &Call, topic: &Topic) -> MetadataResponseTopic {
    let here = || vec![BrokerId(NODE_ID)];
    let partition = |index: i32| {
        MetadataResponsePartition::default()
            .with_error_code(NONE)
            .with_partition_index(index)
            .with_leader_id(BrokerId(NODE_ID))
            .with_leader_epoch(if call.version >= 7 { 0 } else { -1 })
            .with_replica_nodes(here())
            .with_isr_nodes(here())
    };
    MetadataResponseTopic::default()
        .with_name(Some(topic_name(&topic.name)))
        .with_topic_id(uuid(topic.id))
        .with_partitions((0..topic.count()).map(partition).collect())
        .with_topic_authorized_operations(NOT_ASKED)
}
