//! Values that callers spell in several ways: a number as text, a list as JSON inside a text.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::borrow::Cow;
use std::ops::Deref;

/// Text, or a number or boolean that stands for its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(pub String);

/// A whole number, or a text that spells one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Integer(pub i64);

/// A boolean, or 0, 1, "true", "false" in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flag(pub bool);

/// A list of texts: an array, an array as JSON in a text, or one text alone. Empty texts are dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextList(pub Vec<String>);

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A single value as a text.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Some clients send `1.0` or `3.6e6`. Beyond 2^53 a float does not know its integer.
#[allow(clippy::cast_possible_truncation)]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64)
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        other => match scalar(other)?.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
    }
}

fn list(value: &Value) -> Option<Vec<String>> {
    let texts = match value {
        Value::Array(values) => values.iter().map(scalar).collect::<Option<Vec<_>>>()?,
        other => {
            let text = scalar(other)?;
            match text.starts_with('[') {
                true => serde_json::from_str::<Vec<Value>>(&text).ok()?.iter().map(scalar).collect::<Option<Vec<_>>>()?,
                false => vec![text],
            }
        }
    };
    Some(texts.into_iter().filter(|text| !text.is_empty()).collect())
}

macro_rules! lenient {
    ($name:ident, $read:ident, $expected:literal, $schema:tt) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = Value::deserialize(deserializer)?;
                $read(&value).map(Self).ok_or_else(|| D::Error::custom(concat!("expected ", $expected)))
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

lenient!(Text, scalar, "a text", { "type": ["string", "number"] });
lenient!(Integer, integer, "a whole number", { "type": ["integer", "string"] });
lenient!(Flag, flag, "true or false", { "type": ["boolean", "string", "integer"] });
lenient!(TextList, list, "a list of texts", { "type": ["array", "string"], "items": { "type": "string" } });

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read<T: serde::de::DeserializeOwned>(value: Value) -> Option<T> {
        serde_json::from_value(value).ok()
    }

    #[test]
    fn numbers_may_be_texts_and_texts_numbers() {
        for value in [json!(10), json!("10"), json!(" 10 "), json!(10.0)] {
            assert_eq!(read::<Integer>(value), Some(Integer(10)));
        }
        for value in [json!("ten"), json!(1.5), json!(null), json!([1]), json!(""), json!(1e300), json!("１０")] {
            assert_eq!(read::<Integer>(value.clone()), None, "{value}");
        }
        assert_eq!(read::<Text>(json!(20_230_705)), Some(Text("20230705".to_owned())));
        assert_eq!(read::<Text>(json!({"a": 1})), None);
    }

    #[test]
    fn lists_may_be_json_in_a_text() {
        let expected = Some(TextList(vec!["1.0".to_owned(), "中国".to_owned()]));
        assert_eq!(read(json!(["1.0", "中国", ""])), expected);
        assert_eq!(read(json!(r#"["1.0", "中国"]"#)), expected);
        assert_eq!(read(json!("[]")), Some(TextList::default()));
        assert_eq!(read(json!("")), Some(TextList::default()));
        assert_eq!(read(json!("1.0")), Some(TextList(vec!["1.0".to_owned()])));
        assert_eq!(read::<TextList>(json!("[1.0")), None);
        assert_eq!(read::<TextList>(json!([["a"]])), None);
    }

    #[test]
    fn flags_have_several_spellings() {
        for value in [json!(true), json!("True"), json!("1"), json!(1)] {
            assert_eq!(read::<Flag>(value), Some(Flag(true)));
        }
        assert_eq!(read::<Flag>(json!("false")), Some(Flag(false)));
        assert_eq!(read::<Flag>(json!("yes")), None);
    }

    proptest! {
        #[test]
        fn an_integer_reads_the_same_in_every_spelling(number: i64) {
            prop_assert_eq!(read::<Integer>(json!(number)), Some(Integer(number)));
            prop_assert_eq!(read::<Integer>(json!(number.to_string())), Some(Integer(number)));
        }

        #[test]
        fn a_list_reads_the_same_in_every_spelling(texts in proptest::collection::vec("[a-z0-9.*中文 ]{1,8}", 0..5)) {
            let expected = read::<TextList>(json!(texts));
            let inside = serde_json::to_string(&texts).unwrap();
            prop_assert_eq!(read::<TextList>(json!(inside)), expected);
        }

        #[test]
        fn no_text_breaks_a_reader(text in ".{0,40}") {
            let value = json!(text);
            let _ = (read::<Integer>(value.clone()), read::<Flag>(value.clone()), read::<TextList>(value));
        }
    }
}
