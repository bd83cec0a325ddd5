//! The values of an event's fields, each read from whatever JSON comes.

use super::lenient::{Fields, Lenient, read};
use crate::dialect::bounds::PAIRS;
use crate::dialect::cut::copied;
use crate::dialect::value::Key;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::VecDeque;

/// Beyond these a number is written with an exponent, as JavaScript does.
const SMALLEST_PLAIN: f64 = 1e-6;
const LARGEST_PLAIN: f64 = 1e21;

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

    /// A copy that is to be cut to a bound.
    pub(super) fn copied(&self, limit: usize) -> String {
        copied(&self.0, limit)
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
        // Written out, a number of five bytes has three hundred digits.
        let is_plain = number == 0.0 || (SMALLEST_PLAIN..LARGEST_PLAIN).contains(&number.abs());
        Self(Cow::Owned(if is_plain { number.to_string() } else { format!("{number:e}") }))
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

/// A list, `{"values": list}` or one object: the last `MOST` of its items, since the newest stand last; and whether there were
/// more.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct List<T, const MOST: usize>(pub Vec<T>, pub bool);

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        Self(Vec::new(), false)
    }
}

impl<'de, T: Deserialize<'de> + Fields<'de>, const MOST: usize> Lenient<'de> for List<T, MOST> {
    fn list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        newest(list, MOST).map(|(items, is_cut)| Self(items, is_cut))
    }

    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let (mut single, mut values) = (None, None);
        while let Some(name) = object.next_key::<Key<'de>>()? {
            match &*name.0 {
                "values" => values = Some(object.next_value::<Self>()?),
                _ => single.get_or_insert_with(T::default).field(name, &mut object)?,
            }
        }
        Ok(values.unwrap_or_else(|| Self(single.into_iter().collect(), false)))
    }
}

impl<'de, T: Deserialize<'de> + Fields<'de>, const MOST: usize> Deserialize<'de> for List<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

/// A list of texts, the last `MOST`; and whether there were more.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Texts<'a, const MOST: usize>(pub Vec<Text<'a>>, pub bool);

impl<'de, const MOST: usize> Lenient<'de> for Texts<'de, MOST> {
    fn list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        newest(list, MOST).map(|(items, is_cut)| Self(items, is_cut))
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Texts<'de, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

/// The last `most` items, and whether there were more; never more of them in memory.
fn newest<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(mut list: A, most: usize) -> Result<(Vec<T>, bool), A::Error> {
    let (mut items, mut is_cut) = (VecDeque::new(), false);
    while let Some(item) = list.next_element()? {
        if items.len() == most {
            items.pop_front();
            is_cut = true;
        }
        items.push_back(item);
    }
    Ok((items.into(), is_cut))
}

/// Names with values: an object, a list of pairs, or a list of `{"key", "value"}`; and whether there were more.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Pairs<'a>(pub Vec<(Text<'a>, Text<'a>)>, pub bool);

impl<'de> Lenient<'de> for Pairs<'de> {
    fn list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        let (pairs, is_cut) = newest::<Pair<'de>, _>(list, PAIRS)?;
        Ok(Self(pairs.into_iter().map(|pair| (pair.name, pair.value)).collect(), is_cut))
    }

    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let (mut pairs, mut is_cut) = (Vec::new(), false);
        while let Some((name, value)) = object.next_entry::<Key<'de>, Text<'de>>()? {
            if pairs.len() < PAIRS {
                pairs.push((Text(name.0), value));
            } else {
                is_cut = true;
            }
        }
        Ok(Self(pairs, is_cut))
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
