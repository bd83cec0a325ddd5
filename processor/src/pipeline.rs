//! The processor as a whole: a thread that serves the group, workers that fold, a small server that says how they are.

use std::pin::pin;
use std::sync::Arc;

use service::http::{self, Router};
use service::kafka::consumer::GroupOptions;
use service::shutdown::Shutdown;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::Config;
use crate::assignment::{TOPICS, Workers};
use crate::dead_letter::DeadLetters;
use crate::error::Error;
use crate::member::{Joining, Member};
use crate::outfit::{Duty, Outfit};
use crate::trim::Trim;
use crate::watermark::Watermarks;

/// Folds the log into the tables until `shutdown`; then every worker finishes its slice and the group is left.
///
/// # Errors
/// What stopped it. Engines that are away do not: it waits for them.
pub async fn run(
    config: Config,
    kafka: service::kafka::Config,
    tables: service::clickhouse::Config,
    listener: TcpListener,
    shutdown: Shutdown,
) -> Result<(), Error> {
    let watermarks = Watermarks::default();
    let (failures, mut failed) = mpsc::unbounded_channel();
    let duty = Duty::Follow(DeadLetters::new(&kafka)?);
    let (limits, options) = (config.http.clone(), group(&config));
    let mut trimming = pin!(Trim::new(&config, &tables, watermarks.clone()).follow());
    let workers = Arc::new(Workers::new(Outfit::new(config, tables, duty)?, Handle::current(), watermarks.clone(), failures.clone()));
    let finish = Arc::clone(&workers);
    let member = Member::join(Joining { kafka, options, assignment: workers, finish: Box::new(move || finish.finish()) }, failures)?;
    let (leave, left) = Shutdown::new();
    let mut server = pin!(http::serve(listener, router(watermarks), limits, left));
    let (outcome, has_ended) = tokio::select! {
        () = shutdown.triggered() => (Ok(()), false),
        failure = failed.recv() => (Err(failure.unwrap_or(Error::ConsumerStopped)), false),
        served = &mut server => (served.map_err(Error::from), true),
        never = &mut trimming => match never {},
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

/// How a processor joins its group.
pub(crate) fn group(config: &Config) -> GroupOptions {
    GroupOptions {
        client_id: "aftershock-processor".to_owned(),
        group: config.group.clone(),
        topics: TOPICS.map(str::to_owned).to_vec(),
        session_timeout: *config.session_timeout,
        prefetch_bytes: config.prefetch.bytes(),
    }
}

fn router(watermarks: Watermarks) -> Router {
    http::health(Router::new("Aftershock processor"), move || {
        let ready = watermarks.ready();
        Box::pin(async move { ready })
    })
}
