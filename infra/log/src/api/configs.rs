//! Configuration of topics, read and changed; that of the broker can be read.

use super::{NONE, blocking, refused, text};
use crate::access::Operation;
use crate::call::Call;
use crate::node::{NODE_ID, Node};
use crate::topic::{self, KEYS, Overrides};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym};
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, alter_configs_response, incremental_alter_configs_response,
};
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const SET_FOR_TOPIC: i8 = 1;
const SET_FOR_BROKER: i8 = 4;
const DEFAULT: i8 = 5;
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// All keys in force for a topic: name, value and where the value comes from.
pub fn listed(overrides: &Overrides) -> Vec<Setting> {
    let setting = |name: &str, value: &str, source| Setting { name: name.to_owned(), value: value.to_owned(), source };
    let mut all: Vec<Setting> =
        KEYS.iter().filter(|(key, _)| !overrides.contains_key(*key)).map(|(key, default)| setting(key, default, DEFAULT)).collect();
    all.extend(overrides.iter().map(|(key, value)| setting(key, value, SET_FOR_TOPIC)));
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// Describes topics and the broker.
pub fn describe(node: &Node, call: &Call, request: &DescribeConfigsRequest) -> DescribeConfigsResponse {
    let one = |resource: &DescribeConfigsResource| {
        let result =
            DescribeConfigsResult::default().with_resource_type(resource.resource_type).with_resource_name(resource.resource_name.clone());
        let allowed = match resource.resource_type {
            TOPIC => call.topic(Operation::DescribeConfigs, &resource.resource_name),
            _ => call.cluster(Operation::DescribeConfigs),
        };
        if let Err(error) = allowed {
            return result.with_error_code(error.code());
        }
        let configs = match resource.resource_type {
            TOPIC => node.catalog.by_name(&resource.resource_name).map(|topic| listed(&topic.overrides())),
            BROKER if [NODE_ID.to_string().as_str(), ""].contains(&resource.resource_name.as_str()) => Some(of_broker(node)),
            _ => None,
        };
        let Some(configs) = configs else {
            let error =
                if resource.resource_type == TOPIC { ResponseError::UnknownTopicOrPartition } else { ResponseError::InvalidRequest };
            return result.with_error_code(error.code()).with_error_message(Some(StrBytes::from_static_str("no such resource")));
        };
        let asked = |name: &str| {
            let keys = resource.configuration_keys.as_ref();
            keys.is_none_or(|keys| keys.iter().any(|key| key.as_str() == name))
        };
        let configs = configs.into_iter().filter(|setting| asked(&setting.name));
        let configs = configs.map(|config| entry(call, request, resource.resource_type, config)).collect();
        result.with_error_code(NONE).with_configs(configs)
    };
    DescribeConfigsResponse::default().with_results(request.resources.iter().map(one).collect())
}

/// One value of a configuration, and where it comes from.
pub struct Setting {
    pub name: String,
    pub value: String,
    pub source: i8,
}

fn entry(
    call: &Call,
    request: &DescribeConfigsRequest,
    kind: i8,
    Setting { name, value, source }: Setting,
) -> DescribeConfigsResourceResult {
    const STRING: i8 = 2;
    const LONG: i8 = 5;
    let config_type = if value.parse::<i64>().is_ok() { LONG } else { STRING };
    let mut result = DescribeConfigsResourceResult::default()
        .with_name(text(&name))
        .with_value(Some(text(&value)))
        .with_read_only(kind == BROKER)
        .with_config_source(source);
    if request.include_synonyms {
        let synonym = DescribeConfigsSynonym::default().with_name(text(&name)).with_value(Some(text(&value))).with_source(source);
        result = result.with_synonyms(vec![synonym]);
    }
    if call.version >= 3 { result.with_config_type(config_type) } else { result }
}

fn of_broker(node: &Node) -> Vec<Setting> {
    let config = &node.config;
    let values = [
        ("auto.create.topics.enable", config.auto_create.to_string()),
        ("group.initial.rebalance.delay.ms", config.initial_rebalance_delay.as_millis().to_string()),
        ("group.max.session.timeout.ms", config.max_session.as_millis().to_string()),
        ("group.min.session.timeout.ms", config.min_session.as_millis().to_string()),
        ("num.partitions", config.default_partitions.to_string()),
        ("offset.metadata.max.bytes", config.max_commit_metadata.to_string()),
        ("socket.request.max.bytes", config.max_request_bytes.to_string()),
    ];
    values.into_iter().map(|(key, value)| Setting { name: key.to_owned(), value, source: SET_FOR_BROKER }).collect()
}

/// What a change is meant for.
struct Target {
    kind: i8,
    name: StrBytes,
}

type Outcome = (i16, Option<StrBytes>);

async fn change(
    node: &Arc<Node>,
    call: &Call,
    target: Target,
    dry: bool,
    change: impl FnOnce(&mut Overrides) -> Result<(), String> + Send + 'static,
) -> Outcome {
    let Target { kind, name } = target;
    let allowed = if kind == TOPIC { call.topic(Operation::AlterConfigs, &name) } else { call.cluster(Operation::AlterConfigs) };
    if let Err(error) = allowed {
        return (error.code(), None);
    }
    if kind != TOPIC {
        return (ResponseError::InvalidRequest.code(), Some(StrBytes::from_static_str("only topics can be configured")));
    }
    let changer = node.clone();
    match blocking(move || changer.catalog.configure(&name, dry, change)).await {
        Ok(Ok(())) => (NONE, None),
        Ok(Err(refusal)) => refused(&refusal),
        Err(error) => (error.code(), None),
    }
}

/// Replaces the configuration of topics as a whole.
pub async fn alter(node: &Arc<Node>, call: &Call, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in request.resources {
        let target = Target { kind: resource.resource_type, name: resource.resource_name.clone() };
        let configs = resource.configs;
        let replace = move |overrides: &mut Overrides| {
            *overrides = configs.into_iter().filter_map(|config| Some((config.name.to_string(), config.value?.to_string()))).collect();
            Ok(())
        };
        let (code, message) = change(node, call, target, request.validate_only, replace).await;
        let response = alter_configs_response::AlterConfigsResourceResponse::default()
            .with_error_code(code)
            .with_error_message(message)
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name);
        responses.push(response);
    }
    AlterConfigsResponse::default().with_responses(responses)
}

