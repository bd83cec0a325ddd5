//! The clock of the API's date strings: a fixed offset from UTC.
//!
//! The tables know hours of UTC. In a zone that is not a whole number of hours away, an hour of UTC counts in the local hour that holds its
//! beginning: with +05:30 the local hour 05 is 00:00 to 01:00 UTC, half an hour later than the label says.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// Seconds of an hour.
pub const HOUR: i64 = 3_600;
/// Seconds of a day.
pub const DAY: i64 = 24 * HOUR;

/// Offset from UTC, east positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Zone {
    seconds: i32,
}

/// What was wrong with a text that should have been an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an offset from UTC such as \"+08:00\", \"-03:30\" or \"Z\"")]
pub struct ParseZoneError;

impl Zone {
    /// Offset from UTC in seconds.
    #[must_use]
    pub fn seconds(self) -> i32 {
        self.seconds
    }

    /// `yyyyMMdd` as the Unix second of that midnight; also `yyyy-MM-dd`.
    #[must_use]
    pub fn day(self, text: &str) -> Option<i64> {
        let digits = digits_of(text, 8)?;
        self.moment(&digits, "00")
    }

    /// `yyyyMMddHH` as the Unix second at which that hour begins.
    #[must_use]
    pub fn hour(self, text: &str) -> Option<i64> {
        let digits = digits_of(text, 10)?;
        let (day, hour) = digits.split_at_checked(8)?;
        self.moment(day, hour)
    }

    /// The midnight at or before a Unix second.
    #[must_use]
    pub fn midnight(self, second: i64) -> i64 {
        let local = second + i64::from(self.seconds);
        local - local.rem_euclid(DAY) - i64::from(self.seconds)
    }

    /// `yyyyMMdd` of a Unix second.
    #[must_use]
    pub fn day_label(self, second: i64) -> String {
        self.local(second.saturating_mul(1000)).format("%Y%m%d").to_string()
    }

    /// `yyyyMMddHH` of a Unix second.
    #[must_use]
    pub fn hour_label(self, second: i64) -> String {
        self.local(second.saturating_mul(1000)).format("%Y%m%d%H").to_string()
    }

    /// `yyyy-MM-dd HH:mm:ss SSS` of a Unix millisecond: issue level.
    #[must_use]
    pub fn milliseconds(self, milliseconds: i64) -> String {
        self.local(milliseconds).format("%Y-%m-%d %H:%M:%S %3f").to_string()
    }

