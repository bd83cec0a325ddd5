//! An app alone, of all platforms, as administrators name it.

use super::{Block, Context, Text};
use crate::error::Error;
use schemars::JsonSchema;
use serde::Deserialize;

/// How an [`App`] is spelled.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "App")]
pub struct AppFields {
    /// Id of the app, as in the credentials.
    app_id: Text,
}

/// The id of an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App(pub String);

impl Block for App {
    type Fields = AppFields;

    fn check(fields: AppFields, _: &Context<'_>) -> Result<Self, Error> {
        Ok(Self(fields.app_id.0))
    }
}
