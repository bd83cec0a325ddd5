//! Lists and maps of a report are read up to a bound. Items beyond it are skipped, so they cost time and no memory.
//!
//! An item of a list may take two bytes in the log and fifty in memory. The edge has tighter bounds; this one is for records that
//! something else wrote to the log, or an edge that had no bounds yet.

use super::{Attachment, Thread};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// The most items of a list, or entries of a map, that are read from a record.
pub const MAX_ITEMS: usize = 1000;

pub(super) fn threads<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Thread>, D::Error> {
    deserializer.deserialize_seq(List(PhantomData))
}

pub(super) fn attachments<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Attachment>, D::Error> {
    deserializer.deserialize_seq(List(PhantomData))
}

pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_seq(List(PhantomData))
}

pub(super) fn pairs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    deserializer.deserialize_map(Pairs)
}

struct List<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while items.len() < MAX_ITEMS {
            let Some(item) = list.next_element()? else { return Ok(items) };
            items.push(item);
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(items)
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = BTreeMap::new();
        while pairs.len() < MAX_ITEMS {
            let Some((name, value)) = map.next_entry()? else { return Ok(pairs) };
            pairs.insert(name, value);
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(pairs)
    }
}
