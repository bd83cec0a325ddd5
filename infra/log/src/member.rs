//! A member of a consumer group and the messages that a group answers with.

use bytes::Bytes;
use kafka_protocol::ResponseError;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// A way to share partitions that a member knows, with its subscription.
pub type Protocol = (String, Bytes);

/// What a client says when it joins.
#[derive(Debug, Clone)]
pub struct Join {
    /// Its id; empty at first.
    pub member: String,
    /// Its lasting name, for static membership.
    pub instance: Option<String>,
    /// Name of the client program.
    pub client: String,
    /// Address it comes from.
    pub host: String,
    /// How long it may be silent.
    pub session: Duration,
    /// How long it may take to join again.
    pub rebalance: Duration,
    /// "consumer" for consumers.
    pub protocol_type: String,
    /// In its order of preference.
    pub protocols: Vec<Protocol>,
    /// Whether the client knows that it must come back with the id it is given.
    pub must_return: bool,
}

/// The answer to a join.
#[derive(Debug, Clone, Default)]
pub struct Joined {
    /// What went wrong.
    pub error: Option<ResponseError>,
    /// The new generation.
    pub generation: i32,
    /// The group's kind and the protocol chosen.
    pub protocol: Option<(String, String)>,
    /// Id of the member that shares out the partitions.
    pub leader: String,
    /// The id of the one who joined.
    pub member: String,
    /// For the leader: id, lasting name and subscription of everyone.
    pub members: Vec<(String, Option<String>, Bytes)>,
}

impl Joined {
    /// A refusal.
    pub fn refused(error: ResponseError, member: &str) -> Joined {
        Joined { error: Some(error), generation: -1, member: member.to_owned(), ..Joined::default() }
    }
}

/// The answer to a sync: the protocol and the member's share.
pub type Synced = Result<(String, String, Bytes), ResponseError>;

/// A member as the group knows it.
#[derive(Debug)]
pub struct Member {
    /// Its lasting name.
    pub instance: Option<String>,
    /// Name of the client program.
    pub client: String,
    /// Address it comes from.
    pub host: String,
    /// How long it may be silent.
    pub session: Duration,
    /// How long it may take to join again.
    pub rebalance: Duration,
    /// In its order of preference.
    pub protocols: Vec<Protocol>,
    /// Its share, as the leader said.
    pub assignment: Bytes,
    /// When it was last heard.
    pub heard: Instant,
    /// Waits for the others to join.
    pub joining: Option<oneshot::Sender<Joined>>,
    /// Waits for the leader's shares.
    pub syncing: Option<oneshot::Sender<Synced>>,
}

impl Member {
    /// A member who just came.
    pub fn new(join: &Join, now: Instant) -> Member {
        Member {
            instance: join.instance.clone(),
            client: join.client.clone(),
            host: join.host.clone(),
            session: join.session,
            rebalance: join.rebalance,
            protocols: join.protocols.clone(),
            assignment: Bytes::new(),
            heard: now,
            joining: None,
            syncing: None,
        }
    }

    /// Takes over what it says when it joins again.
    pub fn renew(&mut self, join: &Join, now: Instant) {
        self.client.clone_from(&join.client);
        self.host.clone_from(&join.host);
        self.session = join.session;
        self.rebalance = join.rebalance;
        self.protocols.clone_from(&join.protocols);
        self.heard = now;
    }

    /// Whether it has joined and its connection still waits.
    pub fn is_joining(&self) -> bool {
        self.joining.as_ref().is_some_and(|waiting| !waiting.is_closed())
    }

    fn is_syncing(&self) -> bool {
        self.syncing.as_ref().is_some_and(|waiting| !waiting.is_closed())
    }

    /// When its silence is over-long; one who waits for us is not silent.
    pub fn expires(&self) -> Option<Instant> {
        (!self.is_joining() && !self.is_syncing()).then(|| self.heard + self.session)
    }

    /// Its subscription for a protocol.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        let known = self.protocols.iter().find(|(name, _)| name == protocol);
        known.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }

    /// Ends whatever it waits for.
    pub fn refuse(&mut self, error: ResponseError, id: &str) {
        if let Some(waiting) = self.joining.take() {
            let _ = waiting.send(Joined::refused(error, id));
        }
        if let Some(waiting) = self.syncing.take() {
            let _ = waiting.send(Err(error));
        }
    }
}
