//! All consumer groups, and the task that looks for members who have fallen silent.

use crate::group::{Group, MemberIdentity};
use crate::member::{Join, Joined, Synced};
use crate::offset_journal::Change;
use crate::offsets::{Accepted, OffsetStore};
use bytes::Bytes;
use kafka_protocol::ResponseError;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};

/// Groups that may have members at the same time.
const MAX_GROUPS: usize = 10_000;
/// Silent members are looked for no more often than this.
const MIN_INTERVAL: Duration = Duration::from_millis(5);

/// What the groups are allowed.
#[derive(Debug, Clone)]
pub struct SessionLimits {
    /// Shortest and longest session.
    pub session: std::ops::RangeInclusive<Duration>,
    /// How long an empty group waits for more members before its first generation.
    pub initial_delay: Duration,
}

/// The groups.
#[derive(Debug)]
pub struct Coordinator {
    limits: SessionLimits,
    groups: Mutex<HashMap<String, Group>>,
    changed: Notify,
}

impl Coordinator {
    /// No groups yet.
    pub fn new(limits: SessionLimits) -> Arc<Coordinator> {
        Arc::new(Coordinator { limits, groups: Mutex::default(), changed: Notify::new() })
    }

    fn groups(&self) -> MutexGuard<'_, HashMap<String, Group>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A client joins a group.
    pub fn join(&self, group: &str, join: Join) -> oneshot::Receiver<Joined> {
        let now = Instant::now();
        let mut groups = self.groups();
        let refusal = if group.is_empty() {
            Some(ResponseError::InvalidGroupId)
        } else if !self.limits.session.contains(&join.session) {
            Some(ResponseError::InvalidSessionTimeout)
        } else if groups.len() >= MAX_GROUPS && !groups.contains_key(group) {
            Some(ResponseError::CoordinatorNotAvailable)
        } else {
            None
        };
        if let Some(error) = refusal {
            let (answer, answered) = oneshot::channel();
            let _ = answer.send(Joined::refused(error, &join.member));
            return answered;
        }
        let entry = groups.entry(group.to_owned()).or_insert_with(|| Group::new(now));
        let answered = entry.join(join, self.limits.initial_delay, now);
        self.changed.notify_one();
        answered
    }

    /// A member asks for its share.
    pub fn sync(&self, group: &str, who: &MemberIdentity, shares: HashMap<String, Bytes>) -> oneshot::Receiver<Synced> {
        let mut groups = self.groups();
        let answered = match groups.get_mut(group) {
            Some(group) => group.sync(who, shares, Instant::now()),
            None => {
                let (answer, answered) = oneshot::channel();
                let _ = answer.send(Err(ResponseError::UnknownMemberId));
                answered
            }
        };
        self.changed.notify_one();
        answered
    }

    /// A member says that it lives.
    pub fn heartbeat(&self, group: &str, who: &MemberIdentity) -> Result<(), ResponseError> {
        let mut groups = self.groups();
        groups.get_mut(group).ok_or(ResponseError::UnknownMemberId)?.heartbeat(who, Instant::now())
    }

    /// A member leaves.
    pub fn leave(&self, group: &str, member: &str, instance: Option<&str>) -> Result<(), ResponseError> {
        let mut groups = self.groups();
        let left = groups.get_mut(group).ok_or(ResponseError::UnknownMemberId)?.leave(member, instance, Instant::now());
        self.changed.notify_one();
        left
    }

    /// Accepts a commit of offsets. The decision and its place in the journal's order are one step, so a commit
    /// accepted before a rebalance is seen by whoever reads the offsets after it.
    pub async fn commit(
        &self,
        group: &str,
        who: &MemberIdentity,
        offsets: &OffsetStore,
        change: Change,
    ) -> Result<Accepted, ResponseError> {
        let room = offsets.reserve().await.ok_or(ResponseError::CoordinatorNotAvailable)?;
        let mut groups = self.groups();
        match groups.get_mut(group) {
            Some(group) => group.may_commit(who, Instant::now())?,
            None if who.generation < 0 => {}
            None if who.member.is_empty() => return Err(ResponseError::IllegalGeneration),
            None => return Err(ResponseError::UnknownMemberId),
        }
        Ok(room.write(change))
    }

    /// Deletes a group that nobody is in; `known` says whether it has offsets. The caller writes the change.
    pub fn delete(&self, group: &str, known: bool) -> Result<(), ResponseError> {
        let mut groups = self.groups();
        match groups.get(group) {
            Some(present) if !present.members.is_empty() => Err(ResponseError::NonEmptyGroup),
            Some(_) => {
                groups.remove(group);
                Ok(())
            }
            None if known => Ok(()),
            None => Err(ResponseError::GroupIdNotFound),
        }
    }

    /// Looks at one group.
    pub fn look<T>(&self, group: &str, read: impl FnOnce(&Group) -> T) -> Option<T> {
        self.groups().get(group).map(read)
    }

    /// Looks at all groups.
    pub fn look_at_all<T>(&self, read: impl Fn(&str, &Group) -> T) -> Vec<T> {
        self.groups().iter().map(|(name, group)| read(name, group)).collect()
    }

    /// Runs for as long as the broker does: removes who has fallen silent, completes what has waited long enough.
    pub async fn watch(self: Arc<Self>) {
        loop {
            let next = self.expire(Instant::now());
            let pause = next.map(|next| next.saturating_duration_since(Instant::now()).max(MIN_INTERVAL));
            let sleep = async {
                match pause {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = sleep => {}
                () = self.changed.notified() => {}
            }
        }
    }

    fn expire(&self, now: Instant) -> Option<Instant> {
        let mut groups = self.groups();
        let next = groups.values_mut().filter_map(|group| group.expire(now)).min();
        groups.retain(|_, group| !group.is_idle());
        next
    }
}
