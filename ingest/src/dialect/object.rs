//! One JSON object, read in one pass into a draft of a record.
//!
//! A dialect is a table of its fields (`Draft::read`) and what makes a record of them (`Draft::finish`). The reader does
//! the rest: it names the field in every error, collects the fields that are not known, and bounds their depth and length.

use super::bounded::{List, ListItem, Pairs};
use super::bounds::CONTEXT;
use super::cut::mark;
use super::extra::Extra;
use super::surrogate;
use super::value::{Boolean, Integer, Key, is_shallow, is_text};
use crate::rejection::Rejection;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// How deep the JSON of a field that is kept as text may nest: what readers of it accept.
pub(super) const DEPTH_LIMIT: usize = 126;

/// The fields of a record that were read so far.
pub(super) trait Draft: Sized {
    /// The record that it becomes.
    type Record;

    /// Takes one field: a `match` over the names that the dialect knows, [`Field::keep`] for the others.
    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, A>) -> Result<(), A::Error>;

    /// Checks what was read and makes the record. `extra` are the fields that were kept.
    fn finish(self, extra: Extra) -> Result<Self::Record, Rejection>;
}

/// Where a value is put, and where it is marked if it was cut.
pub(super) type Marked<'a, T> = (&'a mut T, &'a mut Vec<String>);

/// One field of an object whose value is still to be read.
pub(super) struct Field<'a, A> {
    name: &'a str,
    map: &'a mut A,
    extra: &'a mut Extra,
}

impl<'a, 'de, A: MapAccess<'de>> Field<'a, A> {
    /// The field's name.
    pub(super) fn name(&self) -> &'a str {
        self.name
    }

    /// A text.
    pub(super) fn text(self, into: &mut String) -> Result<(), A::Error> {
        *into = self.value::<String>()?.unwrap_or_default();
        Ok(())
    }

    /// An integer of 64 bits.
    pub(super) fn integer(self, into: &mut Option<i64>) -> Result<(), A::Error> {
        *into = self.value::<Integer>()?.map(|integer| integer.0);
        Ok(())
    }

    /// `true` or `false`.
    pub(super) fn boolean(self, into: &mut Option<bool>) -> Result<(), A::Error> {
        *into = self.value::<Boolean>()?.map(|boolean| boolean.0);
        Ok(())
    }

    /// A list, of which the first `most` items are read; `null` items are skipped.
    pub(super) fn list<T: ListItem<'de>>(self, most: usize, (into, truncated): Marked<'_, Vec<T>>) -> Result<(), A::Error> {
        let name = self.name;
        let is_cut;
        (*into, is_cut) = self.seeded(List::first(most))?;
        if is_cut {
            mark(name, truncated);
        }
        Ok(())
    }

    /// Texts by their names, the first that fit; `null` is an absent one.
    pub(super) fn pairs(self, (into, truncated): Marked<'_, BTreeMap<String, String>>) -> Result<(), A::Error> {
        let name = self.name;
        let is_cut;
        (*into, is_cut) = self.seeded(Pairs)?;
        if is_cut {
            mark(name, truncated);
        }
        Ok(())
    }

    /// An object of any shape, kept as the JSON that was sent unless it is too long.
    pub(super) fn object(self, (into, truncated): Marked<'_, String>) -> Result<(), A::Error> {
        let name = self.name;
        let Some(raw) = self.value::<&'de RawValue>()? else {
            into.clear();
            return Ok(());
        };
        if !raw.get().starts_with('{') {
            return Err(A::Error::custom(format_args!("{name}: expected an object")));
        }
        let json = kept(name, raw)?;
        if json.len() > CONTEXT {
            into.clear();
            mark(name, truncated);
        } else {
            *into = json.into_owned();
        }
        Ok(())
    }

    /// Skips the value.
    pub(super) fn skip(self) -> Result<(), A::Error> {
        self.map.next_value::<serde::de::IgnoredAny>().map(|_| ())
    }

    /// Keeps a field that the dialect does not know. Repeated names stay repeated: a reader takes the last.
    pub(super) fn keep(self) -> Result<(), A::Error> {
        let raw = self.map.next_value::<&'de RawValue>()?;
        let value = kept(self.name, raw)?;
        if !self.extra.has_room(self.name, &value) {
            self.extra.leave_out();
            return Ok(());
        }
        self.extra.add(self.name, &value).map_err(A::Error::custom)
    }

    fn seeded<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        let name = self.name;
        self.map.next_value_seed(seed).map_err(|error| A::Error::custom(format_args!("{name}: {error}")))
    }

    fn value<T: Deserialize<'de>>(self) -> Result<Option<T>, A::Error> {
        let name = self.name;
        self.map.next_value::<Option<T>>().map_err(|error| A::Error::custom(format_args!("{name}: {error}")))
    }
}

/// The JSON of a field that is kept as text: shallow enough to be read again, and without lone surrogates.
fn kept<'de, E: serde::de::Error>(name: &str, raw: &'de RawValue) -> Result<Cow<'de, str>, E> {
    if !is_shallow(raw.get(), DEPTH_LIMIT) {
        return Err(E::custom(format_args!("{name}: nested too deep")));
    }
    Ok(surrogate::mend(raw.get()).map_or(Cow::Borrowed(raw.get()), Cow::Owned))
}

/// Fills a draft and gives the fields that it does not know. The draft stays where it is: records are large, and moving them costs.
pub(super) struct Object<'d, D>(pub &'d mut D);

impl<'de, D: Draft> DeserializeSeed<'de> for Object<'_, D> {
    type Value = Extra;

    fn deserialize<T: Deserializer<'de>>(self, deserializer: T) -> Result<Extra, T::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, D: Draft> Visitor<'de> for Object<'_, D> {
    type Value = Extra;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Extra, E> {
        Err(is_text(text, &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Extra, A::Error> {
        let mut extra = Extra::default();
        while let Some(key) = map.next_key::<Key<'de>>()? {
            self.0.read(Field { name: &key.0, map: &mut map, extra: &mut extra })?;
        }
        Ok(extra)
    }
}

/// Reads the bytes of one object.
pub(super) fn read<D: Draft>(body: &[u8], start: impl Fn() -> D) -> Result<D::Record, Rejection> {
    read_text(text(body)?, start)
}

/// Reads the text of one object.
pub(super) fn read_text<D: Draft>(json: &str, start: impl Fn() -> D) -> Result<D::Record, Rejection> {
    let mut draft = start();
    match fill(json, &mut draft) {
        Ok(extra) => draft.finish(extra),
        Err(error) => {
            drop(draft);
            let mended = surrogate::mend(json).ok_or_else(|| invalid(&error))?;
            let mut draft = start();
            let extra = fill(&mended, &mut draft).map_err(|error| invalid(&error))?;
            draft.finish(extra)
        }
    }
}

fn fill<D: Draft>(json: &str, draft: &mut D) -> Result<Extra, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let extra = Object(draft).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(extra)
}

/// The bytes as text, without a byte order mark at the start.
pub(super) fn text(body: &[u8]) -> Result<&str, Rejection> {
    let text = std::str::from_utf8(body).map_err(|error| Rejection::invalid(format!("not UTF-8 from byte {}", error.valid_up_to())))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// What the JSON reader found wrong.
pub(super) fn invalid(error: &serde_json::Error) -> Rejection {
    Rejection::invalid(error.to_string())
}
