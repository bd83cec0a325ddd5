//! Who the broker is and what it serves.

use super::{NONE, NOT_ASKED, address, text};
use crate::access::Operation;
use crate::call::Call;
use crate::node::{NODE_ID, Node};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::find_coordinator_response::Coordinator;
use kafka_protocol::messages::{
    ApiKey, ApiVersionsResponse, BrokerId, DescribeClusterRequest, DescribeClusterResponse, FindCoordinatorRequest, FindCoordinatorResponse,
};
use kafka_protocol::protocol::StrBytes;

const CONSUMER_GROUP: i8 = 0;

/// The served requests with their versions. `unsupported`: the client asked in a version that is not known.
pub fn versions(apis: &[(ApiKey, i16, i16)], unsupported: bool) -> ApiVersionsResponse {
    let entry = |(key, least, most): &(ApiKey, i16, i16)| {
        // Kafka 4 says version 0 here though it serves from 3 on: older librdkafka compresses only where it sees it.
        let least = if *key == ApiKey::Produce { 0 } else { *least };
        ApiVersion::default().with_api_key(*key as i16).with_min_version(least).with_max_version(*most)
    };
    let error = if unsupported { ResponseError::UnsupportedVersion.code() } else { NONE };
    ApiVersionsResponse::default().with_error_code(error).with_api_keys(apis.iter().map(entry).collect())
}

/// The one node.
pub fn describe(node: &Node, call: &Call, request: &DescribeClusterRequest) -> DescribeClusterResponse {
    let (host, port) = address(node, call);
    let broker = DescribeClusterBroker::default().with_broker_id(BrokerId(NODE_ID)).with_host(host).with_port(port);
    let response = DescribeClusterResponse::default()
        .with_cluster_id(text(&node.cluster_id))
        .with_controller_id(BrokerId(NODE_ID))
        .with_brokers(vec![broker])
        .with_cluster_authorized_operations(NOT_ASKED);
    if call.version >= 1 { response.with_endpoint_type(request.endpoint_type) } else { response }
}

/// The one node coordinates all consumer groups; there are no transactions.
pub fn find_coordinator(node: &Node, call: &Call, request: &FindCoordinatorRequest) -> FindCoordinatorResponse {
    let (host, port) = address(node, call);
    let refused = |key: &str| match request.key_type {
        CONSUMER_GROUP => call.group(Operation::Describe, key).err().map(|error| (error.code(), None)),
        // Of the errors that Kafka gives here this is the one that clients do not try again.
        _ => Some((
            ResponseError::TransactionalIdAuthorizationFailed.code(),
            Some(StrBytes::from_static_str("this broker has no transactions")),
        )),
    };
    if call.version >= 4 {
        let entry = |key: &StrBytes| {
            let (error, message) = refused(key).unwrap_or((NONE, None));
            Coordinator::default()
                .with_key(key.clone())
                .with_node_id(BrokerId(NODE_ID))
                .with_host(host.clone())
                .with_port(port)
                .with_error_code(error)
                .with_error_message(message)
        };
        return FindCoordinatorResponse::default().with_coordinators(request.coordinator_keys.iter().map(entry).collect());
    }
    let (error, message) = refused(&request.key).unwrap_or((NONE, None));
    let response =
        FindCoordinatorResponse::default().with_error_code(error).with_node_id(BrokerId(NODE_ID)).with_host(host).with_port(port);
    if call.version >= 1 { response.with_error_message(message) } else { response }
}
