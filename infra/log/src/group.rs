//! One consumer group: who is in it, which generation it is in, and what the leader decided.
//!
//! A pure state machine (Kafka's classic protocol): time is an argument, answers leave through the channels that the
//! members wait on. `Joining` collects members, `Syncing` waits for the leader's shares, `Stable` lasts until
//! somebody comes, goes or is silent for too long.

use crate::member::{Join, Joined, Member, Synced};
use bytes::Bytes;
use kafka_protocol::ResponseError;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Where a group stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nobody is in it.
    Empty,
    /// Members are asked to join again.
    Joining,
    /// The leader shares out.
    Syncing,
    /// Everyone has a share.
    Stable,
}

impl Phase {
    /// Kafka's name.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Empty => "Empty",
            Phase::Joining => "PreparingRebalance",
            Phase::Syncing => "CompletingRebalance",
            Phase::Stable => "Stable",
        }
    }
}

/// A consumer group.
#[derive(Debug)]
pub struct Group {
    /// Where it stands.
    pub phase: Phase,
    pub(super) generation: i32,
    /// "consumer" for consumers; empty before the first member.
    pub protocol_type: String,
    /// The protocol that all members know and most prefer.
    pub protocol: String,
    pub(super) leader: String,
    /// By id.
    pub members: BTreeMap<String, Member>,
    /// Ids that were given out and are expected back, until when.
    pub(super) expected: HashMap<String, Instant>,
    /// In `Joining`: not complete before. In `Syncing`: unused.
    pub(super) earliest: Instant,
    /// In `Joining` and `Syncing`: who has not come by then is out.
    pub(super) latest: Instant,
}

impl Group {
    /// A group without members.
    pub fn new(now: Instant) -> Group {
        Group {
            phase: Phase::Empty,
            generation: 0,
            protocol_type: String::new(),
            protocol: String::new(),
            leader: String::new(),
            members: BTreeMap::new(),
            expected: HashMap::new(),
            earliest: now,
            latest: now,
        }
    }

