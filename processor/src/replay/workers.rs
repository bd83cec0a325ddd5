//! Folds the planned ranges with the processor's own workers, in a consumer group of the replay's own.

use super::plan::Plan;
use super::{Installation, Progress, Replay};
use crate::assignment::Workers;
use crate::error::Error;
use crate::member::{GroupMember, MemberOptions};
use crate::pipeline;
use crate::range::ReplayRanges;
use crate::readiness::Readiness;
use crate::replay_refusal::ReplayRefusal;
use crate::worker_setup::{Mode, WorkerSetup};
use service::kafka::consumer::GroupOptions;
use service::shutdown::Shutdown;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// How often it tells how far it is.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

impl Replay<'_> {
    /// Name of this replay's consumer group.
    pub(super) fn group(&self) -> String {
        format!("{}-replay-{}", self.installation.kafka.group, self.request.id)
    }

    /// Takes the group's offsets out of the log. Where that fails they stay, which harms nobody.
    pub(super) async fn forget_group(&self) {
        if let Err(error) = self.admin.delete_group(&self.group()).await {
            tracing::warn!(%error, "the group of the replay stays in the log");
        }
    }
}

/// Folds what is planned into the side tables.
///
/// # Errors
/// What stopped it; a processor has joined the live group; the command was asked to end.
pub(super) async fn run(replay: &Replay<'_>, plan: &Plan, report: &(dyn Fn(Progress) + Sync), shutdown: &Shutdown) -> Result<(), Error> {
    let (done, mut ended) = mpsc::unbounded_channel();
    let (failures, mut failed) = mpsc::unbounded_channel();
    let poison_records = replay.tables.poison_records().await?;
    let member = join(replay, Mode::Replay(ReplayRanges::new(plan.ranges.clone(), poison_records, done)), failures)?;
    let mut left: HashSet<(String, i32)> = plan.ranges.keys().cloned().collect();
    let mut tick = tokio::time::interval(REPORT_INTERVAL);
    let outcome = loop {
        if left.is_empty() {
            break Ok(());
        }
        tokio::select! {
            Some(partition) = ended.recv() => drop(left.remove(&partition)),
            failure = failed.recv() => break Err(failure.unwrap_or(Error::ConsumerStopped)),
            () = shutdown.triggered() => break Err(ReplayRefusal::Interrupted.into()),
            _ = tick.tick() => {
                if let Some(hold) = replay.hold
                    && let Err(error) = hold.check().await
                {
                    break Err(error);
                }
                report(progress(replay, plan, &left).await);
            }
        }
    };
    member.leave().await;
    outcome
}

fn join(replay: &Replay<'_>, mode: Mode, failures: mpsc::UnboundedSender<Error>) -> Result<GroupMember, Error> {
    let Installation { config, kafka, .. } = replay.installation;
    let kafka = service::kafka::Config { group: replay.group(), ..kafka.clone() };
    let options = GroupOptions { client_id: "aftershock-replay".to_owned(), ..pipeline::group_options(config, &kafka) };
    let setup = WorkerSetup::new(config.clone(), replay.tables.config().clone(), mode)?;
    let workers = Arc::new(Workers::new(setup, Handle::current(), Readiness::default(), failures.clone()));
    let finish = Arc::clone(&workers);
    GroupMember::join(MemberOptions { kafka, options, assignment: workers, finish: Box::new(move || finish.finish()) }, failures)
}

/// How far the replay's group has committed. A log that does not answer shows as no progress.
async fn progress(replay: &Replay<'_>, plan: &Plan, left: &HashSet<(String, i32)>) -> Progress {
    let asked: Vec<(String, i32)> = left.iter().cloned().collect();
    let committed = replay.admin.committed(&replay.group(), &asked).await.unwrap_or_default();
    let mut lag = 0;
    for (at, partition) in asked.iter().enumerate() {
        let Some(range) = plan.ranges.get(partition) else { continue };
        let reached = committed.get(at).cloned().flatten().map_or(range.first, |(offset, _)| offset.max(range.first));
        lag += u64::try_from(range.end - reached).unwrap_or_default();
    }
    Progress::Folding { done: plan.records().saturating_sub(lag), of: plan.records() }
}
