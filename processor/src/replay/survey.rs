//! Surveys the log: what it has, what the live group has folded of it, and which rows of the live tables have left the log.

use super::Replay;
use crate::error::Error;
use crate::pipeline;
use crate::replay_refusal::ReplayRefusal;
use crate::stream::{STREAMS, StreamSpec};
use schemas::time;
use service::kafka::consumer::{Assignment, GroupConsumer, GroupOptions, PartitionQueue};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const POLL_WAIT: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_secs(60);

/// What was found about one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionSurvey {
    pub stream: StreamSpec,
    pub number: i32,
    /// First offset in the log.
    pub low: i64,
    /// What the group has committed.
    pub committed: Option<i64>,
    /// Highest offset in the live table.
    pub highest: Option<i64>,
    /// Log day of the first record, where earlier records have left the log.
    pub first_day: Option<u16>,
    /// The last log day with live rows whose records have left the log.
    pub gone: Option<u16>,
}

/// What was found about all partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    pub group: String,
    pub partitions: Vec<PartitionSurvey>,
}

impl Survey {
    /// What the group has committed, by topic and partition.
    #[must_use]
    pub fn committed(&self) -> Committed {
        self.partitions.iter().map(|found| ((found.stream.topic, found.number), found.committed)).collect()
    }
}

/// Offsets by topic and partition.
pub type Committed = BTreeMap<(&'static str, i32), Option<i64>>;

/// Surveys the log and the live tables.
///
/// # Errors
/// An engine is away, or the first records do not come.
pub async fn survey(replay: &Replay<'_>) -> Result<Survey, Error> {
    let (generation, mut partitions) = (replay.installation.config.log_generation, Vec::new());
    let committed = committed(replay).await?;
    for ((topic, number), committed) in committed {
        let Some(stream) = STREAMS.into_iter().find(|stream| stream.topic == topic) else { continue };
        let (low, high) = replay.admin.watermarks(topic, number).await?;
        let place = (generation, number);
        let highest = replay.tables.highest(stream.table, place).await?;
        let gone = replay.tables.last_day_gone(stream.table, place, low).await?;
        // Marked for a look where the beginning is gone and something is left.
        let first_day = (low > 0 && high > low).then_some(0);
        partitions.push(PartitionSurvey { stream, number, low, committed, highest, first_day, gone });
    }
    let wanted: Vec<(String, i32)> =
        partitions.iter().filter(|found| found.first_day.is_some()).map(|found| (found.stream.topic.to_owned(), found.number)).collect();
    let days = first_days(replay, wanted).await?;
    for found in &mut partitions {
        found.first_day = days.get(&(found.stream.topic.to_owned(), found.number)).copied();
    }
    Ok(Survey { group: replay.installation.kafka.group.clone(), partitions })
}

/// What the live group has committed of every partition.
///
/// # Errors
/// The log is away.
pub async fn committed(replay: &Replay<'_>) -> Result<Committed, Error> {
    let mut committed = Committed::new();
    for stream in STREAMS {
        let asked: Vec<(String, i32)> =
            (0..replay.admin.partitions(stream.topic).await?).map(|number| (stream.topic.to_owned(), number)).collect();
        let offsets = replay.admin.committed(&replay.installation.kafka.group, &asked).await?;
        committed
            .extend(asked.iter().zip(offsets).map(|((_, number), offset)| ((stream.topic, *number), offset.map(|(offset, _)| offset))));
    }
    Ok(committed)
}

/// Log days of the first records of these partitions.
async fn first_days(replay: &Replay<'_>, wanted: Vec<(String, i32)>) -> Result<HashMap<(String, i32), u16>, Error> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let kafka = replay.installation.kafka.clone();
    let group = format!("{}-survey", replay.group());
    let options =
        GroupOptions { group, prefetch_bytes: 1, ..pipeline::group_options(&replay.installation.config, &replay.installation.kafka) };
    let read = tokio::task::spawn_blocking(move || read(&kafka, &options, &wanted));
    read.await.unwrap_or(Err(Error::ConsumerStopped))
}

/// Reads one record of each: a group without commits begins at the log's beginning.
fn read(kafka: &service::kafka::Config, options: &GroupOptions, wanted: &[(String, i32)]) -> Result<HashMap<(String, i32), u16>, Error> {
    let queues = Arc::new(Queues::default());
    let consumer = GroupConsumer::subscribe(kafka, options, Arc::<Queues>::clone(&queues))?;
    let (began, mut days) = (Instant::now(), HashMap::new());
    let outcome = loop {
        if let Err(error) = consumer.poll(POLL_WAIT) {
            break Err(error.into());
        }
        for queue in queues.all().iter() {
            let place = (queue.topic().to_owned(), queue.partition());
            if wanted.contains(&place)
                && !days.contains_key(&place)
                && let Ok(Some(message)) = queue.poll(POLL_WAIT)
            {
                days.insert(place, time::log_day(message.appended_at));
            }
        }
        if days.len() == wanted.len() {
            break Ok(days);
        }
        if began.elapsed() > TIMEOUT {
            break Err(ReplayRefusal::Unread { missing: wanted.len() - days.len() }.into());
        }
    };
    // They end before the membership does.
    queues.all().clear();
    outcome
}

#[derive(Default)]
struct Queues(Mutex<Vec<PartitionQueue>>);

impl Queues {
    fn all(&self) -> std::sync::MutexGuard<'_, Vec<PartitionQueue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_these(&self, partitions: &[(String, i32)]) {
        self.all().retain(|queue| !partitions.iter().any(|(topic, number)| queue.topic() == topic && queue.partition() == *number));
    }
}

impl Assignment for Queues {
    fn assigned(&self, queues: Vec<PartitionQueue>) {
        self.all().extend(queues);
    }

    fn revoked(&self, partitions: &[(String, i32)]) {
        self.drop_these(partitions);
    }

    fn lost(&self, partitions: &[(String, i32)]) {
        self.drop_these(partitions);
    }
}
