//! What handlers of requests and connections have in common: a request's call, its answer, and why it has no answer.

use crate::access::{Operation, Principal, Resource};
use crate::storage::reading::Stored;
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{ApiKey, ResponseHeader};
use kafka_protocol::protocol::{Encodable, HeaderVersion};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

/// What is known of a request beside its message.
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
    /// Both ends of its connection.
    pub addresses: Addresses,
    /// The account of the connection; `None` before authentication.
    pub principal: Option<Arc<Principal>>,
}

impl Call {
    /// Whether the account may do that.
    pub fn may(&self, operation: Operation, resource: Resource, name: &str) -> bool {
        self.principal.as_ref().is_some_and(|principal| principal.may(operation, resource, name))
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

/// An answer that comes later; `None` closes the connection.
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
    /// A request that is allowed only after authentication.
    #[error("{key:?} before authentication")]
    Unauthenticated {
        /// What was asked for.
        key: ApiKey,
    },
    /// Its answer has no form in that version.
    #[error("the answer has no form in that version")]
    Answer,
}

/// Both ends of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The client's.
    pub peer: SocketAddr,
    /// The one that the client connected to.
    pub local: SocketAddr,
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