    /// `yyyy-MM-dd HH:mm:ss` of a Unix millisecond: report level.
    #[must_use]
    pub fn to_the_second(self, milliseconds: i64) -> String {
        self.local(milliseconds).format("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn local(self, milliseconds: i64) -> NaiveDateTime {
        utc(milliseconds.saturating_add(i64::from(self.seconds) * 1000)).naive_utc()
    }

    /// What the tables' `DateTime` can hold, less a margin for any zone.
    fn moment(self, day: &str, hour: &str) -> Option<i64> {
        let date = NaiveDate::parse_from_str(day, "%Y%m%d").ok()?;
        let hour: u32 = hour.parse().ok()?;
        let second = date.and_hms_opt(hour, 0, 0)?.and_utc().timestamp() - i64::from(self.seconds);
        (DAY..=i64::from(u32::MAX) - 366 * DAY).contains(&second).then_some(second)
    }
}

/// `yyyy-MM-ddTHH:mm:ss.SSS+0000` of a Unix millisecond.
#[must_use]
pub fn iso_utc(milliseconds: i64) -> String {
    utc(milliseconds).format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// RFC 3339 in UTC with milliseconds of a Unix millisecond.
#[must_use]
pub fn rfc3339(milliseconds: i64) -> String {
    utc(milliseconds).to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// `yyyy-MM-dd HH:mm:ss` in UTC of a Unix second, as a parameter of type DateTime takes it.
#[must_use]
pub fn sql_time(second: i64) -> String {
    utc(second.saturating_mul(1000)).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time out of chrono's range shows as the epoch: a client's clock may say anything.
fn utc(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
}

/// The digits of a text of digits and separators, if there are exactly `count`.
fn digits_of(text: &str, count: usize) -> Option<String> {
    let separator = |c: char| matches!(c, '-' | ' ' | 'T');
    let digits: String = text.trim().chars().filter(|c| !separator(*c)).collect();
    (digits.len() == count && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
}

impl Default for Zone {
    /// +08:00: by evidence the zone of the API that is spoken here.
    fn default() -> Self {
        Self { seconds: 8 * 3600 }
    }
}

impl FromStr for Zone {
    type Err = ParseZoneError;

    fn from_str(text: &str) -> Result<Self, ParseZoneError> {
        if matches!(text, "Z" | "UTC") {
            return Ok(Self { seconds: 0 });
        }
        let (sign, rest) = match text.split_at_checked(1) {
            Some(("+", rest)) => (1, rest),
            Some(("-", rest)) => (-1, rest),
            _ => return Err(ParseZoneError),
        };
        let (hours, minutes) = rest.split_once(':').ok_or(ParseZoneError)?;
        let number = |part: &str, most: i32| match part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()) {
            true => part.parse::<i32>().ok().filter(|value| *value <= most).ok_or(ParseZoneError),
            false => Err(ParseZoneError),
        };
        Ok(Self { seconds: sign * (number(hours, 14)? * 3600 + number(minutes, 59)? * 60) })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.seconds < 0 { '-' } else { '+' };
        let minutes = self.seconds.abs() / 60;
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.to_string()
    }
}

impl TryFrom<String> for Zone {
    type Error = ParseZoneError;

    fn try_from(text: String) -> Result<Self, ParseZoneError> {
        text.parse()
    }
}

impl JsonSchema for Zone {
    fn schema_name() -> Cow<'static, str> {
        "Zone".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "offset from UTC, such as \"+08:00\"" })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_documented_pair_agrees() {
        let zone = Zone::default();
        assert_eq!(zone.milliseconds(1_617_970_885_663), "2021-04-09 20:21:25 663");
        assert_eq!(zone.to_the_second(1_617_970_885_663), "2021-04-09 20:21:25");
        assert_eq!(iso_utc(1_617_970_885_663), "2021-04-09T12:21:25.663+0000");
        assert_eq!(rfc3339(1_617_970_885_663), "2021-04-09T12:21:25.663Z");
    }

    #[test]
    fn days_and_hours_are_read_in_the_zone() {
        let zone = Zone::default();
        assert_eq!(zone.day("20230705").map(sql_time).as_deref(), Some("2023-07-04 16:00:00"));
        assert_eq!(zone.hour("2023070523").map(sql_time).as_deref(), Some("2023-07-05 15:00:00"));
        assert_eq!(zone.day("2023-07-05"), zone.day("20230705"));
        let half: Zone = "+05:30".parse().unwrap();
        assert_eq!(half.hour("2023070500").map(sql_time).as_deref(), Some("2023-07-04 18:30:00"));
        for text in ["", "2023070", "20230732", "20231301", "２０２３０７０５", "00010101", "99991231", "2023070５"] {
            assert_eq!(zone.day(text), None, "{text}");
        }
        assert_eq!(zone.hour("2023070524"), None);
    }

    #[test]
    fn offsets_are_read_and_shown() {
        for text in ["+08:00", "-03:30", "+00:00", "+05:45"] {
            assert_eq!(text.parse::<Zone>().unwrap().to_string(), text);
        }
        assert_eq!("Z".parse::<Zone>().unwrap().seconds(), 0);
        for text in ["", "8", "+8:00", "08:00", "+08:60", "+15:00", "+東京", "+-1:00"] {
            assert!(text.parse::<Zone>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn labels_are_read_back(second in 100_000_000_i64..4_000_000_000, minutes in -720_i32..=840) {
            let zone = Zone { seconds: minutes * 60 };
            let midnight = zone.midnight(second);
            prop_assert!(midnight <= second && second < midnight + DAY);
            prop_assert_eq!(zone.day(&zone.day_label(second)), Some(midnight));
            let hour = zone.hour(&zone.hour_label(second)).unwrap();
            prop_assert!(hour <= second && second < hour + HOUR);
        }

        #[test]
        fn no_text_breaks_the_reader(text in ".{0,24}") {
            let _ = (Zone::default().day(&text), Zone::default().hour(&text), text.parse::<Zone>());
        }
    }
}
