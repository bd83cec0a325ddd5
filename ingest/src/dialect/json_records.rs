//! Many records in one body: one JSON object, an array of them, or one a line (NDJSON).
//!
//! A bad item never costs its neighbours: an array is read in one pass, and only where that fails taken apart item by
//! item. A body that is not JSON has no items and is refused as a whole. Each item is encoded before the next is read: records are
//! large.

use super::bounds::BATCH;
use super::copy_budget::CopyBudget;
use super::object::{self, Draft, Object};
use crate::batch::Items;
use crate::encoded::EncodedRecord;
use crate::item::Item;
use crate::rejection::Rejection;
use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::cell::Cell;
use std::fmt;
use std::io::BufRead;

/// How the items of a body are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One object or an array.
    Json,
    /// One object a line; empty lines are skipped.
    Lines,
}

impl Form {
    /// By the `Content-Type` header.
    pub(super) fn of(content_type: Option<&str>) -> Self {
        let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        let lines = ["application/x-ndjson", "application/ndjson"];
        if lines.iter().any(|name| essence.eq_ignore_ascii_case(name)) { Self::Lines } else { Self::Json }
    }
}

/// What every item of a body is read with.
pub(super) struct Reader<'a, F> {
    pub(super) form: Form,
    pub(super) budget: &'a CopyBudget,
    /// Gives the empty draft of an item by its index.
    pub(super) start: F,
}

impl<D, F> Reader<'_, F>
where
    D: Draft,
    D::Record: Item,
    F: Fn(usize) -> D,
{
    /// Reads every item.
    pub(super) fn read(&self, body: &[u8]) -> Result<Items<EncodedRecord>, Rejection> {
        let items = match self.form {
            Form::Lines => self.lines(body)?,
            Form::Json => {
                let json = object::text(body)?;
                if json.trim_ascii_start().starts_with('[') { self.array(json)? } else { vec![self.one(json, 0)] }
            }
        };
        if items.is_empty() { Err(Rejection::invalid("the body holds no item")) } else { Ok(items) }
    }

    fn one(&self, json: &str, index: usize) -> Result<EncodedRecord, Rejection> {
        self.budget.encoded(object::read_text(json, || (self.start)(index)))
    }

    fn lines(&self, body: &[u8]) -> Result<Items<EncodedRecord>, Rejection> {
        let mut items = Vec::new();
        let mut rest = body;
        while !rest.is_empty() {
            let from = rest;
            // A slice never fails to be read; `skip_until` looks for the line's end faster than a loop over the bytes.
            let length = rest.skip_until(b'\n').unwrap_or(from.len());
            let line = from[..length].trim_ascii();
            if line.is_empty() {
                continue;
            }
            if items.len() == BATCH {
                return Err(too_many());
            }
            items.push(self.budget.encoded(object::read(line, || (self.start)(items.len()))));
        }
        Ok(items)
    }

    fn array(&self, json: &str) -> Result<Items<EncodedRecord>, Rejection> {
        let over = Cell::new(false);
        if let Ok(items) = elements(json, Straight { reader: self, over: &over }) {
            return Ok(items);
        }
        if over.get() {
            return Err(too_many());
        }
        match elements(json, Apart { over: &over }) {
            Ok(raws) => Ok(raws.into_iter().enumerate().map(|(index, raw)| self.one(raw.get(), index)).collect()),
            Err(_) if over.get() => Err(too_many()),
            Err(error) => Err(object::invalid(&error)),
        }
    }
}

fn too_many() -> Rejection {
    Rejection::TooLarge(format!("more than {BATCH} items in one request"))
}

fn elements<'de, V: Visitor<'de>>(json: &'de str, visitor: V) -> Result<V::Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = deserializer.deserialize_seq(visitor)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads the records of an array in one pass; the first that cannot be read ends it.
struct Straight<'a, 'r, F> {
    reader: &'a Reader<'r, F>,
    over: &'a Cell<bool>,
}

impl<'de, D, F> Visitor<'de> for Straight<'_, '_, F>
where
    D: Draft,
    D::Record: Item,
    F: Fn(usize) -> D,
{
    type Value = Items<EncodedRecord>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let mut draft = (self.reader.start)(items.len());
            let Some(extra) = seq.next_element_seed(Object(&mut draft))? else { return Ok(items) };
            if items.len() == BATCH {
                self.over.set(true);
                return Err(A::Error::custom("too many items"));
            }
            items.push(self.reader.budget.encoded(draft.finish(extra)));
        }
    }
}

/// Takes an array apart without reading its items.
struct Apart<'a> {
    over: &'a Cell<bool>,
}

impl<'de> Visitor<'de> for Apart<'_> {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut raws = Vec::new();
        while let Some(raw) = seq.next_element()? {
            if raws.len() == BATCH {
                self.over.set(true);
                return Err(A::Error::custom("too many items"));
            }
            raws.push(raw);
        }
        Ok(raws)
    }
}
