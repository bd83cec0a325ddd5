//! The parameters of a request, wherever they stand: key/value pairs of the path, then the query, then the JSON body; what comes first holds
//! (REFERENCE 2.1). Empty texts and nulls are as good as absent. Names are compared case-sensitively; unknown ones are ignored. [`bounds`] says how
//! much of each there may be.

pub mod bounds;
mod exception_types;
mod glob;
mod lenient;
mod object;
mod versions;

pub use exception_types::ExceptionTypes;
pub use glob::Glob;
pub use lenient::{Flag, Integer, Text, TextList};
pub use versions::Versions;

use crate::error::{Error, Rejection, invalid};
use bounds::{LONGEST_ADDRESS, MOST_PARAMETERS};
use object::Object;
use schemars::JsonSchema;
use schemas::record::Category;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use service::http::{Request, percent_decode, query_pairs};

/// Everything a request says, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameters(Map<String, Value>);

/// The app and platform that nearly every operation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub app: String,
    /// 1 Android, 2 iOS, 10 PC.
    pub platform: u8,
}

/// How [`Target`] is spelled.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetParameters {
    /// Id of the app.
    app_id: Option<Text>,
    /// 1 Android, 2 iOS, 10 PC.
    platform_id: Option<Integer>,
    /// The same.
    pid: Option<Integer>,
}

impl Parameters {
    /// Those of `request`, whose path begins with `operation`.
    ///
    /// # Errors
    /// A body that is no JSON object; what is above its bound, by name.
    pub fn gather(request: &Request, operation: &str) -> Result<Self, Rejection> {
        let tail = request.path.strip_prefix(operation).unwrap_or_default();
        Self::of(tail, &request.query, &request.body)
    }

    fn of(tail: &str, query: &str, body: &[u8]) -> Result<Self, Rejection> {
        for (name, text) in [("path", tail), ("query", query)] {
            if text.len() > LONGEST_ADDRESS {
                return Err(Rejection::parameter(name, format!("expected at most {LONGEST_ADDRESS} bytes")));
            }
        }
        let mut parameters = Self::default();
        let segments: Vec<&str> = tail.split('/').filter(|segment| !segment.is_empty()).collect();
        for pair in segments.chunks_exact(2) {
            // A documentation template that was never filled in: `/platformId/platformId`.
            if pair[0] != pair[1] {
                parameters.add(&percent_decode(pair[0]), Value::from(percent_decode(pair[1]).into_owned()))?;
            }
        }
        for (name, value) in query_pairs(query) {
            parameters.add(&name, Value::from(value))?;
        }
        if body.iter().any(|byte| !byte.is_ascii_whitespace()) {
            let Object(object) = serde_json::from_slice(body).map_err(|error| Rejection::Unreadable(error.to_string()))?;
            for (name, value) in object {
                parameters.add(&name, value)?;
            }
        }
        Ok(parameters)
    }

    fn add(&mut self, name: &str, value: Value) -> Result<(), Rejection> {
        let says_nothing = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
        // Two pages of the documentation carry a tab at the end of a name.
        let name = name.trim();
        if says_nothing || self.0.contains_key(name) {
            return Ok(());
        }
        if self.0.len() >= MOST_PARAMETERS {
            return Err(Rejection::parameter("parameters", format!("expected at most {MOST_PARAMETERS}")));
        }
        self.0.insert(name.to_owned(), bounds::kept(name, value)?);
        Ok(())
    }

    /// They as an operation takes them.
    ///
    /// # Errors
    /// A parameter that is missing or of another kind, by name.
    pub fn read<P: DeserializeOwned>(&self) -> Result<P, Rejection> {
        serde_path_to_error::deserialize(Value::Object(self.0.clone())).map_err(|error| {
            let path = error.path().to_string();
            let reason = error.into_inner().to_string();
            match reason.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
                Some((name, _)) => Rejection::parameter(name, "missing"),
                None => Rejection::parameter(&path, reason),
            }
        })
    }

    /// A text parameter.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// The app and platform.
    ///
    /// # Errors
    /// Either is missing, or there is no such platform.
    pub fn target(&self) -> Result<Target, Rejection> {
        let TargetParameters { app_id, platform_id, pid } = self.read()?;
        let app = app_id.ok_or_else(|| Rejection::parameter("appId", "missing"))?;
        let platform = platform_id.or(pid).ok_or_else(|| Rejection::parameter("platformId", "missing"))?;
        match platform.0 {
            1 => Ok(Target { app: app.0, platform: 1 }),
            2 => Ok(Target { app: app.0, platform: 2 }),
            10 => Ok(Target { app: app.0, platform: 10 }),
            _ => Err(Rejection::parameter("platformId", "expected 1, 2 or 10")),
        }
    }
}

/// `type`: the category; a crash where nothing is said, as one page of the documentation does.
///
/// # Errors
/// No category is so called.
pub fn category(named: Option<&Text>) -> Result<Category, Error> {
    match named.map_or("crash", |name| name.trim()).to_ascii_lowercase().as_str() {
        "crash" => Ok(Category::Crash),
        "anr" => Ok(Category::Anr),
        "error" => Ok(Category::Error),
        _ => Err(invalid("type", "expected crash, anr or error")),
    }
}

/// `countryList`: empty and "-1" are all.
#[must_use]
pub fn countries(list: Option<&TextList>) -> Vec<String> {
    let named = list.map(|list| list.0.clone()).unwrap_or_default();
    if named.iter().any(|name| name == "-1") { Vec::new() } else { named }
}

/// A count between 1 and `most`; `usual` where none is named.
///
/// # Errors
/// The number is negative.
pub fn count(name: &str, asked: Option<Integer>, usual: u32, most: u32) -> Result<u32, Error> {
    let Some(Integer(asked)) = asked else { return Ok(usual.min(most)) };
    match u32::try_from(asked) {
        Ok(0) => Ok(usual.min(most)),
        Ok(asked) => Ok(asked.min(most)),
        Err(_) if asked > 0 => Ok(most),
        Err(_) => Err(invalid(name, "expected a number that is not negative")),
    }
}

/// An offset; 0 where none is named.
///
/// # Errors
/// The number is negative, or beyond any table.
pub fn offset(name: &str, asked: Option<Integer>) -> Result<u32, Error> {
    u32::try_from(asked.unwrap_or_default().0).map_err(|_| invalid(name, "expected an offset from 0 up"))
}

#[cfg(test)]
mod tests;
