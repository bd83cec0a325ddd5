//! A log day as people write it.

use std::fmt;
use std::str::FromStr;

/// UTC day since 1970, as `log_day` in the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogDay(pub u16);

impl fmt::Display for LogDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(i64::from(self.0));
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for LogDay {
    type Err = &'static str;

    /// Reads `2026-11-20`, or an RFC 3339 time: the UTC day that it lies in.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "not a day (2026-11-20) or an RFC 3339 time (2026-11-20T08:00:00+08:00)";
        days(text).and_then(|days| u16::try_from(days).ok()).map(Self).ok_or(WRONG)
    }
}

fn days(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let [year, month, day] = numbers(date, '-')?;
    let date = since_1970(year, month, day);
    if civil(date) != (year, month, day) {
        return None;
    }
    Some(date + time.map_or(Some(0), days_beside)?)
}

/// How many days before or after the written date a written time lies in UTC.
fn days_beside(time: &str) -> Option<i64> {
    let (clock, offset) = match time.strip_suffix(['Z', 'z']) {
        Some(clock) => (clock, 0),
        None => {
            let (clock, zone) = time.split_at(time.rfind(['+', '-'])?);
            let [hours, minutes] = numbers(&zone[1..], ':')?;
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            (clock, (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))?)
        }
    };
    let whole = clock.split_once('.').map_or(clock, |(whole, _)| whole);
    let [hour, minute, second] = numbers(whole, ':')?;
    let is_time = hour < 24 && minute < 60 && second < 61;
    is_time.then(|| (hour * 60 + minute - offset).div_euclid(24 * 60))
}

fn numbers<const N: usize>(text: &str, between: char) -> Option<[i64; N]> {
    let is_plain = |part: &&str| part.len() >= 2 && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<i64> = text.split(between).map(|part| Some(part).filter(is_plain)?.parse().ok()).collect::<Option<_>>()?;
    parts.try_into().ok()
}

/// DailyTables of the proleptic Gregorian calendar since 1970: years counted from March have their leap day last.
fn since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year - 719_468
}

/// The year, month and day of a day since 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (shift, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    (year + era * 400 + shift, month, day)
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
