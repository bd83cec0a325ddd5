//! Holds all partitions of the live group, so that no processor is at work while tables are exchanged.
//!
//! A processor that is started meanwhile asks the group for partitions. It gets them when the exchange is over. If it asks before the exchange, the
//! replay ends.

use super::Installation;
use crate::error::Error;
use crate::member::{GroupMember, MemberOptions};
use crate::pipeline;
use crate::replay_refusal::ReplayRefusal;
use crate::stream::STREAMS;
use service::kafka::Admin;
use service::kafka::consumer::{Assignment, GroupOptions, PartitionQueue};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::{Mutex, MutexGuard};

/// How long the remaining partitions may take after the first ones; then another member has them.
const REST: Duration = Duration::from_secs(5);
/// How long all partitions may take after the session timeout, at which the group gives up a member that was killed.
const LONGER: Duration = Duration::from_secs(30);
const POLL_WAIT: Duration = Duration::from_millis(100);

/// The live group while a replay holds its partitions.
pub struct GroupHold {
    group: String,
    all: usize,
    shares: Arc<HeldPartitions>,
    member: GroupMember,
    failed: Mutex<UnboundedReceiver<Error>>,
}

/// The partitions that the replay has. While the lock is held, the group cannot take one away.
#[derive(Default)]
struct HeldPartitions(Mutex<Held>);

/// The partitions that the group has given to the replay.
#[derive(Default)]
pub struct Held {
    partitions: HashSet<(String, i32)>,
    first_share: Option<Instant>,
}

impl GroupHold {
    /// Joins the live group and waits until it has all partitions.
    ///
    /// # Errors
    /// [`ReplayRefusal::AtWork`] where other members have some of them; the log is away.
    pub async fn hold(installation: &Installation, admin: &Admin) -> Result<Self, Error> {
        let mut all = 0;
        for stream in STREAMS {
            all += usize::try_from(admin.partitions(stream.topic).await?).unwrap_or_default();
        }
        let shares = Arc::new(HeldPartitions::default());
        let (failures, failed) = mpsc::unbounded_channel();
        // Nothing is read here.
        let options = GroupOptions {
            client_id: "aftershock-replay".to_owned(),
            prefetch_bytes: 1,
            ..pipeline::group_options(&installation.config, &installation.kafka)
        };
        let joining = MemberOptions {
            kafka: installation.kafka.clone(),
            options,
            assignment: Arc::<HeldPartitions>::clone(&shares),
            finish: Box::new(|| ()),
        };
        let member = GroupMember::join(joining, failures)?;
        let guard = Self { group: installation.kafka.group.clone(), all, shares, member, failed: Mutex::new(failed) };
        match guard.wait(*installation.config.session_timeout + LONGER).await {
            Ok(()) => Ok(guard),
            Err(error) => {
                guard.leave().await;
                Err(error)
            }
        }
    }

    async fn wait(&self, timeout: Duration) -> Result<(), Error> {
        let began = Instant::now();
        loop {
            if self.check().await.is_ok() {
                return Ok(());
            }
            if let Ok(error) = self.failed.lock().await.try_recv() {
                return Err(error);
            }
            let is_shared = self.shares.0.lock().await.first_share.is_some_and(|first| first.elapsed() > REST);
            if is_shared || began.elapsed() > timeout {
                return Err(self.at_work());
            }
            tokio::time::sleep(POLL_WAIT).await;
        }
    }

    /// Checks that the replay still has all partitions.
    ///
    /// # Errors
    /// [`ReplayRefusal::AtWork`] where one is missing.
    pub async fn check(&self) -> Result<(), Error> {
        self.lock().await.map(drop)
    }

    /// Keeps all partitions as long as the guard lives; a member that joins waits for it.
    ///
    /// # Errors
    /// As [`GroupHold::check`].
    pub async fn lock(&self) -> Result<MutexGuard<'_, Held>, Error> {
        let held = self.shares.0.lock().await;
        if held.partitions.len() == self.all { Ok(held) } else { Err(self.at_work()) }
    }

    /// Leaves the group to its processors.
    pub async fn leave(self) {
        self.member.leave().await;
    }

    fn at_work(&self) -> Error {
        ReplayRefusal::AtWork { group: self.group.clone() }.into()
    }
}

/// Called on the thread that serves the group, which is outside the runtime.
impl Assignment for HeldPartitions {
    fn assigned(&self, queues: Vec<PartitionQueue>) {
        let mut held = self.0.blocking_lock();
        held.first_share.get_or_insert_with(Instant::now);
        held.partitions.extend(queues.iter().map(|queue| (queue.topic().to_owned(), queue.partition())));
    }

    fn revoked(&self, partitions: &[(String, i32)]) {
        let mut held = self.0.blocking_lock();
        held.partitions.retain(|ours| !partitions.contains(ours));
    }

    fn lost(&self, partitions: &[(String, i32)]) {
        self.revoked(partitions);
    }
}
