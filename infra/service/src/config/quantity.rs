//! Typed quantities of a configuration: [`Span`] of time and [`Size`] in bytes.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::time::Duration;

/// A length of time, written `"500ms"`, `"30s"`, `"5m"`, `"2h"` or `"30d"` (also `us`, `ns`; `"0"` is no time).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

/// A number of bytes, written `"512B"`, `"1KiB"`, `"16MiB"`, `"2GiB"`, `"1TiB"` or as a plain number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

/// Why a text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct QuantityError {
    expected: &'static str,
    found: String,
}

const SPAN_FORM: &str = "a length of time such as \"500ms\", \"30s\", \"5m\", \"2h\" or \"30d\"";
const SIZE_FORM: &str = "a size such as \"512B\", \"64KiB\", \"16MiB\" or \"1GiB\"";

/// Largest first: the first that divides a value is the one it is shown in.
const SPAN_UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];
const SIZE_UNITS: [(&str, u128); 5] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl Span {
    /// A span of whole seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Span(Duration::from_secs(seconds))
    }

    /// A span of whole milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Span(Duration::from_millis(millis))
    }

    /// A span of whole days of 24 hours.
    pub const fn days(days: u64) -> Self {
        Span(Duration::from_secs(days * 86_400))
    }
}

impl Size {
    /// A size of whole kibibytes.
    pub const fn kib(kib: u64) -> Self {
        Size(kib << 10)
    }

    /// A size of whole mebibytes.
    pub const fn mib(mib: u64) -> Self {
        Size(mib << 20)
    }

    /// The size as a count in memory; the largest possible count where the machine cannot address as much.
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Deref for Span {
    type Target = Duration;
    fn deref(&self) -> &Duration {
        &self.0
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Span(duration)
    }
}

impl FromStr for Span {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error = || QuantityError { expected: SPAN_FORM, found: text.to_owned() };
        if text.trim() == "0" {
            return Ok(Span::default());
        }
        let nanos = parse(text, &SPAN_UNITS).ok_or_else(error)?;
        let seconds = u64::try_from(nanos / 1_000_000_000).map_err(|_| error())?;
        let rest = u32::try_from(nanos % 1_000_000_000).map_err(|_| error())?;
        Ok(Span(Duration::new(seconds, rest)))
    }
}

impl FromStr for Size {
    type Err = QuantityError;
    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error = || QuantityError { expected: SIZE_FORM, found: text.to_owned() };
        if let Ok(bytes) = text.trim().parse::<u64>() {
            return Ok(Size(bytes));
        }
        let bytes = parse(text, &SIZE_UNITS).ok_or_else(error)?;
        u64::try_from(bytes).map(Size).map_err(|_| error())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_nanos() {
            0 => f.write_str("0s"),
            nanos => show(nanos, &SPAN_UNITS, f),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0B"),
            bytes => show(u128::from(bytes), &SIZE_UNITS, f),
        }
    }
}

fn parse(text: &str, units: &[(&str, u128)]) -> Option<u128> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u128>().ok()?.checked_mul(*factor)
}

fn show(value: u128, units: &[(&str, u128)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (name, factor) in units {
        if value.is_multiple_of(*factor) {
            return write!(f, "{}{name}", value / factor);
        }
    }
    write!(f, "{value}")
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form::<Span>(SPAN_FORM, |number| match number {
            0 => Some(Span::default()),
            _ => None,
        }))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form::<Size>(SIZE_FORM, |number| Some(Size(number))))
    }
}

/// What was expected, and which plain numbers mean something without a unit.
struct Form<T>(&'static str, fn(u64) -> Option<T>);

impl<T: FromStr<Err = QuantityError>> de::Visitor<'_> for Form<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        let unsigned = u64::try_from(number);
        unsigned.ok().and_then(self.1).ok_or_else(|| E::custom(QuantityError { expected: self.0, found: number.to_string() }))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        (self.1)(number).ok_or_else(|| E::custom(QuantityError { expected: self.0, found: number.to_string() }))
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": SPAN_FORM, "pattern": "^[0-9]+(ns|us|ms|s|m|h|d)$" })
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": SIZE_FORM, "pattern": "^[0-9]+(B|KiB|MiB|GiB|TiB)$" })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_and_shows_the_usual_forms() {
        for (text, millis) in [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("0", 0)] {
            assert_eq!(text.parse::<Span>(), Ok(Span::millis(millis)), "{text}");
        }
        assert_eq!("30d".parse::<Span>(), Ok(Span::days(30)));
        assert_eq!(Span::millis(90_000).to_string(), "90s");
        assert_eq!(Span::default().to_string(), "0s");
        assert_eq!("16MiB".parse::<Size>(), Ok(Size::mib(16)));
        assert_eq!("1024".parse::<Size>(), Ok(Size::kib(1)));
        assert_eq!(Size::kib(1536).to_string(), "1536KiB");
        assert_eq!(Size(0).to_string(), "0B");
    }

    #[test]
    fn refuses_what_is_no_quantity() {
        for text in ["", "s", "30", "-1s", "1.5s", "1 week", "３０s", "30秒", "999999999999999999999999999d"] {
            let error = text.parse::<Span>().expect_err(text);
            assert!(error.to_string().contains("\"30s\""), "{error}");
        }
        for text in ["", "MiB", "-1", "1MB", "1.5MiB", "99999999999TiB"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_span_survives_its_text(seconds in any::<u64>(), nanos in 0_u32..1_000_000_000) {
            let span = Span(Duration::new(seconds, nanos));
            prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
        }

        #[test]
        fn round_spans_survive_their_text(number in 0_u64..1_000_000, unit in 0_usize..SPAN_UNITS.len()) {
            let text = format!("{number}{}", SPAN_UNITS[unit].0);
            let span: Span = text.parse().unwrap();
            prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
        }

        #[test]
        fn a_size_survives_its_text(bytes in any::<u64>(), zeros in 0_u32..41) {
            let size = Size(bytes >> zeros << zeros);
            prop_assert_eq!(size.to_string().parse::<Size>(), Ok(size));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,12}") {
            let _ = text.parse::<Span>();
            let _ = text.parse::<Size>();
        }
    }
}
