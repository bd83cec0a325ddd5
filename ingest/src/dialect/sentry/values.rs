//! The values of an event's fields, each read from whatever JSON comes.

use super::lenient::{Fields, Lenient, read};
use crate::dialect::value::Key;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A text; numbers and booleans as they are written.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Text<'a>(pub Cow<'a, str>);

impl Text<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn to_owned(&self) -> String {
        self.0.as_ref().to_owned()
    }

    /// This or, where it is empty, the other.
    pub(super) fn or<'s>(&'s self, other: &'s Self) -> &'s str {
        if self.is_empty() { &other.0 } else { &self.0 }
    }
}

impl<'de> Lenient<'de> for Text<'de> {
    fn text(text: Cow<'de, str>) -> Self {
        Self(text)
    }

    fn integer(number: i64) -> Self {
        Self(Cow::Owned(number.to_string()))
    }

    fn real(number: f64) -> Self {
        Self(Cow::Owned(number.to_string()))
    }

    fn boolean(value: bool) -> Self {
        Self(Cow::Borrowed(if value { "true" } else { "false" }))
    }
}

/// A whole number, also one in a text.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Whole(pub Option<i64>);

impl<'de> Lenient<'de> for Whole {
    fn text(text: Cow<'de, str>) -> Self {
        Self(text.trim().parse().ok())
    }

    fn integer(number: i64) -> Self {
        Self(Some(number))
    }

    fn real(number: f64) -> Self {
        // A cast of a float saturates.
        Self(number.is_finite().then_some(number as i64))
    }
}

/// A number.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Real(pub Option<f64>);

impl<'de> Lenient<'de> for Real {
    fn real(number: f64) -> Self {
        Self(Some(number))
    }
}

/// `true` or `false`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Flag(pub Option<bool>);

impl<'de> Lenient<'de> for Flag {
    fn boolean(value: bool) -> Self {
        Self(Some(value))
    }
}

/// A list, `{"values": list}` or one object: the last `MOST` of its items, since the newest stand last.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct List<T, const MOST: usize>(pub Vec<T>);

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de> + Fields<'de>, const MOST: usize> Lenient<'de> for List<T, MOST> {
    fn list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        newest(list, MOST).map(Self)
    }

    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let (mut single, mut values) = (None, None);
        while let Some(name) = object.next_key::<Key<'de>>()? {
            match &*name.0 {
                "values" => values = Some(object.next_value::<Self>()?),
                _ => single.get_or_insert_with(T::default).field(name, &mut object)?,
            }
        }
        Ok(values.unwrap_or_else(|| Self(single.into_iter().collect())))
    }
}

impl<'de, T: Deserialize<'de> + Fields<'de>, const MOST: usize> Deserialize<'de> for List<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

/// A list of texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Texts<'a, const MOST: usize>(pub Vec<Text<'a>>);

impl<'de, const MOST: usize> Lenient<'de> for Texts<'de, MOST> {
    fn list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        newest(list, MOST).map(Self)
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Texts<'de, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

/// The last `most` items in memory for at most twice as many.
fn newest<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(mut list: A, most: usize) -> Result<Vec<T>, A::Error> {
    let mut items = Vec::new();
    while let Some(item) = list.next_element()? {
        if items.len() == 2 * most {
            items.drain(..most);
        }
        items.push(item);
    }
    items.drain(..items.len().saturating_sub(most));
    Ok(items)
}

/// Names with values: an object, a list of pairs, or a list of `{"key", "value"}`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Pairs<'a>(pub Vec<(Text<'a>, Text<'a>)>);

/// Most pairs that are kept.
const MOST_PAIRS: usize = 256;

impl<'de> Lenient<'de> for Pairs<'de> {
    fn list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let pairs = newest::<Pair<'de>, _>(list, MOST_PAIRS)?;
        Ok(Self(pairs.into_iter().map(|pair| (pair.name, pair.value)).collect()))
    }

    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut pairs = Vec::new();
        while let Some((name, value)) = object.next_entry::<Key<'de>, Text<'de>>()? {
            if pairs.len() < MOST_PAIRS {
                pairs.push((Text(name.0), value));
            }
        }
        Ok(Self(pairs))
    }
}

#[derive(Default)]
struct Pair<'a> {
    name: Text<'a>,
    value: Text<'a>,
}

impl<'de> Lenient<'de> for Pair<'de> {
    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let (name, value) = (list.next_element()?.unwrap_or_default(), list.next_element()?.unwrap_or_default());
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self { name, value })
    }

    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut pair = Self::default();
        while let Some(name) = object.next_key::<Key<'de>>()? {
            match &*name.0 {
                "key" => pair.name = object.next_value()?,
                "value" => pair.value = object.next_value()?,
                _ => object.next_value::<IgnoredAny>().map(|_| ())?,
            }
        }
        Ok(pair)
    }
}

/// A value that is kept as it was sent, beside what is read of it.
pub(super) type Raw<'a> = Option<&'a RawValue>;

macro_rules! lenient {
    ($($name:ty),+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read(deserializer)
            }
        }
    )+};
}

lenient!(Text<'de>, Whole, Real, Flag, Pairs<'de>, Pair<'de>);
