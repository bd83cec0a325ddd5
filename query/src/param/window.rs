//! The window of a ranking: a day or several, and the day before a single one.

use super::{Block, Context, Text, TimeRange, days};
use crate::error::Error;
use crate::store::{Bind, Statement};
use crate::zone::{DAY, HOUR};
use schemars::JsonSchema;
use serde::Deserialize;
use std::ops::Range;

/// How a [`Window`] is spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Window")]
pub struct WindowFields {
    /// One day, `yyyyMMdd`; today where no day is named at all.
    date: Option<Text>,
    /// First of several days, `yyyyMMdd`.
    min_date: Option<Text>,
    /// Last of several days, inclusive, `yyyyMMdd`.
    max_date: Option<Text>,
}

/// The days of a ranking: Unix seconds, half open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window(pub Range<i64>);

impl Window {
    /// Whether it is a single day, which is compared with the day before.
    #[must_use]
    pub fn is_one_day(&self) -> bool {
        self.0.end - self.0.start == DAY
    }

    /// The day before a single day; several days have none.
    #[must_use]
    pub fn with_day_before(&self) -> TimeRange {
        let days = if self.is_one_day() { DAY } else { 0 };
        TimeRange(self.0.start - days..self.0.end)
    }

    /// The hour of UTC that ended last, by the end of the window or by `now` (Unix milliseconds).
    #[must_use]
    pub fn last_hour(&self, now: i64) -> i64 {
        let end = now.div_euclid(1000).min(self.0.end);
        end - end.rem_euclid(HOUR) - HOUR
    }
}

impl Block for Window {
    type Fields = WindowFields;

    fn check(fields: WindowFields, context: &Context<'_>) -> Result<Self, Error> {
        let (zone, most) = (context.settings.time_zone, context.settings.limits.days);
        let one = |name, day: &Text| days((name, Some(day)), (name, Some(day)), zone, 1);
        let range = match (&fields.date, &fields.min_date, &fields.max_date) {
            (_, Some(first), Some(last)) => days(("minDate", Some(first)), ("maxDate", Some(last)), zone, most)?,
            (_, Some(day), None) => one("minDate", day)?,
            (_, None, Some(day)) => one("maxDate", day)?,
            (Some(day), None, None) => one("date", day)?,
            (None, None, None) => {
                let today = zone.midnight(context.now.div_euclid(1000));
                TimeRange(today..today + DAY)
            }
        };
        Ok(Self(range.0))
    }
}

impl Bind for Window {
    const BLOCK: &'static str = "window";
    const NAMES: &'static [&'static str] = &["before", "from", "to"];

    fn bind(&self, statement: Statement) -> Statement {
        statement.time("before", self.with_day_before().0.start).time("from", self.0.start).time("to", self.0.end)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::param::tests::{NOW, TODAY, checked};
    use serde_json::json;

    #[test]
    fn the_window_is_a_day_or_several() {
        let days = |fields| checked::<Window>(fields).unwrap().0;
        assert_eq!(days(json!({})), TODAY..TODAY + DAY);
        assert_eq!(days(json!({"date": "20231208"})), TODAY..TODAY + DAY);
        assert_eq!(days(json!({"minDate": 20_231_207, "maxDate": "20231208"})), TODAY - DAY..TODAY + DAY);
        assert_eq!(days(json!({"minDate": "20231207"})), TODAY - DAY..TODAY);
        let refused = |fields| checked::<Window>(fields).unwrap_err();
        assert_eq!(refused(json!({"date": "today"})), "date: expected a day as yyyyMMdd");
        assert_eq!(refused(json!({"minDate": "20231208", "maxDate": "20231207"})), "maxDate: expected a day that is not before minDate");
    }

    #[test]
    fn the_last_hour_has_ended() {
        let last_hour = |fields| checked::<Window>(fields).unwrap().last_hour(NOW);
        assert_eq!(last_hour(json!({})), TODAY + 12 * HOUR);
        assert_eq!(last_hour(json!({"date": "20231201"})), TODAY - 6 * DAY - HOUR);
    }
}
