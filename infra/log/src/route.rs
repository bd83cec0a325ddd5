//! Which request goes where, and which versions are spoken. What is not in [`APIS`] is not served.

use crate::api::sasl::{self, Authentication};
use crate::api::{cluster, configs, fetch, groups, list_offsets, membership, metadata, offsets, partitions, produce, topics};
use crate::call::{Addresses, Call, Malformed, Reply, now};
use crate::node::Node;
use crate::shape;
use bytes::{Buf, Bytes};
use kafka_protocol::messages::{ApiKey, RequestHeader};
use kafka_protocol::protocol::{Decodable, Request};
use std::sync::Arc;

/// The requests that are served, with their oldest and newest versions.
pub const APIS: &[(ApiKey, i16, i16)] = &[
    (ApiKey::Produce, 3, 13),
    (ApiKey::Fetch, 4, 17),
    (ApiKey::ListOffsets, 1, 8),
    (ApiKey::Metadata, 0, 13),
    (ApiKey::OffsetCommit, 2, 9),
    (ApiKey::OffsetFetch, 1, 9),
    (ApiKey::FindCoordinator, 0, 5),
    (ApiKey::JoinGroup, 0, 9),
    (ApiKey::Heartbeat, 0, 4),
    (ApiKey::LeaveGroup, 0, 5),
    (ApiKey::SyncGroup, 0, 5),
    (ApiKey::DescribeGroups, 0, 6),
    (ApiKey::ListGroups, 0, 5),
    (ApiKey::SaslHandshake, 0, 1),
    (ApiKey::ApiVersions, 0, 4),
    (ApiKey::CreateTopics, 2, 7),
    (ApiKey::DeleteTopics, 1, 6),
    (ApiKey::DeleteRecords, 0, 2),
    (ApiKey::InitProducerId, 0, 5),
    (ApiKey::OffsetForLeaderEpoch, 2, 4),
    (ApiKey::DescribeConfigs, 1, 4),
    (ApiKey::AlterConfigs, 0, 2),
    (ApiKey::SaslAuthenticate, 0, 2),
    (ApiKey::CreatePartitions, 0, 3),
    (ApiKey::DeleteGroups, 0, 2),
    (ApiKey::IncrementalAlterConfigs, 0, 1),
    (ApiKey::OffsetDelete, 0, 0),
    (ApiKey::DescribeCluster, 0, 2),
];

/// Serves one request; `frame` is what follows the length.
pub async fn route(node: &Arc<Node>, frame: Bytes, authentication: &mut Authentication, addresses: Addresses) -> Result<Reply, Malformed> {
    let mut head = frame.clone();
    let (key, version) = match (head.try_get_i16(), head.try_get_i16(), head.try_get_i32()) {
        (Ok(key), Ok(version), Ok(_)) => (key, version),
        _ => return Err(Malformed::Shape),
    };
    let correlation = frame.slice(4..8).get_i32();
    let known = APIS.iter().find(|(api, ..)| *api as i16 == key);
    let Some((key, least, most)) = known.copied() else { return Err(Malformed::NotServed { key, version }) };
    let principal = match authentication {
        Authentication::Done(principal) => Some(principal.clone()),
        _ if [ApiKey::ApiVersions, ApiKey::SaslHandshake, ApiKey::SaslAuthenticate].contains(&key) => None,
        _ => return Err(Malformed::Unauthenticated { key }),
    };
    let mut call = Call { key, version, correlation, client: String::new(), addresses, principal };
    if !(least..=most).contains(&version) {
        if key == ApiKey::ApiVersions {
            call.version = 0;
            return now(&call, &cluster::versions(APIS, true));
        }
        return Err(Malformed::NotServed { key: key as i16, version });
    }
    let mut body = frame;
    shape::check(key, version, &body).ok_or(Malformed::Shape)?;
    let header = RequestHeader::decode(&mut body, key.request_header_version(version)).map_err(|_| Malformed::Shape)?;
    call.client = header.client_id.map(|client| client.to_string()).unwrap_or_default();
    match key {
        ApiKey::SaslHandshake => now(&call, &sasl::handshake(authentication, &call, &decode(&call, body)?)),
        ApiKey::SaslAuthenticate => now(&call, &sasl::authenticate(&node.accounts, authentication, &decode(&call, body)?)),
        _ => dispatch(node, call, body).await,
    }
}

async fn dispatch(node: &Arc<Node>, call: Call, body: Bytes) -> Result<Reply, Malformed> {
    match call.key {
        ApiKey::Produce => produce::handle(node, &call, decode(&call, body)?).await,
        ApiKey::Fetch => Ok(Reply::Later(Box::pin(fetch::handle(node.clone(), call.clone(), decode(&call, body)?)))),
        ApiKey::ListOffsets => now(&call, &list_offsets::handle(node, &call, decode(&call, body)?).await),
        ApiKey::OffsetForLeaderEpoch => now(&call, &list_offsets::epochs(node, &call, &decode(&call, body)?)),
        ApiKey::Metadata => now(&call, &metadata::handle(node, &call, decode(&call, body)?).await),
        ApiKey::ApiVersions => now(&call, &cluster::versions(APIS, false)),
        ApiKey::DescribeCluster => now(&call, &cluster::describe(node, &call, &decode(&call, body)?)),
        ApiKey::FindCoordinator => now(&call, &cluster::find_coordinator(node, &call, &decode(&call, body)?)),
        ApiKey::InitProducerId => now(&call, &produce::init(node, &call, &decode(&call, body)?).await),
        ApiKey::CreateTopics => now(&call, &topics::create(node, &call, decode(&call, body)?).await),
        ApiKey::DeleteTopics => now(&call, &topics::delete(node, &call, decode(&call, body)?).await),
        ApiKey::CreatePartitions => now(&call, &partitions::grow(node, &call, decode(&call, body)?).await),
        ApiKey::DeleteRecords => now(&call, &partitions::delete_records(node, &call, decode(&call, body)?).await),
        ApiKey::DescribeConfigs => now(&call, &configs::describe(node, &call, &decode(&call, body)?)),
        ApiKey::AlterConfigs => now(&call, &configs::alter(node, &call, decode(&call, body)?).await),
        ApiKey::IncrementalAlterConfigs => now(&call, &configs::alter_some(node, &call, decode(&call, body)?).await),
        ApiKey::JoinGroup => membership::join(node, &call, decode(&call, body)?),
        ApiKey::SyncGroup => membership::sync(node, &call, decode(&call, body)?),
        ApiKey::Heartbeat => now(&call, &membership::heartbeat(node, &call, &decode(&call, body)?)),
        ApiKey::LeaveGroup => now(&call, &membership::leave(node, &call, &decode(&call, body)?)),
        ApiKey::OffsetCommit => offsets::commit(node, &call, decode(&call, body)?).await,
        ApiKey::OffsetFetch => now(&call, &offsets::fetch(node, &call, decode(&call, body)?).await),
        ApiKey::OffsetDelete => now(&call, &offsets::delete(node, &call, decode(&call, body)?).await),
        ApiKey::DescribeGroups => now(&call, &groups::describe(node, &call, decode(&call, body)?).await),
        ApiKey::ListGroups => now(&call, &groups::list(node, &call, decode(&call, body)?).await),
        ApiKey::DeleteGroups => now(&call, &groups::delete(node, &call, decode(&call, body)?).await),
        other => Err(Malformed::NotServed { key: other as i16, version: call.version }),
    }
}

fn decode<R: Request>(call: &Call, mut body: Bytes) -> Result<R, Malformed> {
    R::decode(&mut body, call.version).map_err(|_| Malformed::Shape)
}
