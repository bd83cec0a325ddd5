//! Topics made and deleted.

use super::configs::{Setting, listed};
use super::{NONE, TopicRef, blocking, refused, text, uuid};
use crate::access::Operation;
use crate::call::Call;
use crate::catalog::CatalogError;
use crate::node::Node;
use crate::topic::Overrides;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest, DeleteTopicsResponse};
use kafka_protocol::protocol::StrBytes;
use std::collections::HashMap;
use std::sync::Arc;

/// Makes topics, one by one.
pub async fn create(node: &Arc<Node>, call: &Call, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let mut named: HashMap<String, usize> = HashMap::new();
    for topic in &request.topics {
        *named.entry(topic.name.to_string()).or_default() += 1;
    }
    let mut results = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let result = CreatableTopicResult::default().with_name(topic.name.clone());
        let made = if named.get(topic.name.as_str()).is_some_and(|count| *count > 1) {
            let cause = StrBytes::from_static_str("Duplicate topic name.");
            Err((ResponseError::InvalidRequest.code(), Some(cause)))
        } else {
            match call.topic(Operation::Create, &topic.name).or_else(|error| call.cluster(Operation::Create).map_err(|_| error)) {
                Ok(()) => make(node, topic, request.validate_only).await,
                Err(error) => Err((error.code(), None)),
            }
        };
        results.push(match made {
            Ok(made) => done(call, result, made),
            Err((code, message)) => result
                .with_error_code(code)
                .with_error_message(message)
                .with_num_partitions(-1)
                .with_replication_factor(-1)
                .with_configs((call.version >= 5).then(Vec::new)),
        });
    }
    CreateTopicsResponse::default().with_topics(results)
}

struct Made {
    id: u128,
    partitions: i32,
    overrides: Overrides,
}

type TopicRefusal = (i16, Option<StrBytes>);

async fn make(node: &Arc<Node>, topic: CreatableTopic, dry: bool) -> Result<Made, TopicRefusal> {
    let partitions = count(node, &topic)?;
    let value = |config: &kafka_protocol::messages::create_topics_request::CreatableTopicConfig| {
        config.value.as_ref().map(|value| (config.name.to_string(), value.to_string()))
    };
    let overrides: Overrides = topic.configs.iter().filter_map(value).collect();
    let name = topic.name.to_string();
    let maker = node.clone();
    let made = blocking(move || -> Result<Made, CatalogError> {
        if dry {
            maker.catalog.check(&name, partitions, &overrides)?;
            return Ok(Made { id: 0, partitions, overrides });
        }
        let made = maker.catalog.create(&name, partitions, overrides)?;
        Ok(Made { id: made.id, partitions, overrides: made.overrides() })
    });
    made.await.map_err(|error| (error.code(), None))?.map_err(|refusal| refused(&refusal))
}

/// Partitions wanted, by number or by a list of who has which; replication must be possible on one node.
fn count(node: &Node, topic: &CreatableTopic) -> Result<i32, TopicRefusal> {
    let words = |error: ResponseError, cause: &str| (error.code(), Some(text(cause)));
    if !topic.assignments.is_empty() {
        if topic.num_partitions != -1 || topic.replication_factor != -1 {
            let cause = "Both numPartitions and replicationFactor must be -1 with a manual assignment.";
            return Err(words(ResponseError::InvalidRequest, cause));
        }
        return Ok(i32::try_from(topic.assignments.len()).unwrap_or(i32::MAX));
    }
    if !matches!(topic.replication_factor, -1 | 1) {
        let cause = format!("Unable to replicate the partition {} time(s): there is 1 broker.", topic.replication_factor);
        return Err(words(ResponseError::InvalidReplicationFactor, &cause));
    }
    Ok(if topic.num_partitions == -1 { node.config.default_partitions } else { topic.num_partitions })
}

fn done(call: &Call, result: CreatableTopicResult, made: Made) -> CreatableTopicResult {
    let result = result.with_error_code(NONE);
    let result = if call.version >= 7 { result.with_topic_id(uuid(made.id)) } else { result };
    if call.version < 5 {
        return result;
    }
    let config = |Setting { name, value, source }: Setting| {
        CreatableTopicConfigs::default().with_name(text(&name)).with_value(Some(text(&value))).with_config_source(source)
    };
    result
        .with_num_partitions(made.partitions)
        .with_replication_factor(1)
        .with_configs(Some(listed(&made.overrides).into_iter().map(config).collect()))
}

/// Deletes topics by name, in newer versions also by id.
pub async fn delete(node: &Arc<Node>, call: &Call, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let asked = if call.version >= 6 {
        request.topics
    } else {
        request.topic_names.into_iter().map(|name| DeleteTopicState::default().with_name(Some(name))).collect()
    };
    let mut responses = Vec::with_capacity(asked.len());
    for topic in asked {
        let name = topic.name.as_ref().map(|name| name.to_string()).unwrap_or_default();
        let result = DeletableTopicResult::default().with_name(topic.name);
        let result = if call.version >= 6 { result.with_topic_id(topic.topic_id) } else { result };
        let (code, message) = match super::topic(node, call, Operation::Delete, TopicRef { name: &name, id: topic.topic_id.as_u128() }) {
            Err(error) => (error.code(), None),
            Ok(found) => {
                let deleter = node.clone();
                match blocking(move || deleter.catalog.delete(&found)).await {
                    Ok(Ok(())) => (NONE, None),
                    Ok(Err(refusal)) => refused(&refusal),
                    Err(error) => (error.code(), None),
                }
            }
        };
        let result = result.with_error_code(code);
        responses.push(if call.version >= 5 { result.with_error_message(message) } else { result });
    }
    DeleteTopicsResponse::default().with_responses(responses)
}
