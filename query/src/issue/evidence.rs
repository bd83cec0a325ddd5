//! What the command line reads of issues: evidence that two are one bug, and the latest report of each.

use super::aliases::{AliasRow, Aliases};
use crate::config::Limits;
use crate::error::Error;
use crate::param::Target;
use crate::sql;
use crate::store::{Row, Store};
use serde::Deserialize;
use service::config::{Size, Span};

/// Reads of issues for the command line, without a user and without a page.
#[derive(Clone)]
pub struct IssueReader {
    store: Store,
}

/// What the reports of an issue with one stack say of it.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Evidence {
    /// Hex.
    pub issue: String,
    pub grouping_version: u16,
    pub grouping_rules: u32,
    pub platform_id: u8,
    pub category: String,
    pub kind: String,
    pub exp_name: String,
    pub app_stack_hash: u64,
    pub stack_hash: u64,
    /// 1 where a rule of the project or the client chose the issue.
    pub is_chosen: u8,
    /// First report, Unix milliseconds.
    pub first_ms: i64,
    pub versions: Vec<String>,
}

/// The latest report of an issue.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct LatestReport {
    /// Hex.
    pub issue: String,
    /// First report of the issue, Unix milliseconds.
    pub first_ms: i64,
    pub platform_id: u8,
    pub category: String,
    pub exp_name: String,
    pub exp_message: String,
    pub call_stack: String,
    /// The platform as the client sent it.
    pub platform_text: String,
    pub app_version: String,
}

#[derive(Row, Deserialize)]
struct AppRow {
    app: String,
}

impl IssueReader {
    /// Reads the tables with the account that may only read.
    #[must_use]
    pub fn new(tables: &service::clickhouse::Config) -> Self {
        let limits = Limits { statement_time: Span::seconds(600), result_size: Size::mib(1_024), ..Limits::default() };
        Self { store: Store::new(tables.reader(), &limits, false) }
    }

    /// The apps that have reports.
    ///
    /// # Errors
    /// The tables give no answer.
    pub async fn apps(&self) -> Result<Vec<String>, Error> {
        let rows: Vec<AppRow> = self.store.fetch(sql!("apps.sql")).await?;
        Ok(rows.into_iter().map(|row| row.app).collect())
    }

    /// Which issues of an app and platform are parts of which.
    ///
    /// # Errors
    /// The tables give no answer.
    pub async fn aliases(&self, app: &str, platform: u8) -> Result<Aliases, Error> {
        let facts = sql!("aliases.sql").bind(&Target { app: app.to_owned(), platform });
        Ok(self.store.fold(facts, |facts: Vec<AliasRow>| Aliases::fold(&facts)).await?)
    }

    /// The evidence of all issues of an app.
    ///
    /// # Errors
    /// The tables give no answer.
    pub async fn evidence(&self, app: &str) -> Result<Vec<Evidence>, Error> {
        Ok(self.store.fetch(sql!("evidence.sql").text("app", app)).await?)
    }

    /// The latest report of each of `most` issues of an app, those with the latest reports.
    ///
    /// # Errors
    /// The tables give no answer.
    pub async fn latest(&self, app: &str, most: u32) -> Result<Vec<LatestReport>, Error> {
        Ok(self.store.fetch(sql!("latest.sql").text("app", app).unsigned("most", most)).await?)
    }
}
