//! Times: seconds since 1970 with a fraction, or RFC 3339 with or without its zone (then UTC).

use super::lenient::{Lenient, read};
use chrono::{DateTime, NaiveDateTime, SecondsFormat};
use serde::de::{Deserialize, Deserializer};
use std::borrow::Cow;

/// Unix milliseconds; `None` where the value that was sent is not a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Timestamp(pub Option<i64>);

impl Timestamp {
    pub(super) fn of_text(text: &str) -> Self {
        let text = text.trim();
        if let Ok(seconds) = text.parse::<f64>() {
            return Self::real(seconds);
        }
        let zoned = DateTime::parse_from_rfc3339(text).map(|moment| moment.timestamp_millis());
        let utc = || {
            NaiveDateTime::parse_from_str(&text.replace(' ', "T"), "%Y-%m-%dT%H:%M:%S%.f").map(|moment| moment.and_utc().timestamp_millis())
        };
        Self(zoned.or_else(|_| utc()).ok())
    }

    /// As a log shows it; empty where there is no time.
    pub(super) fn shown(self) -> String {
        let moment = self.0.and_then(DateTime::from_timestamp_millis);
        moment.map_or_else(String::new, |moment| moment.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl<'de> Lenient<'de> for Timestamp {
    fn text(text: Cow<'de, str>) -> Self {
        Self::of_text(&text)
    }

    fn real(seconds: f64) -> Self {
        let milliseconds = (seconds * 1000.0).round();
        // Beyond the calendar it is no time; 0 is what clients send that never set it.
        let is_time = milliseconds.abs() < 8.64e15 && milliseconds != 0.0;
        Self(is_time.then_some(milliseconds as i64))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_form_of_a_time_is_read() {
        let expected = Some(1_763_700_000_250);
        for json in [
            "1763700000.25",
            "\"1763700000.25\"",
            "\"2025-11-21T04:40:00.250Z\"",
            "\"2025-11-21T04:40:00.2500000+00:00\"",
            "\"2025-11-21T12:40:00.250+08:00\"",
            "\"2025-11-21T04:40:00.250000\"",
            "\"2025-11-21 04:40:00.25\"",
        ] {
            assert_eq!(serde_json::from_str::<Timestamp>(json).unwrap(), Timestamp(expected), "{json}");
        }
        for json in ["0", "null", "\"昨天\"", "1e300", "{}", "[1]", "true", "\"\""] {
            assert_eq!(serde_json::from_str::<Timestamp>(json).unwrap(), Timestamp(None), "{json}");
        }
        assert_eq!(Timestamp(expected).shown(), "2025-11-21T04:40:00.250Z");
    }
}
