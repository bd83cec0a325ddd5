//! The processor as a whole: a thread that is a member of the consumer group, workers that fold, and a server for health and metrics.

use crate::Config;
use crate::assignment::Workers;
use crate::dead_letter::DeadLetters;
use crate::error::Error;
use crate::member::{GroupMember, MemberOptions};
use crate::readiness::Readiness;
use crate::trim::Trimmer;
use crate::worker_setup::{Mode, WorkerSetup};
use schemas::record::TABLE_TOPICS;
use service::http::{self, Router};
use service::kafka::consumer::GroupOptions;
use service::kafka::{self, Admin};
use service::shutdown::Shutdown;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// How often the processor checks that the log has the topics.
const TOPICS_CHECK: Duration = Duration::from_secs(5);

/// Folds the log into the tables until `shutdown`; then every worker finishes its slice and the group is left.
///
/// # Errors
/// The error that stopped it. It waits for engines that are away, and a stream that cannot go on is halted alone; neither is an error here.
pub async fn run(
    config: Config,
    kafka: service::kafka::Config,
    tables: service::clickhouse::Config,
    listener: TcpListener,
    shutdown: Shutdown,
) -> Result<(), Error> {
    let readiness = Readiness::default();
    let (failures, mut failed) = mpsc::unbounded_channel();
    let mode = Mode::Follow(DeadLetters::new(&kafka)?);
    let mut watch = pin!(watch_topics(Admin::new(&kafka)?, readiness.clone()));
    let (limits, options) = (config.http.clone(), group_options(&config, &kafka));
    let mut trimming = pin!(Trimmer::new(&config, &tables, readiness.clone()).follow());
    let workers = Arc::new(Workers::new(WorkerSetup::new(config, tables, mode)?, Handle::current(), readiness.clone(), failures.clone()));
    let finish = Arc::clone(&workers);
    let member =
        GroupMember::join(MemberOptions { kafka, options, assignment: workers, finish: Box::new(move || finish.finish()) }, failures)?;
    let (leave, left) = Shutdown::new();
    let mut server = pin!(http::serve(listener, router(readiness), limits, left));
    let (outcome, has_ended) = tokio::select! {
        () = shutdown.triggered() => (Ok(()), false),
        failure = failed.recv() => (Err(failure.unwrap_or(Error::ConsumerStopped)), false),
        served = &mut server => (served.map_err(Error::from), true),
        never = &mut trimming => match never {},
        () = &mut watch => (Ok(()), false),
    };
    if let Err(error) = &outcome {
        tracing::error!(%error, "the processor stops");
    }
    // Health is answered until the last slice is done.
    let leaving = async {
        member.leave().await;
        leave.fire();
    };
    if has_ended {
        leaving.await;
        return outcome;
    }
    let ((), served) = tokio::join!(leaving, server);
    outcome.and(served.map_err(Error::from))
}

/// Reports the topics that the log does not have. It never ends.
async fn watch_topics(log: Admin, readiness: Readiness) {
    loop {
        let mut missing = Vec::new();
        for topic in TABLE_TOPICS {
            if let Err(kafka::Error::UnknownTopic { .. }) = log.partitions(topic).await {
                missing.push(topic);
            }
        }
        readiness.lacks(missing);
        tokio::time::sleep(TOPICS_CHECK).await;
    }
}

/// The options with which a processor joins its group.
pub(crate) fn group_options(config: &Config, kafka: &kafka::Config) -> GroupOptions {
    GroupOptions {
        client_id: "aftershock-processor".to_owned(),
        group: kafka.group.clone(),
        topics: TABLE_TOPICS.map(str::to_owned).to_vec(),
        session_timeout: *config.session_timeout,
        prefetch_bytes: config.prefetch.bytes(),
    }
}

fn router(readiness: Readiness) -> Router {
    http::health(Router::new("Aftershock processor"), move || {
        let ready = readiness.ready();
        Box::pin(async move { ready })
    })
}
