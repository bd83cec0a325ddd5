//! Who may come into a consumer group, under which id, and who is out because of silence.

use crate::group::{Group, Phase};
use crate::member::{Join, Member};
use kafka_protocol::ResponseError;
use std::time::Instant;

impl Group {
    /// Checks a join and settles the id of the one who joins.
    pub(super) fn admit(&mut self, join: &mut Join, now: Instant) -> Result<(), ResponseError> {
        let others = self.members.iter().filter(|(id, _)| **id != join.member);
        let suits = |(_, other): (&String, &Member)| {
            other.protocols.iter().any(|(name, _)| join.protocols.iter().any(|(offered, _)| offered == name))
        };
        let same_kind = self.members.is_empty() || self.protocol_type == join.protocol_type;
        if join.protocols.is_empty() || join.protocol_type.is_empty() || !same_kind || !others.into_iter().all(suits) {
            return Err(ResponseError::InconsistentGroupProtocol);
        }
        let named = join.instance.as_ref().and_then(|instance| self.of_instance(instance));
        if !join.member.is_empty() {
            return self.admit_known(join, named);
        }
        join.member = format!("{}-{:032x}", join.client, rand::random::<u128>());
        if let Some(former) = named {
            self.replace(&former, join, now);
        } else if join.must_return && join.instance.is_none() {
            self.expected.insert(join.member.clone(), now + join.session);
            return Err(ResponseError::MemberIdRequired);
        }
        Ok(())
    }

    fn admit_known(&mut self, join: &Join, named: Option<String>) -> Result<(), ResponseError> {
        if named.is_some_and(|current| current != join.member) {
            return Err(ResponseError::FencedInstanceId);
        }
        let expected = self.expected.remove(&join.member).is_some();
        if expected || self.members.contains_key(&join.member) { Ok(()) } else { Err(ResponseError::UnknownMemberId) }
    }

    pub(super) fn of_instance(&self, instance: &str) -> Option<String> {
        let named = |(_, member): &(&String, &Member)| member.instance.as_deref() == Some(instance);
        self.members.iter().find(named).map(|(id, _)| id.clone())
    }

    /// A static member came back with a new id; the one with the old id is fenced.
    fn replace(&mut self, former: &str, join: &Join, now: Instant) {
        if let Some(mut member) = self.members.remove(former) {
            member.refuse(ResponseError::FencedInstanceId, former);
            let mut renewed = Member::new(join, now);
            renewed.assignment = member.assignment;
            self.members.insert(join.member.clone(), renewed);
        }
        if self.leader == former {
            self.leader.clone_from(&join.member);
        }
    }

    /// Does what is due by now. Returns when to look again.
    pub fn expire(&mut self, now: Instant) -> Option<Instant> {
        self.expected.retain(|_, until| *until > now);
        let silent = |member: &Member| member.expires().is_some_and(|expires| expires <= now);
        let late = match self.phase {
            Phase::Joining if now >= self.latest => Some(Member::is_joining as fn(&Member) -> bool),
            Phase::Syncing if now >= self.latest => Some((|member: &Member| member.syncing.is_some()) as fn(&Member) -> bool),
            _ => None,
        };
        if late.is_some() {
            self.expected.clear();
        }
        let gone = self.members.iter().filter(|(_, member)| silent(member) || late.is_some_and(|came| !came(member)));
        let gone: Vec<String> = gone.map(|(id, _)| id.clone()).collect();
        for id in gone {
            tracing::info!(member = id, "a group member is gone");
            self.remove(&id, now);
        }
        self.complete_if_all_joined(now);
        self.next_deadline()
    }

    fn next_deadline(&self) -> Option<Instant> {
        let all = self.members.values().all(Member::is_joining);
        let waits = if all { self.earliest } else { self.latest };
        let phase = match self.phase {
            Phase::Joining => Some(waits.min(self.latest)),
            Phase::Syncing => Some(self.latest),
            Phase::Empty | Phase::Stable => None,
        };
        let silence = self.members.values().filter_map(Member::expires).min();
        let expected = self.expected.values().min().copied();
        [phase, silence, expected].into_iter().flatten().min()
    }
}
