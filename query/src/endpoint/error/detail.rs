//! `GET /v1/admin/log/message/error/detail`: the latest report with one content.

use super::{Apps, Content, ErrorEntry, entries};
use crate::envelope::Admin;
use crate::error::{Error, Rejection, invalid};
use crate::operation::{AdminAsked, AdminOperation, Reads, off_worker};
use crate::param::{Block, Context, Integer, Text};
use crate::sql;
use crate::store::Row;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The details of an error.
pub struct ErrorDetail;

/// How a [`ContentKey`] is spelled.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "error.ContentKey")]
pub struct ContentFields {
    /// Id that the report was answered with.
    id: Integer,
    /// App that the list names with it; where it is absent, the latest report of all apps that the token may see.
    app_id: Option<Text>,
}

/// The content that is asked for.
pub struct ContentKey {
    id: u64,
    app: Option<String>,
}

impl Block for ContentKey {
    type Fields = ContentFields;

    fn check(fields: ContentFields, _: &Context<'_>) -> Result<Self, Error> {
        let id = u64::try_from(fields.id.0).map_err(|_| invalid("id", "expected a positive number"))?;
        Ok(Self { id, app: fields.app_id.map(|app| app.0) })
    }
}

/// The latest report with the content.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "error.Details")]
pub struct ErrorDetails {
    #[serde(flatten)]
    entry: ErrorEntry,
    stack: String,
    /// As sent; null where there was none.
    context: Value,
}

/// A row of `detail.sql`.
#[derive(Row, Deserialize)]
struct Latest {
    content: String,
    log_partition: u32,
    log_offset: u64,
    call_stack: String,
    context: String,
    occurrences: u64,
}

impl AdminOperation for ErrorDetail {
    const PATH: &'static str = "/v1/admin/log/message/error/detail";
    const SUMMARY: &'static str = "The latest report with one content (Bearer)";
    type Uses = Reads;
    type Envelope = Admin;
    type Parameters = ContentKey;
    type Answer = ErrorDetails;

    async fn answer(reads: &Reads, asked: AdminAsked<Self>) -> Result<ErrorDetails, Error> {
        let ContentKey { id, app } = asked.parameters;
        let statement = sql!("detail.sql").bind(&Apps::of(&asked.operator, app)).unsigned("content_id", id);
        let latest: Latest = reads.store.first(statement).await?.ok_or(Rejection::NotFound("report"))?;
        let content = Content {
            digest: latest.content,
            occurrences: latest.occurrences,
            partition: i64::from(latest.log_partition),
            offset: i64::try_from(latest.log_offset).unwrap_or(i64::MAX),
        };
        let entry = entries(reads, &[content]).await?.pop().ok_or(Rejection::NotFound("report"))?;
        let context = off_worker(move || as_json(latest.context)).await?;
        Ok(ErrorDetails { entry, stack: latest.call_stack, context })
    }
}

/// The column holds JSON; other text is passed on as text.
fn as_json(context: String) -> Value {
    match context.is_empty() {
        true => Value::Null,
        false => serde_json::from_str(&context).unwrap_or(Value::String(context)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_context_is_json_again() {
        assert_eq!(as_json(String::new()), Value::Null);
        assert_eq!(as_json(r#"{"页":1}"#.to_owned()), json!({"页": 1}));
        assert_eq!(as_json("{".to_owned()), json!("{"));
    }
}
