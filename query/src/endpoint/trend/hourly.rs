//! `getRealTimeHourlyStatEx`: counts and devices inside each hour.

use crate::envelope::A;
use crate::error::{Error, invalid};
use crate::operation::{Asked, Operation};
use crate::store::Statement;
use crate::trend::{self, Frame, Gap, TrendParameters, TrendPoint};
use crate::zone::{HOUR, Zone};
use service::http::Method;
use std::ops::Range;

/// The hourly trend.
pub struct HourlyTrend {
    pub zone: Zone,
    pub plain_device_sums: bool,
    /// Hours of one answer.
    pub most: u32,
    /// Points of one answer.
    pub most_points: usize,
}

impl Operation for HourlyTrend {
    const METHODS: &'static [Method] = &[Method::POST, Method::GET];
    crate::paths!("getRealTimeHourlyStatEx");
    const SUMMARY: &'static str = "Hourly trend";
    type Envelope = A;
    type Parameters = TrendParameters;
    type Answer = Vec<TrendPoint>;

    async fn answer(&self, asked: Asked<TrendParameters>) -> Result<Vec<TrendPoint>, Error> {
        let Asked { target, parameters, store, .. } = asked;
        let hours = hours(&parameters, self.zone, self.most)?;
        let selection = parameters.selection(self.plain_device_sums)?.resolved(&store, &target, hours.clone()).await?;
        let statement = Statement::from_projections(include_str!("hourly_trend.sql")).time("from", hours.start).time("to", hours.end);
        let (statement, zone) = (selection.bind(statement, &target), self.zone);
        let buckets = u32::try_from((hours.end - hours.start) / HOUR).unwrap_or_default();
        let frame = Frame { buckets: 0..buckets, gap: Gap::Zero, most: self.most_points };
        let date = move |bucket| zone.hour_label(hours.start + i64::from(bucket) * HOUR);
        store.fold(statement, move |rows| trend::points(rows, frame, (&selection, &target), date)).await?
    }
}

/// The hours asked for, as Unix seconds, half open.
///
/// # Errors
/// No range, none that is one, or one longer than `most`.
pub fn hours(parameters: &TrendParameters, zone: Zone, most: u32) -> Result<Range<i64>, Error> {
    let (start, end) = parameters.range();
    let hour = |name: &str, text: Option<&crate::param::Text>| {
        let text = text.ok_or_else(|| invalid(name, "missing"))?;
        zone.hour(text).ok_or_else(|| invalid(name, "expected an hour as yyyyMMddHH"))
    };
    let (start, last) = (hour("startDate", start)?, hour("endDate", end)?);
    if last < start {
        return Err(invalid("endDate", "expected an hour that is not before startDate"));
    }
    let end = last + HOUR;
    match (end - start) / HOUR > i64::from(most) {
        true => Err(invalid("endDate", format!("expected at most {most} hours"))),
        false => Ok(start..end),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_range_is_inclusive_and_bounded() {
        let of = |text: &str| hours(&serde_json::from_str(text).unwrap(), Zone::default(), 24);
        assert_eq!(of(r#"{"startDate":"2023070500","endDate":2023070523}"#).unwrap(), 1_688_486_400..1_688_572_800);
        assert_eq!(of(r#"{"startHour":"2023070500","endHour":"2023070500"}"#).unwrap().end, 1_688_486_400 + HOUR);
        for (text, message) in [
            (r#"{"endDate":"2023070500"}"#, "startDate: missing"),
            (r#"{"startDate":"20230705","endDate":"2023070500"}"#, "startDate: expected an hour as yyyyMMddHH"),
            (r#"{"startDate":"2023070501","endDate":"2023070500"}"#, "endDate: expected an hour that is not before startDate"),
            (r#"{"startDate":"2023070500","endDate":"2023070600"}"#, "endDate: expected at most 24 hours"),
        ] {
            assert_eq!(of(text).unwrap_err().to_string(), message);
        }
    }
}
