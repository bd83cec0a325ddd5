//! A log day as people write it.

use chrono::{DateTime, Days, NaiveDate};
use std::fmt;
use std::str::FromStr;

/// UTC day since 1970, as `log_day` in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogDay(pub u16);

impl LogDay {
    /// The id of the day's partition in the tables: `20261120`.
    #[must_use]
    pub fn partition_id(self) -> String {
        self.to_string().replace('-', "")
    }
}

impl fmt::Display for LogDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = NaiveDate::default() + Days::new(self.0.into());
        write!(f, "{}", date.format("%Y-%m-%d"))
    }
}

impl FromStr for LogDay {
    type Err = &'static str;

    /// Reads `2026-11-20`, or an RFC 3339 time: the UTC day that it lies in.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not a day (2026-11-20) or an RFC 3339 time (2026-11-20T08:00:00+08:00)";
        let date = match DateTime::parse_from_rfc3339(text) {
            Ok(time) => time.to_utc().date_naive(),
            Err(_) => NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| WRONG)?,
        };
        let days = date.signed_duration_since(NaiveDate::default()).num_days();
        u16::try_from(days).map(Self).map_err(|_| WRONG)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_day_reads_as_it_is_written() {
        for day in 0..=u16::MAX {
            assert_eq!(LogDay(day).to_string().parse(), Ok(LogDay(day)));
        }
        assert_eq!(LogDay(0).to_string(), "1970-01-01");
        assert_eq!(LogDay(20_779).to_string(), "2026-11-22");
    }

    #[test]
    fn a_time_lies_in_its_utc_day() {
        for (text, day) in [
            ("2026-11-22T00:00:00Z", "2026-11-22"),
            ("2026-11-22T07:59:59.999+08:00", "2026-11-21"),
            ("2026-11-22T08:00:00+08:00", "2026-11-22"),
            ("2026-12-31t20:00:00-05:00", "2027-01-01"),
        ] {
            assert_eq!(text.parse::<LogDay>().unwrap().to_string(), day, "{text}");
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in
            ["", "2026-02-30", "2026-13-01", "1969-12-31", "2026-11-22T10:00:00", "2026-11-22T25:00:00Z", "昨天", "2026-11", "-1-01-01"]
        {
            assert!(text.parse::<LogDay>().is_err(), "{text}");
        }
    }
}
