//! The log folded again into tables beside the live ones, and these put in their place.
//!
//! ```text
//! hold the group → survey the log → plan → side tables ← earlier days of the live ones → fold → compare
//!                                                                                             └→ later days → exchange
//! ```
//!
//! The workers are the processor's own, in a group of their own. What they fold of a partition ends where the live group has committed:
//! after the exchange that group goes on as if nothing had happened. DailyTables before the range are in the side tables from the beginning, as the
//! live tables have them, so that a report is found to be the twin of one that has left the log.
//!
//! Invariants: no live table is touched before the exchange; while tables are exchanged no processor of the group can be at work; between
//! the exchanges of two tables each of them is whole, and both end where the group has committed.

mod fold;
mod hold;
mod plan;
mod refusal;
mod survey;
mod tables;

pub use refusal::ReplayRefusal;
pub use tables::{DayDifference, ReplayTables};

use schemas::record::{Connection, IssueChange, RawReport, Record, RejectedReport};
use schemas::row::{ConnectionRow, IssueChangeRow, OccurrenceRow, RejectedReportRow, Table};
use service::kafka::Admin;
use service::shutdown::Shutdown;

use crate::error::Error;
use crate::log_day::LogDay;
use crate::migrate;
use crate::retention::Retention;
use hold::GroupHold;
use plan::Plan;

/// Where the log and the live tables are.
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
    /// Only compare.
    pub is_dry_run: bool,
    /// Hexadecimal; tells this replay's group and database from those of others.
    pub id: String,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Waiting for the group to be left by its processors.
    Holding,
    /// So many records are folded, of so many.
    Folding { done: u64, of: u64 },
    /// Rows are compared, or tables exchanged.
    Finishing,
}

/// What came of it.
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

/// A topic and the table that it is folded into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    pub topic: &'static str,
    pub table: &'static str,
    /// The column that holds the equality of delivery.
    pub id: &'static str,
    /// Partitioned by log day, with a log that retention takes from.
    pub is_daily: bool,
    /// Which rows may have a twin.
    pub twinned: &'static str,
}

const NAMED_OR_DATED: &str = "event_id != '' or occurred_at is not null";

const FOLDS: [Fold; 4] = [
    Fold { topic: RawReport::TOPIC, table: OccurrenceRow::NAME, id: OccurrenceRow::ID, is_daily: true, twinned: NAMED_OR_DATED },
    Fold { topic: Connection::TOPIC, table: ConnectionRow::NAME, id: ConnectionRow::ID, is_daily: true, twinned: NAMED_OR_DATED },
    Fold { topic: RejectedReport::TOPIC, table: RejectedReportRow::NAME, id: RejectedReportRow::ID, is_daily: true, twinned: "1" },
    Fold { topic: IssueChange::TOPIC, table: IssueChangeRow::NAME, id: IssueChangeRow::ID, is_daily: false, twinned: "1" },
];

/// Folds the log again and exchanges the tables, or only compares them. Live tables are as they were after every error but those of the
/// exchange itself, after which each of them is whole, the old or the new.
///
/// # Errors
/// [`Error::Refused`] where it cannot be done as asked; an engine that is away.
pub async fn replay(
    installation: &Installation,
    order: &ReplayRequest,
    tell: &(dyn Fn(Progress) + Sync),
    shutdown: &Shutdown,
) -> Result<ReplayReport, Error> {
    if !migrate::is_current(&installation.tables, &installation.retention).await? {
        return Err(ReplayRefusal::NotMigrated.into());
    }
    let admin = Admin::new(&installation.kafka)?;
    let hold = match order.is_dry_run {
        true => None,
        false => {
            tell(Progress::Holding);
            Some(GroupHold::hold(installation, &admin).await?)
        }
    };
    let side = ReplayTables::new(&installation.tables, &format!("{}{}", prefix(installation), order.id));
    let work = Replay { installation, order, admin, side: &side, hold: hold.as_ref() };
    let replayed = in_side(&work, tell, shutdown).await;
    work.forget_group().await;
    let cleaned = side.remove(&prefix(installation)).await;
    if let Some(hold) = hold {
        hold.leave().await;
    }
    let outcome = replayed?;
    cleaned?;
    Ok(outcome)
}

/// Names of side databases begin with this; the id of the replay follows.
fn prefix(installation: &Installation) -> String {
    format!("{}_replay_", installation.tables.database)
}

/// A replay under way.
struct Replay<'a> {
    installation: &'a Installation,
    order: &'a ReplayRequest,
    admin: Admin,
    side: &'a ReplayTables,
    /// None in a trial.
    hold: Option<&'a GroupHold>,
}

async fn in_side(replay: &Replay<'_>, tell: &(dyn Fn(Progress) + Sync), shutdown: &Shutdown) -> Result<ReplayReport, Error> {
    let Replay { installation, order, side, hold, .. } = replay;
    // What a replay that was killed has left.
    side.remove(&prefix(installation)).await?;
    let found = survey::survey(replay).await?;
    let plan = plan::plan(&found, order)?;
    let (days, records) = ((LogDay(*plan.days.start()), LogDay(*plan.days.end())), plan.records());
    let tables: Vec<&'static str> = plan.folds.iter().map(|fold| fold.table).collect();
    tracing::info!(from = %days.0, to = %days.1, records, "replay begins");
    migrate::make_tables(side.config(), &installation.retention).await?;
    for fold in plan.daily() {
        side.attach_live_days(fold.table, |day| day < *plan.days.start()).await?;
    }
    fold::fold(replay, &plan, tell, shutdown).await?;
    tell(Progress::Finishing);
    let mut comparison = Vec::new();
    match hold {
        None => comparison = compare(side, &plan).await?,
        Some(hold) => swap(replay, &plan, &found, hold).await?,
    }
    Ok(ReplayReport { days, tables, records, comparison })
}

async fn compare(side: &ReplayTables, plan: &Plan) -> Result<Vec<(&'static str, Vec<DayDifference>)>, Error> {
    let mut comparison = Vec::new();
    for fold in &plan.folds {
        comparison.push((fold.table, side.compare(fold.table, &plan.days, &plan.ends(fold.topic)).await?));
    }
    Ok(comparison)
}

/// Puts the side tables in the place of the live ones.
async fn swap(replay: &Replay<'_>, plan: &Plan, found: &survey::Survey, hold: &GroupHold) -> Result<(), Error> {
    let last = *plan.days.end();
    for fold in plan.daily().filter(|_| last < u16::MAX) {
        side_twins(replay.side, fold, last).await?;
        replay.side.attach_live_days(fold.table, |day| day > last).await?;
    }
    // From here to the end no other member can be given a partition.
    let held = hold.keep().await?;
    if survey::committed(replay).await? != found.committed() {
        return Err(ReplayRefusal::Moved.into());
    }
    for fold in &plan.folds {
        replay.side.exchange(fold.table).await?;
        tracing::info!(table = fold.table, "table exchanged");
    }
    drop(held);
    Ok(())
}

/// A report that only the replay counts in its range may be counted on a later day that stays as it is.
async fn side_twins(side: &ReplayTables, fold: &Fold, last: u16) -> Result<(), Error> {
    match side.twins(fold, last).await? {
        0 => Ok(()),
        count => Err(ReplayRefusal::Twins { table: fold.table, count, last: LogDay(last) }.into()),
    }
}
