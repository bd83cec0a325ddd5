//! Many records in one body: one JSON object, an array of them, or one a line (NDJSON).
//!
//! A bad item never costs its neighbours: an array is read in one pass, and only where that fails taken apart item by
//! item. What is no JSON at all has no items and is refused as a whole.

use super::object::{self, Draft, Object};
use super::{BATCH_LIMIT, Items};
use crate::rejection::Rejection;
use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::cell::Cell;
use std::fmt;
use std::io::BufRead;

/// How the items of a body are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// One object or an array.
    Json,
    /// One object a line; empty lines are none.
    Lines,
}

impl Form {
    /// By the `Content-Type` header.
    pub(crate) fn of(content_type: Option<&str>) -> Self {
        let essence = content_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        let lines = ["application/x-ndjson", "application/ndjson"];
        if lines.iter().any(|name| essence.eq_ignore_ascii_case(name)) { Self::Lines } else { Self::Json }
    }
}

/// Reads every item; `start` gives the empty draft of an item by its index.
pub(super) fn read<D: Draft>(body: &[u8], form: Form, start: impl Fn(usize) -> D) -> Result<Items<D::Record>, Rejection> {
    let items = match form {
        Form::Lines => lines(body, start)?,
        Form::Json => {
            let json = object::text(body)?;
            if json.trim_ascii_start().starts_with('[') { array(json, start)? } else { vec![object::read_text(json, || start(0))] }
        }
    };
    if items.is_empty() { Err(Rejection::invalid("the body holds no item")) } else { Ok(items) }
}

fn lines<D: Draft>(body: &[u8], start: impl Fn(usize) -> D) -> Result<Items<D::Record>, Rejection> {
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
        if items.len() == BATCH_LIMIT {
            return Err(too_many());
        }
        items.push(object::read(line, || start(items.len())));
    }
    Ok(items)
}

fn array<D: Draft>(json: &str, start: impl Fn(usize) -> D) -> Result<Items<D::Record>, Rejection> {
    let over = Cell::new(false);
    if let Ok(items) = elements(json, Straight { start: &start, over: &over }) {
        return Ok(items);
    }
    if over.get() {
        return Err(too_many());
    }
    match elements(json, Apart { over: &over }) {
        Ok(raws) => Ok(raws.into_iter().enumerate().map(|(index, raw)| object::read_text(raw.get(), || start(index))).collect()),
        Err(_) if over.get() => Err(too_many()),
        Err(error) => Err(object::invalid(&error)),
    }
}

fn too_many() -> Rejection {
    Rejection::TooLarge(format!("more than {BATCH_LIMIT} items in one request"))
}

fn elements<'de, V: Visitor<'de>>(json: &'de str, visitor: V) -> Result<V::Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = deserializer.deserialize_seq(visitor)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads the records of an array in one pass; the first that cannot be read ends it.
struct Straight<'a, F> {
    start: &'a F,
    over: &'a Cell<bool>,
}

impl<'de, D: Draft, F: Fn(usize) -> D> Visitor<'de> for Straight<'_, F> {
    type Value = Items<D::Record>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let mut draft = (self.start)(items.len());
            let Some(extra) = seq.next_element_seed(Object(&mut draft))? else { return Ok(items) };
            if items.len() == BATCH_LIMIT {
                self.over.set(true);
                return Err(A::Error::custom("too many items"));
            }
            items.push(draft.finish(extra));
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
            if raws.len() == BATCH_LIMIT {
                self.over.set(true);
                return Err(A::Error::custom("too many items"));
            }
            raws.push(raw);
        }
        Ok(raws)
    }
}
