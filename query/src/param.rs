//! The parameters of a request, wherever they stand: key/value pairs of the path, then the query, then the JSON body; the first one holds. Empty
//! texts and nulls count as absent. Names are compared case-sensitively; unknown ones are ignored. [`bounds`] says how much of each there may be.
//!
//! An operation takes blocks of parameters, a file each. A [`Block`] has the fields as callers spell them, what they mean once they are checked, and
//! how a statement is given them.

mod app;
pub mod bounds;
mod category_filter;
mod country_filter;
mod device_filter;
mod error_filter;
mod exception_types;
mod glob;
mod issue_filter;
mod issue_key;
mod lenient;
mod object;
mod page;
mod range;
mod release;
mod report_key;
mod target;
mod version_filter;
mod window;

pub use app::App;
pub use category_filter::CategoryFilter;
pub use country_filter::CountryFilter;
pub use device_filter::DeviceFilter;
pub use error_filter::ErrorFilter;
pub use exception_types::ExceptionTypes;
pub use glob::Glob;
pub use issue_filter::IssueFilter;
pub use issue_key::{IssueKey, issue_id};
pub use lenient::{Flag, Integer, Text, TextList};
pub use page::{NumberedPage, Page, Rows};
pub use range::{DayRange, HourRange, TimeRange, days};
pub use release::{NewRelease, ReleaseKey};
pub use report_key::ReportKey;
pub use target::Target;
pub use version_filter::VersionFilter;
pub use window::Window;

use crate::config::Settings;
use crate::error::{Error, Rejection, invalid};
use bounds::{LONGEST_ADDRESS, MOST_PARAMETERS};
use object::Object;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use service::http::{Request, percent_decode, query_pairs};

/// Everything that a request says, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestParameters(Map<String, Value>);

/// What a check may look at besides the fields.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub settings: &'a Settings,
    /// Unix time in milliseconds at which the request came.
    pub now: i64,
}

/// A group of parameters that operations share.
pub trait Block: Sized + Send + 'static {
    /// The parameters as callers spell them; their comments are published.
    type Fields: DeserializeOwned + JsonSchema;

    /// What the fields mean.
    ///
    /// # Errors
    /// A parameter that is missing or wrong, by name.
    fn check(fields: Self::Fields, context: &Context<'_>) -> Result<Self, Error>;
}

/// All that an operation takes: a block, or a tuple of them.
pub trait Parameters: Sized + Send + 'static {
    /// Reads and checks the blocks, in their order.
    ///
    /// # Errors
    /// A parameter that is missing or wrong, by name.
    fn read(request: &RequestParameters, context: &Context<'_>) -> Result<Self, Error>;

    /// Adds the schemas of the blocks.
    fn schemas(generator: &mut SchemaGenerator, schemas: &mut Vec<Schema>);
}

impl<B: Block> Parameters for B {
    fn read(request: &RequestParameters, context: &Context<'_>) -> Result<Self, Error> {
        B::check(request.read()?, context)
    }

    fn schemas(generator: &mut SchemaGenerator, schemas: &mut Vec<Schema>) {
        schemas.push(generator.subschema_for::<B::Fields>());
    }
}

macro_rules! tuple {
    ($($block:ident),*) => {
        impl<$($block: Parameters),*> Parameters for ($($block,)*) {
            fn read(_request: &RequestParameters, _context: &Context<'_>) -> Result<Self, Error> {
                Ok(($($block::read(_request, _context)?,)*))
            }

            fn schemas(_generator: &mut SchemaGenerator, _schemas: &mut Vec<Schema>) {
                $($block::schemas(_generator, _schemas);)*
            }
        }
    };
}

tuple!();
tuple!(A, B);
tuple!(A, B, C);
tuple!(A, B, C, D);
tuple!(A, B, C, D, E);
tuple!(A, B, C, D, E, F);

/// The schema of everything that blocks take together; none where there are none.
pub fn schema<P: Parameters>(generator: &mut SchemaGenerator) -> Option<Schema> {
    let mut schemas = Vec::new();
    P::schemas(generator, &mut schemas);
    match schemas.len() {
        0 | 1 => schemas.pop(),
        _ => Some(schemars::json_schema!({ "allOf": schemas })),
    }
}

impl RequestParameters {
    /// The parameters of `request`, whose path begins with `operation`.
    ///
    /// # Errors
    /// A body that is not a JSON object; a parameter above its bound, by name.
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
            // A template of the documentation that was never filled in: `/platformId/platformId`.
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

    /// Reads the parameters as `P`; errors name the key.
    ///
    /// # Errors
    /// A parameter that is missing or of another kind.
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

    /// A parameter as a text, however it is spelled.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(lenient::scalar)
    }
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

#[cfg(test)]
pub mod tests;
