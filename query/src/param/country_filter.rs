//! Which countries are asked for.

use super::{Block, Context, TextList};
use crate::error::Error;
use crate::store::{Bind, Statement};
use schemars::JsonSchema;
use serde::Deserialize;

/// How a [`CountryFilter`] is spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "CountryFilter")]
pub struct CountryFields {
    /// Countries as devices report them; all where the list is empty or holds "-1".
    country_list: Option<TextList>,
}

/// The countries that are asked for; empty = all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountryFilter(pub Vec<String>);

impl Block for CountryFilter {
    type Fields = CountryFields;

    fn check(fields: CountryFields, _: &Context<'_>) -> Result<Self, Error> {
        let named = fields.country_list.unwrap_or_default().0;
        Ok(Self(if named.iter().any(|name| name == "-1") { Vec::new() } else { named }))
    }
}

impl Bind for CountryFilter {
    const BLOCK: &'static str = "countries";
    const NAMES: &'static [&'static str] = &["countries"];

    fn bind(&self, statement: Statement) -> Statement {
        statement.texts("countries", &self.0)
    }
}