/// Changes single keys of topics.
pub async fn alter_some(node: &Arc<Node>, call: &Call, request: IncrementalAlterConfigsRequest) -> IncrementalAlterConfigsResponse {
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in request.resources {
        let target = Target { kind: resource.resource_type, name: resource.resource_name.clone() };
        let configs = resource.configs;
        let edit = move |overrides: &mut Overrides| {
            configs.into_iter().try_for_each(|config| {
                let value = config.value.map(|value| value.to_string()).unwrap_or_default();
                apply(overrides, &config.name, config.config_operation, value)
            })
        };
        let (code, message) = change(node, call, target, request.validate_only, edit).await;
        let response = incremental_alter_configs_response::AlterConfigsResourceResponse::default()
            .with_error_code(code)
            .with_error_message(message)
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name);
        responses.push(response);
    }
    IncrementalAlterConfigsResponse::default().with_responses(responses)
}

fn apply(overrides: &mut Overrides, key: &str, operation: i8, value: String) -> Result<(), String> {
    let is_list = key == "cleanup.policy";
    let mut entries: Vec<&str> = topic::value(overrides, key).split(',').filter(|entry| !entry.is_empty()).collect();
    match operation {
        SET => drop(overrides.insert(key.to_owned(), value)),
        DELETE => drop(overrides.remove(key)),
        APPEND | SUBTRACT if is_list => {
            entries.retain(|entry| !value.split(',').any(|other| other == *entry));
            if operation == APPEND {
                entries.extend(value.split(','));
            }
            let joined = entries.join(",");
            overrides.insert(key.to_owned(), joined);
        }
        _ => return Err(format!("Config value append is not allowed for config key: {key}")),
    }
    Ok(())
}
