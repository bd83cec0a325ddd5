//! `aftershock replay`: says how far it is on stderr, and what came of it on stdout.
//!
//! On the data folder of a standalone it starts broker and engine itself, as `restore` does. A trial changes nothing and may look at a
//! standalone that runs.

use crate::settings::Settings;
use crate::standalone::{self, ExclusiveEngines, Running};
use processor::log_day::LogDay;
use processor::replay::{Installation, Progress, ReplayReport, ReplayRequest};
use service::config::Secret;
use service::shutdown::{Shutdown, signals};
use service::{clickhouse, kafka};
use std::fmt::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const LINE_EVERY: Duration = Duration::from_secs(2);

/// What the command line asks for.
#[derive(Clone, Debug, clap::Args)]
pub struct Range {
    /// First UTC day (2026-11-20, or an RFC 3339 time in it); without it the first that is whole in the log
    #[arg(long, value_name = "T")]
    pub from: Option<LogDay>,
    /// Last UTC day; without it the last there is
    #[arg(long, value_name = "T")]
    pub to: Option<LogDay>,
    /// Show what would change and leave the tables as they are; processors may be at work
    #[arg(long)]
    pub dry_run: bool,
}

/// Why the tables were not replayed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("standalone runs on {0}: stop it first, a replay needs the tables alone (--dry-run does not)")]
    AtWork(String),
    #[error("cannot read what runs on {dir}: {source}")]
    Unreadable { dir: String, source: std::io::Error },
    #[error(transparent)]
    Start(#[from] standalone::Error),
    #[error(transparent)]
    Processor(#[from] processor::Error),
}

/// Replays; what is to be shown.
///
/// # Errors
/// A standalone runs on the data, or its engines do not start; what the processor says.
pub async fn run(settings: &Settings, range: &Range) -> Result<String, Error> {
    let (trigger, shutdown) = Shutdown::new();
    signals(trigger);
    let place = Addresses::find(settings, range.dry_run).await?;
    let site = Installation {
        config: settings.processor.clone(),
        kafka: place.kafka.clone(),
        tables: place.tables.clone(),
        retention: settings.retention.clone(),
    };
    let order = ReplayRequest { from: range.from, to: range.to, is_dry_run: range.dry_run, id: id() };
    let begun = Instant::now();
    let said = Mutex::new(None);
    let outcome = processor::replay(&site, &order, &|step| say(step, &said), &shutdown).await;
    place.leave().await;
    let outcome = outcome?;
    eprintln!("replay: {} records in {:.1} s", outcome.records, begun.elapsed().as_secs_f64());
    Ok(show(&outcome, range.dry_run))
}

/// Where log and tables are.
struct Addresses {
    kafka: kafka::Config,
    tables: clickhouse::Config,
    /// Where they were started for this command.
    alone: Option<ExclusiveEngines>,
}

impl Addresses {
    /// By address, or of the data folder.
    async fn find(settings: &Settings, is_trial: bool) -> Result<Self, Error> {
        let (kafka, tables) = (settings.kafka.clone(), settings.clickhouse.clone());
        if !settings.embeds_log() && !settings.embeds_tables() {
            return Ok(Self { kafka, tables, alone: None });
        }
        let dir = settings.data.dir.display().to_string();
        match Running::read(&settings.data.dir).map_err(|source| Error::Unreadable { dir: dir.clone(), source })? {
            Some(running) if is_trial => Ok(Self::of(running, kafka, tables)),
            Some(_) => Err(Error::AtWork(dir)),
            None => {
                let alone = ExclusiveEngines::with_log(settings).await?;
                Ok(Self { kafka: alone.kafka().clone(), tables: alone.clickhouse().clone(), alone: Some(alone) })
            }
        }
    }

    /// Those of a standalone that runs.
    fn of(running: Running, kafka: kafka::Config, tables: clickhouse::Config) -> Self {
        let properties = running.kafka_properties.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
        Self {
            kafka: kafka::Config { brokers: running.ready.kafka, properties, ..kafka },
            tables: clickhouse::Config {
                url: running.ready.clickhouse,
                user: running.clickhouse_user,
                password: Secret::new(running.clickhouse_password),
                ..tables
            },
            alone: None,
        }
    }

    async fn leave(self) {
        if let Some(alone) = self.alone {
            alone.stop().await;
        }
    }
}

/// Milliseconds and process in hexadecimal: no two replays are called the same.
fn id() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    format!("{now:x}{:08x}", std::process::id())
}

fn say(step: Progress, said: &Mutex<Option<Instant>>) {
    let line = match step {
        Progress::Holding => "waiting for the group's partitions".to_owned(),
        Progress::Finishing => "everything is folded".to_owned(),
        Progress::Folding { done, of } => {
            let mut last = said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if last.is_some_and(|last| last.elapsed() < LINE_EVERY) {
                return;
            }
            *last = Some(Instant::now());
            format!("{done} of {of} records, {} to go", of - done)
        }
    };
    eprintln!("replay: {line}");
}

fn show(outcome: &ReplayReport, is_trial: bool) -> String {
    let (from, to) = (outcome.days.0, outcome.days.1);
    let from = if from == LogDay(0) { "the beginning of the log".to_owned() } else { from.to_string() };
    let to = if to == LogDay(u16::MAX) { "its end".to_owned() } else { to.to_string() };
    let (mut shown, tables) = (String::new(), outcome.tables.join(", "));
    // Writing to a string does not fail.
    if !is_trial {
        let _ = writeln!(shown, "replaced: {tables}; from {from} to {to}, {} records", outcome.records);
        return shown;
    }
    let _ = writeln!(shown, "nothing was changed: {tables}; from {from} to {to}, {} records", outcome.records);
    let title = ["table", "day", "live", "replayed", "only live", "only replayed", "changed", "regrouped"].map(str::to_owned);
    let _ = write!(shown, "{}", row(&title));
    let mut differing = 0;
    for (table, days) in &outcome.comparison {
        for day in days {
            differing += day.only_live + day.only_replayed + day.changed;
            let counts =
                [day.live, day.replayed, day.only_live, day.only_replayed, day.changed, day.regrouped].map(|count| count.to_string());
            let [live, replayed, only_live, only_replayed, changed, regrouped] = counts;
            let cells = [(*table).to_owned(), day.day.clone(), live, replayed, only_live, only_replayed, changed, regrouped];
            let _ = write!(shown, "{}", row(&cells));
        }
    }
    let _ = writeln!(shown, "rows that differ: {differing}");
    shown
}

fn row(cells: &[String; 8]) -> String {
    let [table, day, rest @ ..] = cells;
    let rest: String = rest.iter().map(|cell| format!("{cell:>14}")).collect();
    format!("{table:<17}{day:<11}{rest}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_said() {
        let outcome = ReplayReport { days: (LogDay(0), LogDay(u16::MAX)), tables: vec!["occurrences"], records: 7, comparison: Vec::new() };
        assert_eq!(show(&outcome, false), "replaced: occurrences; from the beginning of the log to its end, 7 records\n");
        let trial = show(&ReplayReport { days: (LogDay(20_779), LogDay(20_780)), ..outcome }, true);
        assert!(trial.starts_with("nothing was changed: occurrences; from 2026-11-22 to 2026-11-23, 7 records\n"), "{trial}");
        assert!(trial.ends_with("rows that differ: 0\n"), "{trial}");
    }
}
