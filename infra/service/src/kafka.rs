//! The log: how a client of it is made and what can go wrong; [`producer`] writes, [`consumer`]
//! reads as a member of a group, [`mirror`] keeps a compacted topic in memory, [`admin`] makes and inspects topics.

pub mod admin;
pub mod consumer;
pub mod mirror;
pub mod producer;

pub use admin::{Admin, Creation, TopicSpec};
pub use mirror::Mirror;
pub use producer::{Deliveries, Delivery, Outgoing, Position, Producer, ProducerOptions};

use crate::config::Secret;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The largest record that a topic takes and a client sends, in bytes.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// librdkafka's properties by name.
pub type Properties = BTreeMap<String, Secret<String>>;

/// `[kafka]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `host:port`, several separated by commas. Absent in standalone: the embedded broker.
    pub brokers: String,
    /// Put before the name of every topic and group, so that several pipelines can share one Kafka. Empty = none.
    pub topic_prefix: String,
    /// Consumer group of the processors: those of one group share the partitions, and `query` reads from it how far they are.
    pub group: String,
    /// Any librdkafka property (SASL, TLS); `_` in a name stands for `.`, so that the environment
    /// can name it. These win over what a client sets itself.
    pub properties: Properties,
    /// Properties of single roles, over those of all: an account of its own for each.
    pub roles: Roles,
}

/// `[kafka.roles]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Roles {
    /// Properties of ingest.
    pub ingest: Properties,
    /// Properties of the processor.
    pub processor: Properties,
    /// Properties of query.
    pub query: Properties,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            brokers: String::new(),
            topic_prefix: String::new(),
            group: "aftershock-processor".to_owned(),
            properties: Properties::default(),
            roles: Roles::default(),
        }
    }
}

impl Config {
    /// The same log with further properties, which win.
    #[must_use]
    pub fn with(&self, own: &Properties) -> Config {
        let dotted = |properties: &Properties| -> Properties {
            properties.iter().map(|(name, value)| (name.replace('_', "."), value.clone())).collect()
        };
        let mut properties = dotted(&self.properties);
        properties.extend(dotted(own));
        Config { properties, roles: Roles::default(), ..self.clone() }
    }

    /// A topic's or group's name as the log knows it.
    pub(crate) fn named<'a>(&self, name: &'a str) -> Cow<'a, str> {
        if self.topic_prefix.is_empty() { Cow::Borrowed(name) } else { Cow::Owned(format!("{}{name}", self.topic_prefix)) }
    }

    /// The reverse of [`Config::named`].
    pub(crate) fn bare<'a>(&self, name: &'a str) -> &'a str {
        name.strip_prefix(self.topic_prefix.as_str()).unwrap_or(name)
    }

    /// Properties of any client: `own` over the common ones, the configured ones over both.
    pub(crate) fn client(&self, client_id: &str, own: &[(&str, String)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", client_id)
            // A small request must not wait for the acknowledgement of the one before.
            .set("socket.nagle.disable", "true")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "2000");
        for (name, value) in own {
            config.set(*name, value);
        }
        for (name, value) in &self.properties {
            config.set(name.replace('_', "."), value.expose());
        }
        config
    }
}

/// Why the log did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The producer's queue holds all it may; come back later.
    #[error("the queue to the log is full")]
    QueueFull,
    /// Not done in time; a message may still be in the log.
    #[error("{operation}: no answer from the log in time")]
    TimedOut { operation: &'static str },
    /// A message is larger than the log takes.
    #[error("the message is larger than the log takes")]
    TooLarge,
    /// The topic or partition does not exist.
    #[error("{operation}: no such topic or partition")]
    UnknownTopic { operation: &'static str },
    /// The offset asked for is not in the log (any more).
    #[error("{operation}: offset out of range")]
    OutOfRange { operation: &'static str },
    /// Another member owns the partition by now: a commit of an old generation.
    #[error("{operation}: the group has moved on")]
    Stale { operation: &'static str },
    /// The client was closed, or replaced after a fault, before the answer came.
    #[error("{operation}: the client was closed")]
    Closed { operation: &'static str },
    /// A property is unknown or has a value that it cannot take.
    #[error("kafka configuration: {reason}")]
    Configuration { reason: String },
    /// What the broker or the client library said otherwise.
    #[error("{operation}: {code}: {reason}")]
    Log { operation: &'static str, code: Code, reason: String },
}

impl Error {
    /// Sorts what the client library said.
    pub(crate) fn of(operation: &'static str, error: &KafkaError) -> Error {
        match error {
            KafkaError::ClientConfig(_, reason, key, _) => Error::Configuration { reason: format!("{key}: {reason}") },
            KafkaError::ClientCreation(reason) => Error::Configuration { reason: reason.clone() },
            KafkaError::Canceled => Error::Closed { operation },
            _ => match error.rdkafka_error_code() {
                Some(code) => Error::of_code(operation, code),
                None => Error::Log { operation, code: Code::Unknown, reason: error.to_string() },
            },
        }
    }

    /// Sorts a bare code.
    pub(crate) fn of_code(operation: &'static str, code: Code) -> Error {
        match code {
            Code::QueueFull => Error::QueueFull,
            Code::MessageTimedOut | Code::OperationTimedOut | Code::RequestTimedOut | Code::TimedOutQueue => Error::TimedOut { operation },
            Code::MessageSizeTooLarge | Code::InvalidMessageSize => Error::TooLarge,
            Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => Error::UnknownTopic { operation },
            Code::OffsetOutOfRange => Error::OutOfRange { operation },
            Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::RebalanceInProgress
            | Code::FencedInstanceId
            | Code::StaleMemberEpoch
            | Code::AssignmentLost => Error::Stale { operation },
            Code::PurgeQueue | Code::PurgeInflight | Code::BrokerDestroy => Error::Closed { operation },
            code => Error::Log { operation, code, reason: code.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_properties_win_and_stay_secret() {
        let mut config = Config { brokers: "a:1,b:2".to_owned(), ..Config::default() };
        config.properties.insert("sasl_password".to_owned(), "开门".into());
        config.properties.insert("linger.ms".to_owned(), "7".into());
        let client = config.client("edge", &[("linger.ms", "2".to_owned()), ("acks", "all".to_owned())]);
        assert_eq!(client.get("bootstrap.servers"), Some("a:1,b:2"));
        assert_eq!(client.get("linger.ms"), Some("7"));
        assert_eq!(client.get("acks"), Some("all"));
        assert_eq!(client.get("sasl.password"), Some("开门"));
        assert_eq!(client.get("socket.nagle.disable"), Some("true"));
        assert!(!format!("{config:?}").contains("开门"));
    }

    #[test]
    fn a_role_has_properties_of_its_own_over_the_common_ones() {
        let all = Properties::from([("sasl_username".to_owned(), "all".into()), ("linger.ms".to_owned(), "7".into())]);
        let config = Config { properties: all, ..Config::default() };
        let own = config.with(&Properties::from([("sasl.username".to_owned(), "edge".into())])).client("edge", &[]);
        assert_eq!((own.get("sasl.username"), own.get("linger.ms")), (Some("edge"), Some("7")));
    }
}
