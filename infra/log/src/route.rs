//! Which request goes where, and which versions are spoken. What is not in [`APIS`] is not served.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{ApiKey, RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request};

use crate::access::{Operation, Principal, Resource};
use crate::api::sasl::{self, Visitor};
use crate::api::{cluster, configs, fetch, groups, list_offsets, membership, metadata, offsets, partitions, produce, topics};
use crate::node::Node;
use crate::shape;
use crate::storage::reading::Stored;

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

/// A request's frame, and where it came from.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which request.
    pub key: ApiKey,
    /// In which version.
    pub version: i16,
    /// The client's number for it.
    pub correlation: i32,
    /// The client program's name.
    pub client: String,
    /// The client's address.
    pub peer: SocketAddr,
    /// The address the client came to.
    pub local: SocketAddr,
    /// Whose connection it is; nobody's before it is known.
    pub who: Option<Arc<Principal>>,
}

impl Call {
    /// Whether the account may do that.
    pub fn may(&self, operation: Operation, resource: Resource, name: &str) -> bool {
        self.who.as_ref().is_some_and(|who| who.may(operation, resource, name))
    }

    /// Refuses what the account may not do with a topic.
    pub fn topic(&self, operation: Operation, name: &str) -> Result<(), ResponseError> {
        self.may(operation, Resource::Topic, name).then_some(()).ok_or(ResponseError::TopicAuthorizationFailed)
    }

    /// Refuses what the account may not do with a consumer group.
    pub fn group(&self, operation: Operation, name: &str) -> Result<(), ResponseError> {
        self.may(operation, Resource::Group, name).then_some(()).ok_or(ResponseError::GroupAuthorizationFailed)
    }

    /// Refuses what the account may not do with the broker itself.
    pub fn cluster(&self, operation: Operation) -> Result<(), ResponseError> {
        self.may(operation, Resource::Cluster, "kafka-cluster").then_some(()).ok_or(ResponseError::ClusterAuthorizationFailed)
    }
}

/// A frame for the client.
#[derive(Debug)]
pub struct Answer(pub Vec<Piece>);

impl Answer {
    /// A frame that is at hand.
    pub fn of(frame: Bytes) -> Answer {
        Answer(vec![Piece::Bytes(frame)])
    }
}

/// A part of a frame.
#[derive(Debug)]
pub enum Piece {
    Bytes(Bytes),
    Stored(Stored),
}

impl Piece {
    /// How many bytes.
    pub fn len(&self) -> usize {
        match self {
            Piece::Bytes(bytes) => bytes.len(),
            Piece::Stored(stored) => stored.len(),
        }
    }
}

/// An answer that is waited for; `None` closes the connection.
pub type Waiting = Pin<Box<dyn Future<Output = Option<Answer>> + Send>>;

/// What becomes of a request.
pub enum Reply {
    /// It is answered.
    Now(Answer),
    /// It is decided, the answer comes later; requests behind it go on.
    Later(Waiting),
    /// The client wants no answer.
    Nothing,
}

/// The request cannot be read or answered; the connection is closed, as Kafka does.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// Not a request, or one that is not served in that version.
    #[error("request {key} version {version} is not served")]
    NotServed {
        /// Its number.
        key: i16,
        /// Its version.
        version: i16,
    },
    /// Its bytes do not have its shape.
    #[error("the request's bytes are malformed")]
    Shape,
    /// Something else than a greeting, before it is known whose connection it is.
    #[error("{key:?} before authentication")]
    Stranger {
        /// What was asked for.
        key: ApiKey,
    },
    /// Its answer has no form in that version.
    #[error("the answer has no form in that version")]
    Answer,
}

/// Both addresses of a connection: the client's and ours.
pub type Ends = (SocketAddr, SocketAddr);

/// Serves one request; `frame` is what follows the length.
pub async fn route(node: &Arc<Node>, frame: Bytes, visitor: &mut Visitor, (peer, local): Ends) -> Result<Reply, Malformed> {
    let mut head = frame.clone();
    let (key, version) = match (head.try_get_i16(), head.try_get_i16(), head.try_get_i32()) {
        (Ok(key), Ok(version), Ok(_)) => (key, version),
        _ => return Err(Malformed::Shape),
    };
    let correlation = frame.slice(4..8).get_i32();
    let known = APIS.iter().find(|(api, ..)| *api as i16 == key);
    let Some((key, least, most)) = known.copied() else { return Err(Malformed::NotServed { key, version }) };
    let who = match visitor {
        Visitor::Known(principal) => Some(principal.clone()),
        _ if [ApiKey::ApiVersions, ApiKey::SaslHandshake, ApiKey::SaslAuthenticate].contains(&key) => None,
        _ => return Err(Malformed::Stranger { key }),
    };
    let mut call = Call { key, version, correlation, client: String::new(), peer, local, who };
    if !(least..=most).contains(&version) {
        if key == ApiKey::ApiVersions {
            call.version = 0;
            return now(&call, &cluster::versions(true));
        }
        return Err(Malformed::NotServed { key: key as i16, version });
    }
    let mut body = frame;
    shape::check(key, version, &body).ok_or(Malformed::Shape)?;
    let header = RequestHeader::decode(&mut body, key.request_header_version(version)).map_err(|_| Malformed::Shape)?;
    call.client = header.client_id.map(|client| client.to_string()).unwrap_or_default();
    match key {
        ApiKey::SaslHandshake => now(&call, &sasl::handshake(visitor, &call, &decode(&call, body)?)),
        ApiKey::SaslAuthenticate => now(&call, &sasl::authenticate(&node.accounts, visitor, &decode(&call, body)?)),
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
        ApiKey::ApiVersions => now(&call, &cluster::versions(false)),
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

/// An answer that is ready.
pub fn now<M: Encodable + HeaderVersion>(call: &Call, message: &M) -> Result<Reply, Malformed> {
    encode(call, message).map(|frame| Reply::Now(Answer::of(frame)))
}

/// The frame of an answer: length, header, message.
pub fn encode<M: Encodable + HeaderVersion>(call: &Call, message: &M) -> Result<Bytes, Malformed> {
    let fail = |error| {
        tracing::error!(kafka.api = ?call.key, kafka.version = call.version, error = %error, "an answer could not be encoded");
        Malformed::Answer
    };
    let size = message.compute_size(call.version).map_err(fail)?;
    let mut out = BytesMut::with_capacity(size + 16);
    out.put_u32(0);
    let header = ResponseHeader::default().with_correlation_id(call.correlation);
    header.encode(&mut out, M::header_version(call.version)).map_err(fail)?;
    message.encode(&mut out, call.version).map_err(fail)?;
    let length = u32::try_from(out.len() - 4).map_err(|_| Malformed::Answer)?;
    out[..4].copy_from_slice(&length.to_be_bytes());
    Ok(out.freeze())
}
