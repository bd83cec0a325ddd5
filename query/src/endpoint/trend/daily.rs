//! `getTrendEx`: counts and devices of each day.

use crate::envelope::A;
use crate::error::{Error, invalid};
use crate::operation::{Asked, Operation};
use crate::param::Text;
use crate::store::Statement;
use crate::trend::{self, Frame, Gap, TrendParameters, TrendPoint};
use crate::zone::{DAY, Zone};
use service::http::Method;
use std::ops::Range;

/// The daily trend.
pub struct DailyTrend {
    pub zone: Zone,
    pub plain_device_sums: bool,
    /// Days of one answer.
    pub most: u32,
    /// Points of one answer.
    pub most_points: usize,
}

impl Operation for DailyTrend {
    const METHODS: &'static [Method] = &[Method::POST, Method::GET];
    crate::paths!("getTrendEx");
    const SUMMARY: &'static str = "Daily trend";
    type Envelope = A;
    type Parameters = TrendParameters;
    type Answer = Vec<TrendPoint>;

    async fn answer(&self, asked: Asked<TrendParameters>) -> Result<Vec<TrendPoint>, Error> {
        let Asked { target, parameters, store, .. } = asked;
        let (start, end) = parameters.range();
        let days = days(("startDate", start), ("endDate", end), self.zone, self.most)?;
        let selection = parameters.selection(self.plain_device_sums)?.resolved(&store, &target, days.clone()).await?;
        let statement = Statement::from_projections(include_str!("daily_trend.sql")).time("from", days.start).time("to", days.end);
        let (statement, zone) = (selection.bind(statement, &target), self.zone);
        let buckets = u32::try_from((days.end - days.start) / DAY).unwrap_or_default();
        let frame = Frame { buckets: 0..buckets, gap: Gap::Zero, most: self.most_points };
        let date = move |bucket| zone.day_label(days.start + i64::from(bucket) * DAY);
        store.fold(statement, move |rows| trend::points(rows, frame, (&selection, &target), date)).await?
    }
}

/// The days between two named parameters, both inclusive, as Unix seconds, half open.
///
/// # Errors
/// No range, none that is one, or one longer than `most`.
pub fn days(first: (&str, Option<&Text>), last: (&str, Option<&Text>), zone: Zone, most: u32) -> Result<Range<i64>, Error> {
    let day = |(name, text): (&str, Option<&Text>)| {
        let text = text.ok_or_else(|| invalid(name, "missing"))?;
        zone.day(text).ok_or_else(|| invalid(name, "expected a day as yyyyMMdd"))
    };
    let (start, end) = (day(first)?, day(last)? + DAY);
    if end <= start {
        return Err(invalid(last.0, format!("expected a day that is not before {}", first.0)));
    }
    match (end - start) / DAY > i64::from(most) {
        true => Err(invalid(last.0, format!("expected at most {most} days"))),
        false => Ok(start..end),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_ends_count() {
        let text = |text: &str| Some(Text(text.to_owned()));
        let of =
            |first: Option<Text>, last: Option<Text>| days(("startDate", first.as_ref()), ("endDate", last.as_ref()), Zone::default(), 30);
        assert_eq!(of(text("20230605"), text("20230704")).unwrap(), 1_685_894_400..1_685_894_400 + 30 * DAY);
        assert_eq!(of(text("20230605"), text("20230705")).unwrap_err().to_string(), "endDate: expected at most 30 days");
        assert_eq!(of(text("20230605"), None).unwrap_err().to_string(), "endDate: missing");
        assert_eq!(of(text("6月5日"), None).unwrap_err().to_string(), "startDate: expected a day as yyyyMMdd");
        assert!(of(text("20230605"), text("20230604")).is_err());
    }
}
