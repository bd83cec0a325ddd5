//! The issue that is asked for.

use super::{Block, Context, Text};
use crate::error::{Error, invalid};
use schemars::JsonSchema;
use schemas::ids::IssueId;
use serde::Deserialize;

/// How an [`IssueKey`] is spelled.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "IssueKey")]
pub struct IssueKeyFields {
    /// Id of the issue: 32 hexadecimal digits in either case, with or without colons.
    issue_id: Text,
}

/// The id of an issue, as the tables' hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueKey(pub String);

impl Block for IssueKey {
    type Fields = IssueKeyFields;

    fn check(fields: IssueKeyFields, _: &Context<'_>) -> Result<Self, Error> {
        issue_id("issueId", &fields.issue_id).map(Self)
    }
}

/// The id of an issue in the parameter `name`, as the tables' hex.
///
/// # Errors
/// The text is not an id.
pub fn issue_id(name: &str, text: &str) -> Result<String, Error> {
    let id: IssueId = text.trim().parse().map_err(|error| invalid(name, format!("{error}")))?;
    Ok(id.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_are_read_in_every_spelling() {
        for text in
            ["0f1e2d3c4b5a69788796a5b4c3d2e1f0", "0F:1E:2D:3C:4B:5A:69:78:87:96:A5:B4:C3:D2:E1:F0", " 0F1E2D3C4B5A69788796A5B4C3D2E1F0"]
        {
            assert_eq!(issue_id("issueId", text).unwrap(), "0F1E2D3C4B5A69788796A5B4C3D2E1F0");
        }
        assert_eq!(issue_id("issueId", "崩溃").unwrap_err().to_string(), "issueId: expected 32 hexadecimal digits");
    }
}
