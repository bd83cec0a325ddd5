//! A JSON object as its members, in order; those beyond the most that a request may have are read over, not kept.

use super::bounds::MOST_PARAMETERS;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;

/// At most one member more than allowed, by which it is told that there were too many.
#[derive(Debug)]
pub struct Object(pub Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object, M::Error> {
        let mut members: Vec<(String, Value)> = Vec::new();
        while members.len() <= MOST_PARAMETERS {
            let Some(name) = map.next_key::<String>()? else { return Ok(Object(members)) };
            // A null is not a parameter.
            match map.next_value::<Value>()? {
                Value::Null => {}
                value => members.push((name, value)),
            }
        }
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Object(members))
    }
}
