//! Which of the three categories is asked for.

use super::{Block, Context, Text};
use crate::error::{Error, invalid};
use crate::store::{Bind, Statement};
use schemars::JsonSchema;
use schemas::record::Category;
use serde::Deserialize;

/// How a [`CategoryFilter`] is spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "CategoryFilter")]
pub struct CategoryFields {
    /// Category of the reports: crash, anr or error; crash where it is absent.
    #[serde(rename = "type")]
    category: Option<Text>,
}

/// The category that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CategoryFilter(pub Category);

impl CategoryFilter {
    /// As it is spelled in parameters and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

impl Block for CategoryFilter {
    type Fields = CategoryFields;

    /// One page of the API's documentation leaves the category out and means crashes.
    fn check(fields: CategoryFields, _: &Context<'_>) -> Result<Self, Error> {
        match fields.category.as_deref().map_or("crash", str::trim).to_ascii_lowercase().as_str() {
            "crash" => Ok(Self(Category::Crash)),
            "anr" => Ok(Self(Category::Anr)),
            "error" => Ok(Self(Category::Error)),
            _ => Err(invalid("type", "expected crash, anr or error")),
        }
    }
}

impl Bind for CategoryFilter {
    const BLOCK: &'static str = "category";
    const NAMES: &'static [&'static str] = &["category"];

    fn bind(&self, statement: Statement) -> Statement {
        statement.text("category", self.name())
    }
}
