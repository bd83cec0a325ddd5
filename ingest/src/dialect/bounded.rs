//! Lists and maps that are bounded while they are read: items above the bound take time but no memory.

use super::bounds::{NAME, PAIRS, VALUE};
use super::cut::cut;
use super::value::is_text;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// Reads the first items of a list, and whether there were more. `null` is an empty list; `null` items are skipped.
pub(super) struct List<T> {
    most: usize,
    items: PhantomData<T>,
}

impl<T> List<T> {
    pub(super) fn first(most: usize) -> Self {
        Self { most, items: PhantomData }
    }
}

impl<'de, T: ListItem<'de>> DeserializeSeed<'de> for List<T> {
    type Value = (Vec<T>, bool);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: ListItem<'de>> Visitor<'de> for List<T> {
    type Value = (Vec<T>, bool);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok((Vec::new(), false))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Err(is_text(text, &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < self.most {
            match list.next_element::<Option<ReadItem<T>>>()? {
                Some(Some(ReadItem(item))) => items.push(item),
                Some(None) => {}
                None => return Ok((items, false)),
            }
        }
        let mut is_cut = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            is_cut = true;
        }
        Ok((items, is_cut))
    }
}

/// An item of a list.
pub(super) trait ListItem<'de>: Deserialize<'de> {
    /// Whether it is a text; else it is an object.
    const IS_TEXT: bool;
}

impl ListItem<'_> for String {
    const IS_TEXT: bool = true;
}

/// An item as it is read: the error of a text that stands for an object shows its beginning only.
struct ReadItem<T>(T);

impl<'de, T: ListItem<'de>> Deserialize<'de> for ReadItem<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if T::IS_TEXT { T::deserialize(deserializer).map(Self) } else { deserializer.deserialize_any(ObjectItem(PhantomData)).map(Self) }
    }
}

struct ObjectItem<T>(PhantomData<T>);

impl<'de, T: ListItem<'de>> Visitor<'de> for ObjectItem<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Err(is_text(text, &self))
    }
}

/// Reads texts by their names, each cut to its bound, and whether anything was cut or left out. Of a repeated name the last
/// counts; `null` is an absent text.
pub(super) struct Pairs;

impl<'de> DeserializeSeed<'de> for Pairs {
    type Value = (BTreeMap<String, String>, bool);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Pairs {
    type Value = (BTreeMap<String, String>, bool);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok((BTreeMap::new(), false))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Err(is_text(text, &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut pairs, mut is_cut) = (BTreeMap::new(), false);
        while let Some((mut name, value)) = map.next_entry::<String, Option<String>>()? {
            is_cut |= cut(&mut name, NAME);
            let Some(mut value) = value else {
                pairs.remove(&name);
                continue;
            };
            is_cut |= cut(&mut value, VALUE);
            // A text that was cut keeps the room of all of it.
            value.shrink_to_fit();
            if pairs.len() < PAIRS || pairs.contains_key(&name) {
                pairs.insert(name, value);
            } else {
                is_cut = true;
            }
        }
        Ok((pairs, is_cut))
    }
}
