//! Messages: a text, or a template with parameters that is filled in where the client did not.

use super::lenient::{Lenient, read};
use super::values::{Pairs, Text, Texts};
use crate::dialect::bounds::{MESSAGE, NAME, PARAMS};
use crate::dialect::value::Key;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess};
use std::borrow::Cow;
use std::collections::HashMap;

/// What parameters that are asked for again and again may add to a message.
const REPEATED: usize = 4 << 10;

/// A message as it was sent.
#[derive(Debug, Default)]
pub(super) struct Message<'a> {
    template: Text<'a>,
    formatted: Text<'a>,
    params: Params<'a>,
}

impl Message<'_> {
    /// The text for people; empty where there is none.
    pub(super) fn text(&self) -> Cow<'_, str> {
        if !self.formatted.is_empty() {
            return Cow::Borrowed(&self.formatted.0);
        }
        match &self.params {
            Params::Places(values) if !values.is_empty() => Cow::Owned(placed(&self.template.0, values)),
            Params::Names(pairs) if !pairs.0.is_empty() => Cow::Owned(named(&self.template.0, pairs)),
            Params::Places(_) | Params::Names(_) => Cow::Borrowed(&self.template.0),
        }
    }
}

impl<'de> Lenient<'de> for Message<'de> {
    fn text(text: Cow<'de, str>) -> Self {
        Self { template: Text(text), ..Self::default() }
    }

    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut this = Self::default();
        while let Some(name) = object.next_key::<Key<'de>>()? {
            match &*name.0 {
                "message" => this.template = object.next_value()?,
                "formatted" => this.formatted = object.next_value()?,
                "params" => this.params = object.next_value()?,
                _ => object.next_value::<IgnoredAny>().map(|_| ())?,
            }
        }
        Ok(this)
    }
}

impl<'de> Deserialize<'de> for Message<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

/// What is put in a template's places.
#[derive(Debug)]
enum Params<'a> {
    Places(Vec<Text<'a>>),
    Names(Pairs<'a>),
}

impl Default for Params<'_> {
    fn default() -> Self {
        Self::Places(Vec::new())
    }
}

impl<'de> Lenient<'de> for Params<'de> {
    fn list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Ok(Self::Places(Texts::<'de, PARAMS>::list(list)?.0))
    }

    fn object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        Pairs::object(object).map(Self::Names)
    }
}

impl<'de> Deserialize<'de> for Params<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

/// `%s`, `%d` and the like, and `{}`, in their order.
fn placed(template: &str, values: &[Text<'_>]) -> String {
    let room = room(template, values.iter());
    let mut values = values.iter();
    fill(template, room, |place| {
        let is_place = place.starts_with("{}") || place[1..].starts_with(['s', 'd', 'i', 'f', 'r', 'v']);
        let value = if is_place { values.next() } else { None };
        value.map(|value| (2, &*value.0))
    })
}

/// `{name}` and `%(name)s`.
fn named(template: &str, pairs: &Pairs<'_>) -> String {
    let mut values = HashMap::with_capacity(pairs.0.len());
    for (name, value) in &pairs.0 {
        values.entry(&*name.0).or_insert(&*value.0);
    }
    let (mut brackets, mut braces) = (NextEnd::of(")s"), NextEnd::of("}"));
    fill(template, room(template, pairs.0.iter().map(|(_, value)| value)), |place| {
        let at = template.len() - place.len();
        let (start, end, length) = match place.starts_with("%(") {
            true => (2, brackets.from(template, at)?, 2),
            false => (1, Some(&place[..1]).filter(|start| *start == "{").and_then(|_| braces.from(template, at))?, 1),
        };
        let name = template.get(at + start..end).filter(|name| name.len() <= NAME)?;
        Some((end + length - at, *values.get(name)?))
    })
}

/// Where the next end of a place stands. It is looked for once, not again for each place before it.
struct NextEnd {
    end: &'static str,
    /// From where on it was looked for last, and where it was found.
    known: Option<(usize, Option<usize>)>,
}

impl NextEnd {
    fn of(end: &'static str) -> Self {
        Self { end, known: None }
    }

    /// The first one from `at` on; places are asked for from left to right.
    fn from(&mut self, template: &str, at: usize) -> Option<usize> {
        match self.known {
            Some((from, found)) if from <= at && found.is_none_or(|found| found >= at) => found,
            _ => {
                let found = template[at..].find(self.end).map(|found| at + found);
                self.known = Some((at, found));
                found
            }
        }
    }
}

/// How long a message may become before its places stay as they are: a value may be asked for many times.
fn room<'v>(template: &str, values: impl Iterator<Item = &'v Text<'v>>) -> usize {
    let all = values.map(|value| value.0.len()).fold(template.len(), usize::saturating_add);
    all.saturating_add(REPEATED).min(MESSAGE)
}

/// Copies a template; `value_of` is shown the rest from each `%` and `{` on and says how long the place is and what goes there.
fn fill<'v>(template: &str, room: usize, mut value_of: impl FnMut(&str) -> Option<(usize, &'v str)>) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(at) = rest.find(['%', '{']).filter(|_| text.len() <= room) {
        text.push_str(&rest[..at]);
        let place = &rest[at..];
        let (length, value) = value_of(place).unwrap_or((1, &place[..1]));
        text.push_str(value);
        rest = &place[length..];
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn templates_are_filled_in_where_the_client_did_not() {
        let cases = [
            (r#""支付失败""#, "支付失败"),
            (r#"{"message":"order %s of %d: {}","params":["A7",3,"no"]}"#, "order A7 of 3: no"),
            (r#"{"message":"100% of {x} {}","params":["a"]}"#, "100% of {x} a"),
            (r#"{"message":"%s %s","params":["one"]}"#, "one %s"),
            (r#"{"message":"{Err} by %(who)s","params":{"Err":"满","who":"me"}}"#, "满 by me"),
            (r#"{"message":"{a}{a{b}} %(a)s%(b%(a)s {c","params":{"a":"1","b":"2","a{b":"3"}}"#, "13} 1%(b1 {c"),
            (r#"{"message":"%(a)s %(a","params":{"a":"first","a":"last"}}"#, "first %(a"),
            (r#"{"message":"%s","formatted":"done","params":["x"]}"#, "done"),
            (r#"{"message":5}"#, "5"),
            ("[1]", ""),
            ("null", ""),
        ];
        for (json, expected) in cases {
            assert_eq!(serde_json::from_str::<Message<'_>>(json).unwrap().text(), expected, "{json}");
        }
    }
}
