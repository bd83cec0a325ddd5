//! `aftershock demo`: tells an invented story to a running ingest and shows what query makes of it.
//!
//! It is a client like any other: it knows the addresses, the credentials and the protocols. Start at [`run`];
//! [`story`] decides what is reported, [`send`] brings it there, [`ask`] and [`show`] read it back.

mod ask;
mod progress;
mod random;
mod send;
mod show;
mod stack;
mod story;
mod target;
mod world;

pub use ask::AskError;
pub use target::TargetError;

use crate::settings::Settings;
use progress::Progress;
use send::{SendError, Sender, Sent};
use serde_json::Value;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use story::{Outline, Story};
use target::Target;
use tokio::task::{JoinError, JoinSet};

/// Items of one request, and requests at the same time.
const BATCH: usize = 250;
const REQUESTS: usize = 4;
/// How many issues are shown.
const ISSUES: usize = 20;
/// The lag may stand still this long before the demo gives up.
const STANDSTILL: Duration = Duration::from_secs(120);

/// What is asked of the demo.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub reports: u64,
    pub days: u64,
    pub seed: u64,
}

/// Why the demo did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("a task of the demo broke off: {0}")]
    Task(#[from] JoinError),
    #[error("{0} records are not in the tables, and their number has not changed for {STANDSTILL:?}: does the processor run?")]
    Standstill(u64),
    #[error("{rejected} of {sent} were rejected; the first: {reason}")]
    Rejected { rejected: u64, sent: u64, reason: String },
}

/// Sends the story, waits until it is in the tables, and gives the text that shows it.
pub async fn run(settings: &Settings, options: Options) -> Result<String, Error> {
    let target = Target::find(settings)?;
    let end = now_ms();
    let mut story = Story::new(Outline { reports: options.reports, days: options.days, seed: options.seed, end });
    let start = story.start();
    eprintln!("seed {}: {} reports and {} connections over {} days", options.seed, options.reports, story.connections(), options.days);

    let connections = story.connections();
    let sender = Sender::new(&target.ingest, "/v1/connections", target.app.key.expose())?;
    tell(sender, Progress::new("starts", connections), connections, || story.connection()).await?;
    let sender = Sender::new(&target.ingest, "/v1/reports", target.app.key.expose())?;
    tell(sender, Progress::new("reports", options.reports), options.reports, || story.report()).await?;
    drain(&target).await?;
    let hour = |at: i64| settings.query.time_zone.hour_label(at.div_euclid(1000));
    shown(&target, &hour(start), &hour(end)).await
}

/// Sends `count` items in batches, several at a time.
async fn tell(sender: Sender, mut progress: Progress, count: u64, mut item: impl FnMut() -> Value) -> Result<(), Error> {
    let mut sending: JoinSet<Result<Sent, SendError>> = JoinSet::new();
    let mut all = Sent::default();
    let mut left = count;
    while left > 0 || !sending.is_empty() {
        if left > 0 && sending.len() < REQUESTS {
            let batch: Vec<Value> = (0..left.min(BATCH as u64)).map(|_| item()).collect();
            left -= batch.len() as u64;
            let sender = sender.clone();
            sending.spawn(async move { sender.send(batch).await });
        } else if let Some(sent) = sending.join_next().await {
            let sent = sent??;
            progress.advance(sent.accepted + sent.rejected);
            all.accepted += sent.accepted;
            all.rejected += sent.rejected;
            all.reason = all.reason.or(sent.reason);
        }
    }
    progress.finish();
    match all.reason {
        Some(reason) => Err(Error::Rejected { rejected: all.rejected, sent: count, reason }),
        None => Ok(()),
    }
}

/// Waits until everything that was acknowledged is in the tables.
async fn drain(target: &Target) -> Result<(), Error> {
    let first = ask::lag(target).await?;
    let mut progress = Progress::new("tables", first);
    let (mut lag, mut moved) = (first, Instant::now());
    while lag > 0 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = ask::lag(target).await?;
        if now != lag {
            moved = Instant::now();
        } else if moved.elapsed() > STANDSTILL {
            return Err(Error::Standstill(lag));
        }
        lag = now;
        progress.reach(first.saturating_sub(lag));
    }
    progress.finish();
    Ok(())
}

async fn shown(target: &Target, first: &str, last: &str) -> Result<String, Error> {
    let hours = ask::trend(target, first, last).await?;
    let day = |hour: &str| hour.chars().take(8).collect::<String>();
    let issues = ask::top_issues(target, &day(first), &day(last), ISSUES).await?;
    Ok(format!("crashes by hour\n\n{}\ntop issues\n\n{}", show::trend(&hours), show::issues(&issues)))
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
