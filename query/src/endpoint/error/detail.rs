//! `GET /v1/admin/log/message/error/detail`: the latest report with one content.

use super::error_list::{Content, ErrorEntry, apps, entries};
use crate::admin::{self, Documented, Refusal, Reply};
use crate::authenticate::Gate;
use crate::error::{Rejection, invalid};
use crate::param::{Integer, Text};
use crate::store::{Row, Statement, Store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service::http::{Endpoint, Json, Method, Request, Response};

/// The details of an error.
pub struct ErrorDetail {
    pub gate: Gate,
    pub store: Store,
}

/// The request, not yet read.
pub struct Question(Request);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    id: Integer,
    app_id: Option<Text>,
}

/// The latest report with the content.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorDetails {
    #[serde(flatten)]
    entry: ErrorEntry,
    stack: String,
    /// As sent; null where there was none.
    context: Value,
}

/// A row of `error_detail.sql`.
#[derive(Row, Deserialize)]
struct Latest {
    content: String,
    log_partition: u32,
    log_offset: u64,
    call_stack: String,
    context: String,
    occurrences: u64,
}

impl service::http::Input for Question {
    fn from_request(request: Request) -> Result<Self, Response> {
        Ok(Self(request))
    }

    fn query() -> Documented {
        &[
            ("id", "id that the report was answered with"),
            ("appId", "app that the list names with it; if not given, the latest report of all apps that the token may see"),
        ]
    }
}

impl Endpoint for ErrorDetail {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/v1/admin/log/message/error/detail";
    const SUMMARY: &'static str = "The latest report with one content (Bearer)";
    const TAG: &'static str = "admin";
    const BODY_LIMIT: usize = crate::param::bounds::LONGEST_BODY;
    type Input = Question;
    type Output = Json<Reply<ErrorDetails>>;
    type Error = Refusal;

    async fn call(&self, question: Question) -> Result<Json<Reply<ErrorDetails>>, Refusal> {
        let (operator, Parameters { id: Integer(id), app_id }) = admin::asked(&self.gate, &question.0)?;
        let store = self.store.of(&operator.id);
        let id = u64::try_from(id).map_err(|_| invalid("id", "expected a positive number"))?;
        let statement = Statement::new(include_str!("error_detail.sql")).unsigned("content_id", id).texts("apps", &apps(&operator, app_id));
        let latest: Latest = store.first(statement).await?.ok_or(Rejection::NotFound("report"))?;
        let content = Content {
            digest: latest.content,
            occurrences: latest.occurrences,
            partition: i64::from(latest.log_partition),
            offset: i64::try_from(latest.log_offset).unwrap_or(i64::MAX),
        };
        let entry = entries(&store, &[content]).await?.pop().ok_or(Rejection::NotFound("report"))?;
        Ok(Json(Reply::ok(ErrorDetails { entry, stack: latest.call_stack, context: as_json(latest.context) })))
    }
}

/// The column holds JSON; text that is none is passed on as text.
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
