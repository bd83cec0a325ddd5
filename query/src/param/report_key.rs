//! The report that is asked for.

use super::{Block, Context, Text};
use crate::error::{Error, invalid};
use crate::store::{Bind, Statement};
use schemars::JsonSchema;
use schemas::ids::ReportId;
use serde::Deserialize;

/// How a [`ReportKey`] is spelled.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ReportKey")]
pub struct ReportKeyFields {
    /// Id of the report: 32 hexadecimal digits in either case, with or without colons.
    crash_hash: Text,
}

/// The id of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportKey(pub ReportId);

impl Block for ReportKey {
    type Fields = ReportKeyFields;

    fn check(fields: ReportKeyFields, _: &Context<'_>) -> Result<Self, Error> {
        fields.crash_hash.trim().parse().map(Self).map_err(|error| invalid("crashHash", format!("{error}")))
    }
}

impl Bind for ReportKey {
    const BLOCK: &'static str = "report";
    const NAMES: &'static [&'static str] = &["report"];

    fn bind(&self, statement: Statement) -> Statement {
        statement.text("report", self.0.to_string())
    }
}