    /// Whether nothing would be lost with it.
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Empty && self.expected.is_empty()
    }

    /// A client joins. The answer comes when everyone has, or at once where nothing has to change.
    /// `delay` is how long an empty group waits for others.
    pub fn join(&mut self, mut join: Join, delay: Duration, now: Instant) -> oneshot::Receiver<Joined> {
        let (answer, answered) = oneshot::channel();
        if let Err(error) = self.admit(&mut join, now) {
            let _ = answer.send(Joined::refused(error, &join.member));
            return answered;
        }
        let known = self.members.get_mut(&join.member);
        let Some(member) = known else {
            let mut member = Member::new(&join, now);
            member.joining = Some(answer);
            if self.members.is_empty() {
                self.protocol_type.clone_from(&join.protocol_type);
            }
            self.members.insert(join.member, member);
            self.rebalance(delay, now);
            return answered;
        };
        let changed = member.protocols != join.protocols;
        member.renew(&join, now);
        let settled = match self.phase {
            Phase::Stable => !changed && join.member != self.leader,
            Phase::Syncing => !changed,
            Phase::Empty | Phase::Joining => false,
        };
        if settled {
            let _ = answer.send(self.joined(&join.member));
            return answered;
        }
        member.joining = Some(answer);
        self.rebalance(delay, now);
        answered
    }

    /// Asks everyone to join again, unless that is under way.
    pub(super) fn rebalance(&mut self, delay: Duration, now: Instant) {
        if self.phase != Phase::Joining {
            self.earliest = if self.phase == Phase::Empty { now + delay } else { now };
            self.phase = Phase::Joining;
            for member in self.members.values_mut() {
                if let Some(waiting) = member.syncing.take() {
                    let _ = waiting.send(Err(ResponseError::RebalanceInProgress));
                }
            }
            self.latest = now + self.wait_limit();
        }
        self.complete_if_all_joined(now);
    }

    fn wait_limit(&self) -> Duration {
        self.members.values().map(|member| member.rebalance).max().unwrap_or_default()
    }

    pub(super) fn complete_if_all_joined(&mut self, now: Instant) {
        let all = self.expected.is_empty() && self.members.values().all(Member::is_joining);
        if self.phase == Phase::Joining && all && now >= self.earliest {
            self.complete(now);
        }
    }

    fn complete(&mut self, now: Instant) {
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        if self.members.is_empty() {
            self.phase = Phase::Empty;
            self.leader.clear();
            self.protocol.clear();
            return;
        }
        self.protocol = self.elect_protocol();
        if !self.members.contains_key(&self.leader) {
            self.leader = self.members.keys().next().cloned().unwrap_or_default();
        }
        self.phase = Phase::Syncing;
        self.latest = now + self.wait_limit();
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let answer = self.joined(&id);
            if let Some(member) = self.members.get_mut(&id) {
                member.heard = now;
                if let Some(waiting) = member.joining.take() {
                    let _ = waiting.send(answer);
                }
            }
        }
    }

    /// Of the protocols that all know, the one that most prefer.
    fn elect_protocol(&self) -> String {
        let known_to_all = |name: &str| self.members.values().all(|m| m.protocols.iter().any(|(known, _)| known == name));
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            if let Some((name, _)) = member.protocols.iter().find(|(name, _)| known_to_all(name)) {
                *votes.entry(name).or_default() += 1;
            }
        }
        votes.into_iter().max_by_key(|(_, count)| *count).map(|(name, _)| name.to_owned()).unwrap_or_default()
    }

    fn joined(&self, id: &str) -> Joined {
        let everyone = || {
            let entry = |(id, member): (&String, &Member)| (id.clone(), member.instance.clone(), member.metadata(&self.protocol));
            self.members.iter().map(entry).collect()
        };
        Joined {
            error: None,
            generation: self.generation,
            protocol: Some((self.protocol_type.clone(), self.protocol.clone())),
            leader: self.leader.clone(),
            member: id.to_owned(),
            members: if id == self.leader { everyone() } else { Vec::new() },
        }
    }

    /// Checks that a member speaks for the present generation and notes that it was heard.
    fn hear(&mut self, who: &MemberIdentity, now: Instant) -> Result<(), ResponseError> {
        if let Some(current) = who.instance.as_ref().and_then(|instance| self.of_instance(instance))
            && current != who.member
        {
            return Err(ResponseError::FencedInstanceId);
        }
        let member = self.members.get_mut(&who.member).ok_or(ResponseError::UnknownMemberId)?;
        if who.generation != self.generation {
            return Err(ResponseError::IllegalGeneration);
        }
        member.heard = now;
        Ok(())
    }

    /// A member asks for its share; the leader brings all of them along.
    pub fn sync(&mut self, who: &MemberIdentity, shares: HashMap<String, Bytes>, now: Instant) -> oneshot::Receiver<Synced> {
        let (answer, answered) = oneshot::channel();
        let refusal = match (self.hear(who, now), self.phase) {
            (Err(error), _) => Some(error),
            (Ok(()), Phase::Empty) => Some(ResponseError::UnknownMemberId),
            (Ok(()), Phase::Joining) => Some(ResponseError::RebalanceInProgress),
            (Ok(()), Phase::Syncing | Phase::Stable) => None,
        };
        if let Some(error) = refusal {
            let _ = answer.send(Err(error));
            return answered;
        }
        if let Some(member) = self.members.get_mut(&who.member) {
            member.syncing = Some(answer);
        }
        if self.phase == Phase::Syncing && who.member == self.leader {
            for (id, member) in &mut self.members {
                member.assignment = shares.get(id).cloned().unwrap_or_default();
            }
            self.phase = Phase::Stable;
        }
        if self.phase == Phase::Stable {
            self.hand_out(now);
        }
        answered
    }

    fn hand_out(&mut self, now: Instant) {
        for member in self.members.values_mut() {
            if let Some(waiting) = member.syncing.take() {
                member.heard = now;
                let _ = waiting.send(Ok((self.protocol_type.clone(), self.protocol.clone(), member.assignment.clone())));
            }
        }
    }

    /// A member says that it lives.
    pub fn heartbeat(&mut self, who: &MemberIdentity, now: Instant) -> Result<(), ResponseError> {
        self.hear(who, now)?;
        if self.phase == Phase::Joining { Err(ResponseError::RebalanceInProgress) } else { Ok(()) }
    }

    /// Whether an offset commit may be made: by a member of this generation, or by anyone while nobody is in.
    pub fn may_commit(&mut self, who: &MemberIdentity, now: Instant) -> Result<(), ResponseError> {
        if who.generation < 0 && self.phase == Phase::Empty {
            return Ok(());
        }
        self.hear(who, now)?;
        if self.phase == Phase::Syncing { Err(ResponseError::RebalanceInProgress) } else { Ok(()) }
    }

    /// A member leaves, by id or by lasting name.
    pub fn leave(&mut self, member: &str, instance: Option<&str>, now: Instant) -> Result<(), ResponseError> {
        let named = instance.map(|instance| self.of_instance(instance).ok_or(ResponseError::UnknownMemberId)).transpose()?;
        if named.as_deref().is_some_and(|current| !member.is_empty() && current != member) {
            return Err(ResponseError::FencedInstanceId);
        }
        let id = named.unwrap_or_else(|| member.to_owned());
        if self.expected.remove(&id).is_some() {
            self.complete_if_all_joined(now);
            return Ok(());
        }
        self.remove(&id, now).then_some(()).ok_or(ResponseError::UnknownMemberId)
    }

    pub(super) fn remove(&mut self, id: &str, now: Instant) -> bool {
        let Some(mut member) = self.members.remove(id) else { return false };
        member.refuse(ResponseError::UnknownMemberId, id);
        if self.members.is_empty() {
            self.phase = Phase::Joining;
            self.complete(now);
        } else {
            self.rebalance(Duration::ZERO, now);
        }
        true
    }
}

/// Who speaks, and of which generation.
#[derive(Debug, Clone)]
pub struct MemberIdentity {
    /// Its id.
    pub member: String,
    /// Its lasting name.
    pub instance: Option<String>,
    /// The generation it believes in; negative for none.
    pub generation: i32,
}
