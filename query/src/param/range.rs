//! Ranges of hours and of days, by the clock of the service's zone.

use super::{Block, Context, Text};
use crate::error::{Error, invalid};
use crate::store::{Bind, Statement};
use crate::zone::{DAY, HOUR, Zone};
use schemars::JsonSchema;
use serde::Deserialize;
use std::ops::Range;

/// How an [`HourRange`] is spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "HourRange")]
pub struct HourRangeFields {
    /// First hour, as `yyyyMMddHH`.
    start_date: Option<Text>,
    /// Last hour, inclusive; same form as startDate.
    end_date: Option<Text>,
    /// Other name of startDate; used where that is absent.
    start_hour: Option<Text>,
    /// Other name of endDate; used where that is absent.
    end_hour: Option<Text>,
}

/// How a [`DayRange`] is spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DayRange")]
pub struct DayRangeFields {
    /// First day, as `yyyyMMdd`.
    start_date: Option<Text>,
    /// Last day, inclusive; same form as startDate.
    end_date: Option<Text>,
    /// Other name of startDate; used where that is absent.
    start_hour: Option<Text>,
    /// Other name of endDate; used where that is absent.
    end_hour: Option<Text>,
}

/// A range of time: Unix seconds, half open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeRange(pub Range<i64>);

/// A range of whole hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourRange(pub TimeRange);

/// A range of whole days of the zone, of as many days as a trend may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRange(pub TimeRange);

impl HourRange {
    /// The range, where it has at most `most` hours.
    ///
    /// # Errors
    /// It has more.
    pub fn within(self, most: u32) -> Result<TimeRange, Error> {
        let Self(range) = self;
        match range.seconds() / HOUR > i64::from(most) {
            true => Err(invalid("endDate", format!("expected at most {most} hours"))),
            false => Ok(range),
        }
    }
}

impl TimeRange {
    /// All hours that the tables can hold.
    pub const ALL_TIME: Self = Self(0..u32::MAX as i64);

    /// How long it is.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.0.end - self.0.start
    }
}

impl Block for HourRange {
    type Fields = HourRangeFields;

    fn check(fields: HourRangeFields, context: &Context<'_>) -> Result<Self, Error> {
        let hour = |name: &str, text: Option<Text>| {
            let text = text.ok_or_else(|| invalid(name, "missing"))?;
            context.settings.time_zone.hour(&text).ok_or_else(|| invalid(name, "expected an hour as yyyyMMddHH"))
        };
        let start = hour("startDate", fields.start_date.or(fields.start_hour))?;
        let last = hour("endDate", fields.end_date.or(fields.end_hour))?;
        match last < start {
            true => Err(invalid("endDate", "expected an hour that is not before startDate")),
            false => Ok(Self(TimeRange(start..last + HOUR))),
        }
    }
}

impl Block for DayRange {
    type Fields = DayRangeFields;

    fn check(fields: DayRangeFields, context: &Context<'_>) -> Result<Self, Error> {
        let (first, last) = (fields.start_date.or(fields.start_hour), fields.end_date.or(fields.end_hour));
        let settings = context.settings;
        days(("startDate", first.as_ref()), ("endDate", last.as_ref()), settings.time_zone, settings.limits.days).map(Self)
    }
}

impl Bind for TimeRange {
    const BLOCK: &'static str = "range";
    const NAMES: &'static [&'static str] = &["from", "to"];

    fn bind(&self, statement: Statement) -> Statement {
        statement.time("from", self.0.start).time("to", self.0.end)
    }
}

/// The days between two named parameters, both inclusive.
///
/// # Errors
/// One is missing or is not a day, the last is before the first, or there are more than `most` days.
pub fn days(first: (&str, Option<&Text>), last: (&str, Option<&Text>), zone: Zone, most: u32) -> Result<TimeRange, Error> {
    let day = |(name, text): (&str, Option<&Text>)| {
        let text = text.ok_or_else(|| invalid(name, "missing"))?;
        zone.day(text).ok_or_else(|| invalid(name, "expected a day as yyyyMMdd"))
    };
    let range = TimeRange(day(first)?..day(last)? + DAY);
    if range.seconds() <= 0 {
        return Err(invalid(last.0, format!("expected a day that is not before {}", first.0)));
    }
    match range.seconds() / DAY > i64::from(most) {
        true => Err(invalid(last.0, format!("expected at most {most} days"))),
        false => Ok(range),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::param::tests::checked;
    use serde_json::json;

    #[test]
    fn a_range_of_hours_is_inclusive_and_bounded() {
        let of = |fields| checked::<HourRange>(fields).and_then(|hours| hours.within(24).map_err(|error| error.to_string()));
        let day = 1_688_486_400;
        assert_eq!(of(json!({"startDate": "2023070500", "endDate": 2_023_070_523})).unwrap().0, day..day + DAY);
        assert_eq!(of(json!({"startHour": "2023070500", "endHour": "2023070500"})).unwrap().0.end, day + HOUR);
        for (fields, message) in [
            (json!({"endDate": "2023070500"}), "startDate: missing"),
            (json!({"startDate": "20230705", "endDate": "2023070500"}), "startDate: expected an hour as yyyyMMddHH"),
            (json!({"startDate": "2023070501", "endDate": "2023070500"}), "endDate: expected an hour that is not before startDate"),
            (json!({"startDate": "2023070500", "endDate": "2023070600"}), "endDate: expected at most 24 hours"),
        ] {
            assert_eq!(of(fields).unwrap_err(), message);
        }
    }

    #[test]
    fn both_ends_of_a_range_of_days_count() {
        let text = |text: &str| Some(Text(text.to_owned()));
        let of = |first: Option<Text>, last: Option<Text>| {
            days(("startDate", first.as_ref()), ("endDate", last.as_ref()), Zone::default(), 30).map_err(|error| error.to_string())
        };
        assert_eq!(of(text("20230605"), text("20230704")).unwrap().0, 1_685_894_400..1_685_894_400 + 30 * DAY);
        assert_eq!(of(text("20230605"), text("20230705")).unwrap_err(), "endDate: expected at most 30 days");
        assert_eq!(of(text("20230605"), None).unwrap_err(), "endDate: missing");
        assert_eq!(of(text("6月5日"), None).unwrap_err(), "startDate: expected a day as yyyyMMdd");
        assert!(of(text("20230605"), text("20230604")).is_err());
    }
}
