//! The values of known fields, where JSON and Rust differ.

use super::cut::beginning;
use serde::de::{self, Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;

/// The largest integer that every JSON reader keeps exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Bytes of a text that an error shows: a refusal shows no more of it either.
const SHOWN: usize = 240;

/// The error where a text stands instead of something else. It shows the beginning only: to write out all of a long text costs
/// far more than to read it.
pub(super) fn is_text<E: de::Error>(text: &str, expected: &dyn de::Expected) -> E {
    E::invalid_type(de::Unexpected::Str(beginning(text, SHOWN)), expected)
}

/// `true` or `false`.
pub(super) struct Boolean(pub bool);

impl<'de> Deserialize<'de> for Boolean {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BooleanVisitor)
    }
}

struct BooleanVisitor;

impl de::Visitor<'_> for BooleanVisitor {
    type Value = Boolean;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a boolean")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Boolean, E> {
        Ok(Boolean(value))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Boolean, E> {
        Err(is_text(text, &self))
    }
}

/// A number without a fraction, however it was written: `5`, `5.0`, `5e3`.
pub(super) struct Integer(pub i64);

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntegerVisitor)
    }
}

struct IntegerVisitor;

impl de::Visitor<'_> for IntegerVisitor {
    type Value = Integer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer of 64 bits")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Integer, E> {
        Err(is_text(text, &self))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Integer, E> {
        Ok(Integer(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Integer, E> {
        i64::try_from(number).map(Integer).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Integer, E> {
        if number.fract() == 0.0 && number.abs() <= EXACT {
            // In range and whole, so the cast is exact.
            Ok(Integer(number as i64))
        } else {
            Err(E::invalid_value(de::Unexpected::Float(number), &self))
        }
    }
}

/// A key of an object, borrowed where it has no escapes.
pub(super) struct Key<'de>(pub Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> de::Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(name)))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(name.to_owned())))
    }
}

/// Whether the JSON nests at most `limit` deep; the text is known to be well formed.
pub(super) fn is_shallow(json: &str, limit: usize) -> bool {
    // Nearly all have fewer brackets than the limit, whatever they mean, and counting bytes is quick.
    if count(json, |byte| matches!(byte, b'{' | b'[')) <= limit {
        return true;
    }
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json.bytes() {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'{' | b'[') => {
                depth += 1;
                if depth > limit {
                    return false;
                }
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// How many bytes of a text `is` accepts. Counted in pieces whose number fits a byte, so that the processor counts many at once.
pub(in crate::dialect) fn count(text: &str, is: impl Fn(u8) -> bool) -> usize {
    let in_piece = |piece: &[u8]| piece.iter().map(|byte| u8::from(is(*byte))).sum::<u8>();
    text.as_bytes().chunks(usize::from(u8::MAX)).map(|piece| usize::from(in_piece(piece))).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn whole_numbers_are_integers_however_written() {
        for (json, expected) in [("5", 5), ("-5", -5), ("5.0", 5), ("5e3", 5000), ("9223372036854775807", i64::MAX)] {
            assert_eq!(serde_json::from_str::<Integer>(json).map(|integer| integer.0).unwrap(), expected, "{json}");
        }
        for json in ["5.5", "1e300", "9223372036854775808", "\"5\"", "true", "[5]"] {
            assert!(serde_json::from_str::<Integer>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn every_byte_is_counted() {
        for length in [0, 1, 254, 255, 256, 510, 511, 10_000] {
            assert_eq!(count(&"\n".repeat(length), |byte| byte == b'\n'), length);
            assert_eq!(count(&"崩\n".repeat(length), |byte| byte == b'\n'), length);
        }
    }

    #[test]
    fn depth_counts_brackets_outside_of_texts() {
        assert!(is_shallow(r#"{"a":["[[[[","\"{{{{"]}"#, 2));
        assert!(!is_shallow(r#"{"a":[[1]]}"#, 2));
        assert!(is_shallow(r#"[[],[],[]]"#, 2));
    }
}
