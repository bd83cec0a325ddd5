//! `GET /v1/admin/log/message/error/list`: reports by content, newest first.

use super::{Apps, Content, ErrorEntry, entries};
use crate::envelope::Admin;
use crate::error::Error;
use crate::operation::{AdminAsked, AdminOperation, Reads};
use crate::param::{ErrorFilter, NumberedPage};
use crate::sql;
use crate::store::{Counted, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The list of errors.
pub struct ErrorList;

/// A page of contents.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "error.Page")]
pub struct ErrorPage {
    /// Contents that the filters leave.
    total: u64,
    list: Vec<ErrorEntry>,
}

/// A row of `list.sql`.
#[derive(Row, Deserialize)]
struct Found {
    content: String,
    occurrences: u64,
    log_partition: u32,
    log_offset: u64,
    found: u64,
}

impl Counted for Found {
    fn found(&self) -> u64 {
        self.found
    }
}

impl From<Found> for Content {
    fn from(row: Found) -> Self {
        let offset = i64::try_from(row.log_offset).unwrap_or(i64::MAX);
        Self { digest: row.content, occurrences: row.occurrences, partition: i64::from(row.log_partition), offset }
    }
}

impl AdminOperation for ErrorList {
    const PATH: &'static str = "/v1/admin/log/message/error/list";
    const SUMMARY: &'static str = "Reports by content, newest first (Bearer)";
    type Uses = Reads;
    type Envelope = Admin;
    type Parameters = (NumberedPage, ErrorFilter);
    type Answer = ErrorPage;

    async fn answer(reads: &Reads, asked: AdminAsked<Self>) -> Result<ErrorPage, Error> {
        let (NumberedPage(page), filter) = asked.parameters;
        let apps = Apps::of(&asked.operator, filter.app.clone());
        let (found, total) = reads.page::<Found>(sql!("list.sql").bind(&filter).bind(&apps), page).await?;
        let contents: Vec<Content> = found.into_iter().map(Content::from).collect();
        Ok(ErrorPage { total, list: entries(reads, &contents).await? })
    }
}
