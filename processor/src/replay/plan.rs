//! Decides which days and offsets are folded again, from what the survey found. Pure.

use super::ReplayRequest;
use super::survey::{PartitionSurvey, Survey};
use crate::log_day::LogDay;
use crate::range::PartitionRange;
use crate::replay_refusal::ReplayRefusal;
use crate::stream::{STREAMS, StreamSpec};
use std::collections::HashMap;
use std::ops::RangeInclusive;

/// The days, streams and offsets that are folded again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The log days of the daily streams.
    pub days: RangeInclusive<u16>,
    /// The streams that are folded again.
    pub streams: Vec<StreamSpec>,
    /// The range of every partition of every topic.
    pub ranges: HashMap<(String, i32), PartitionRange>,
}

impl Plan {
    /// The most records that are read.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.ranges.values().map(|range| u64::try_from(range.end - range.first).unwrap_or_default()).sum()
    }

    /// The streams whose tables keep their other days.
    pub fn daily(&self) -> impl Iterator<Item = &StreamSpec> {
        self.streams.iter().filter(|stream| stream.is_daily)
    }

    /// The offsets that a topic's partitions are folded up to, by number.
    #[must_use]
    pub fn ends(&self, topic: &str) -> Vec<i64> {
        let mut ends: Vec<(i32, i64)> =
            self.ranges.iter().filter(|((of, _), _)| of == topic).map(|((_, number), range)| (*number, range.end)).collect();
        ends.sort_unstable();
        ends.into_iter().map(|(_, end)| end).collect()
    }
}

/// Plans a replay.
///
/// # Errors
/// Why the request is refused.
pub fn plan(survey: &Survey, order: &ReplayRequest) -> Result<Plan, ReplayRefusal> {
    if survey.partitions.iter().all(|found| end(found) <= found.low) {
        return Err(ReplayRefusal::NothingFolded { group: survey.group.clone() });
    }
    let daily = survey.partitions.iter().filter(|found| found.stream.is_daily);
    let first = LogDay(daily.map(first_whole).max().unwrap_or_default());
    let from = order.from.unwrap_or(first);
    let to = order.to.unwrap_or(LogDay(u16::MAX));
    if from < first {
        return Err(ReplayRefusal::NotWhole { from, first });
    }
    if from > to {
        return Err(if order.from.is_some() { ReplayRefusal::Backwards { from, to } } else { ReplayRefusal::NoDay { first } });
    }
    // What people stated has no days: it is folded as a whole, or stays.
    let is_all = order.from.is_none() && order.to.is_none();
    let is_folded = |stream: &StreamSpec| stream.is_daily || (is_all && is_complete(survey, *stream));
    let streams: Vec<StreamSpec> = STREAMS.into_iter().filter(is_folded).collect();
    let range = |found: &PartitionSurvey| {
        let days = if found.stream.is_daily { from.0..=to.0 } else { 0..=u16::MAX };
        let end = if streams.contains(&found.stream) { end(found).max(found.low) } else { found.low };
        ((found.stream.topic.to_owned(), found.number), PartitionRange { days, first: found.low, end })
    };
    Ok(Plan { days: from.0..=to.0, ranges: survey.partitions.iter().map(range).collect(), streams })
}

/// The offset that the live group has reached, which folds the rest itself. A group without committed offsets has reached the end of its table.
fn end(found: &PartitionSurvey) -> i64 {
    found.committed.or(found.highest.map(|highest| highest + 1)).unwrap_or(found.low)
}

/// The first day of which all records are in the log.
fn first_whole(found: &PartitionSurvey) -> u16 {
    let after = |day: Option<u16>| day.map_or(0, |day| day.saturating_add(1));
    after(found.first_day).max(after(found.gone))
}

fn is_complete(survey: &Survey, stream: StreamSpec) -> bool {
    survey.partitions.iter().filter(|found| found.stream == stream).all(|found| found.low == 0 && found.gone.is_none())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn found(at: usize, number: i32, committed: i64) -> PartitionSurvey {
        PartitionSurvey { stream: STREAMS[at], number, low: 0, committed: Some(committed), highest: None, first_day: None, gone: None }
    }

    fn survey() -> Survey {
        let partitions = (0..4).flat_map(|at| [found(at, 0, 10), found(at, 1, 20)]).collect();
        Survey { group: "g".to_owned(), partitions }
    }

    fn order(from: Option<u16>, to: Option<u16>) -> ReplayRequest {
        ReplayRequest { from: from.map(LogDay), to: to.map(LogDay), is_dry_run: false, id: "1".to_owned() }
    }

    #[test]
    fn a_whole_log_is_folded_up_to_what_the_group_has_committed() {
        let plan = plan(&survey(), &order(None, None)).unwrap();
        assert_eq!(plan.streams, STREAMS);
        assert_eq!(plan.days, 0..=u16::MAX);
        assert_eq!((plan.ends("raw-reports"), plan.ends("issue-changes")), (vec![10, 20], vec![10, 20]));
        assert_eq!(plan.records(), 120);
    }

    #[test]
    fn a_day_whose_beginning_is_gone_is_refused() {
        let mut survey = survey();
        (survey.partitions[1].low, survey.partitions[1].first_day) = (5, Some(99));
        survey.partitions[2].gone = Some(97);
        let whole = plan(&survey, &order(None, None)).unwrap();
        assert_eq!((whole.days, whole.streams.len()), (100..=u16::MAX, 4));
        assert_eq!(whole.ranges[&("raw-reports".to_owned(), 1)], PartitionRange { days: 100..=u16::MAX, first: 5, end: 20 });
        assert!(matches!(plan(&survey, &order(Some(99), None)), Err(ReplayRefusal::NotWhole { first: LogDay(100), .. })));
        assert!(matches!(plan(&survey, &order(None, Some(99))), Err(ReplayRefusal::NoDay { first: LogDay(100) })));
        assert!(matches!(plan(&survey, &order(Some(102), Some(101))), Err(ReplayRefusal::Backwards { .. })));
        survey.partitions[3].gone = Some(120);
        assert_eq!(plan(&survey, &order(None, None)).unwrap().days, 121..=u16::MAX, "rows of records that are gone stay");
    }

    #[test]
    fn what_people_stated_is_folded_as_a_whole_or_stays() {
        let part = plan(&survey(), &order(Some(5), None)).unwrap();
        assert_eq!(part.streams, STREAMS[..3]);
        assert_eq!(part.ends("issue-changes"), [0, 0]);
        assert_eq!(part.ends("connections"), [10, 20]);
        let mut survey = survey();
        (survey.partitions[6].low, survey.partitions[6].first_day) = (1, Some(3));
        let plan = plan(&survey, &order(None, None)).unwrap();
        assert_eq!((plan.streams, plan.days), (STREAMS[..3].to_vec(), 0..=u16::MAX));
    }

    #[test]
    fn a_group_without_offsets_is_where_its_table_is() {
        let mut survey = survey();
        survey.partitions.iter_mut().for_each(|found| found.committed = None);
        assert!(matches!(plan(&survey, &order(None, None)), Err(ReplayRefusal::NothingFolded { .. })));
        survey.partitions[1].highest = Some(6);
        assert_eq!(plan(&survey, &order(None, None)).unwrap().ends("raw-reports"), [0, 7]);
    }
}
