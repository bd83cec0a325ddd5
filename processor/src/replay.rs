//! Replay: the log is folded again into new tables, and these take the place of the live ones.
//!
//! ```text
//! hold the group → survey the log → plan → new tables ← earlier days of the live ones → fold → compare
//!                                                                                          └→ later days → exchange
//! ```
//!
//! The workers are the processor's own; they join a consumer group of the replay's own. They fold each partition up to the offset that the
//! live group has committed, so that after the exchange the live group goes on as if nothing had happened. The new tables begin with the days
//! before the range, shared from the live tables, so that the twin of a report is found even where it has left the log.
//!
//! Invariants: no live table is touched before the exchange; while tables are exchanged no processor of the group can be at work; between
//! the exchanges of two tables each table is whole, and both end at the offset that the group has committed.

mod hold;
mod plan;
mod survey;
mod tables;
mod workers;

pub use tables::{DayDifference, ReplayTables};

use crate::error::Error;
use crate::log_day::LogDay;
use crate::migrate;
use crate::replay_refusal::ReplayRefusal;
use crate::retention::Retention;
use crate::stream::StreamSpec;
use hold::GroupHold;
use plan::Plan;
use service::kafka::Admin;
use service::shutdown::Shutdown;

/// The log and the live tables, with the configuration of the processors that fold the one into the other.
#[derive(Clone, Debug)]
pub struct Installation {
    pub config: crate::Config,
    pub kafka: service::kafka::Config,
    pub tables: service::clickhouse::Config,
    pub retention: Retention,
}

/// What is to be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayRequest {
    /// The first log day; without it the first that is whole in the log.
    pub from: Option<LogDay>,
    /// The last log day; without it the last there is.
    pub to: Option<LogDay>,
    /// Compares and leaves the live tables as they are.
    pub is_dry_run: bool,
    /// Hexadecimal; tells this replay's group and database from those of others.
    pub id: String,
}

/// How far a replay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Waiting for the group to be left by its processors.
    Holding,
    /// So many records are folded, of so many.
    Folding { done: u64, of: u64 },
    /// Rows are compared, or tables exchanged.
    Finishing,
}

/// What a replay did.
#[derive(Clone, Debug)]
pub struct ReplayReport {
    /// The range, both included.
    pub days: (LogDay, LogDay),
    /// Names of the tables that were folded again.
    pub tables: Vec<&'static str>,
    /// Records that were read.
    pub records: u64,
    /// What is different, by table and day; of a trial only.
    pub comparison: Vec<(&'static str, Vec<DayDifference>)>,
}

/// Folds the log again and exchanges the tables, or only compares them. Live tables are as they were after every error but those of the
/// exchange itself, after which each of them is whole, the old or the new.
///
/// # Errors
/// [`Error::Refused`] where it cannot be done as asked; an engine that is away.
pub async fn replay(
    installation: &Installation,
    request: &ReplayRequest,
    report: &(dyn Fn(Progress) + Sync),
    shutdown: &Shutdown,
) -> Result<ReplayReport, Error> {
    if !migrate::is_current(&installation.tables, &installation.retention).await? {
        return Err(ReplayRefusal::NotMigrated.into());
    }
    let admin = Admin::new(&installation.kafka)?;
    let hold = match request.is_dry_run {
        true => None,
        false => {
            report(Progress::Holding);
            Some(GroupHold::hold(installation, &admin).await?)
        }
    };
    let tables = ReplayTables::new(&installation.tables, &format!("{}{}", prefix(installation), request.id));
    let work = Replay { installation, request, admin, tables: &tables, hold: hold.as_ref() };
    let replayed = fold_and_exchange(&work, report, shutdown).await;
    work.forget_group().await;
    let cleaned = tables.remove(&prefix(installation)).await;
    if let Some(hold) = hold {
        hold.leave().await;
    }
    let outcome = replayed?;
    cleaned?;
    Ok(outcome)
}

/// What the names of new databases begin with; the id of the replay follows.
fn prefix(installation: &Installation) -> String {
    format!("{}_replay_", installation.tables.database)
}

/// A replay under way.
struct Replay<'a> {
    installation: &'a Installation,
    request: &'a ReplayRequest,
    admin: Admin,
    tables: &'a ReplayTables,
    /// `None` in a dry run.
    hold: Option<&'a GroupHold>,
}

async fn fold_and_exchange(replay: &Replay<'_>, report: &(dyn Fn(Progress) + Sync), shutdown: &Shutdown) -> Result<ReplayReport, Error> {
    let Replay { installation, request, tables, hold, .. } = replay;
    // What a replay that was killed has left.
    tables.remove(&prefix(installation)).await?;
    let found = survey::survey(replay).await?;
    let plan = plan::plan(&found, request)?;
    let (days, records) = ((LogDay(*plan.days.start()), LogDay(*plan.days.end())), plan.records());
    let names: Vec<&'static str> = plan.streams.iter().map(|stream| stream.table).collect();
    tracing::info!(from = %days.0, to = %days.1, records, "replay begins");
    migrate::make_tables(tables.config(), &installation.retention).await?;
    for stream in plan.daily() {
        tables.attach_live_days(stream.table, |day| day < *plan.days.start()).await?;
    }
    workers::run(replay, &plan, report, shutdown).await?;
    report(Progress::Finishing);
    let mut comparison = Vec::new();
    match hold {
        None => comparison = compare(tables, &plan).await?,
        Some(hold) => exchange(replay, &plan, &found, hold).await?,
    }
    Ok(ReplayReport { days, tables: names, records, comparison })
}

async fn compare(tables: &ReplayTables, plan: &Plan) -> Result<Vec<(&'static str, Vec<DayDifference>)>, Error> {
    let mut comparison = Vec::new();
    for stream in &plan.streams {
        comparison.push((stream.table, tables.compare(stream.table, &plan.days, &plan.ends(stream.topic)).await?));
    }
    Ok(comparison)
}

/// Puts the new tables in the place of the live ones.
async fn exchange(replay: &Replay<'_>, plan: &Plan, found: &survey::Survey, hold: &GroupHold) -> Result<(), Error> {
    let last = *plan.days.end();
    for stream in plan.daily().filter(|_| last < u16::MAX) {
        refuse_twins(replay.tables, stream, last).await?;
        replay.tables.attach_live_days(stream.table, |day| day > last).await?;
    }
    // From here to the end no other member can be given a partition.
    let held = hold.lock().await?;
    if survey::committed(replay).await? != found.committed() {
        return Err(ReplayRefusal::Moved.into());
    }
    for stream in &plan.streams {
        replay.tables.exchange(stream.table).await?;
        tracing::info!(table = stream.table, "table exchanged");
    }
    drop(held);
    Ok(())
}

/// A report that only the replay counts in its range may be counted on a later day that stays as it is.
async fn refuse_twins(tables: &ReplayTables, stream: &StreamSpec, last: u16) -> Result<(), Error> {
    match tables.twins(stream, last).await? {
        0 => Ok(()),
        count => Err(ReplayRefusal::Twins { table: stream.table, count, last: LogDay(last) }.into()),
    }
}
