//! The tables, read-only: the only place here that knows the client of the tables' server.
//!
//! A statement is a file of SQL with server-side parameters (`{from:DateTime('UTC')}`), so each runs by hand as it stands. The number of
//! statements at once and the time of each are bounded.

use crate::config::Limits;
use clickhouse::{Client, RowOwned, RowRead};
use serde::Serialize;
use service::telemetry::{Histogram, histogram};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

pub use clickhouse::Row;

/// How much longer than the server's own limit we wait for its answer.
const GRACE: Duration = Duration::from_secs(5);
/// Rows of one answer; more is an error, not a cut.
const MOST_ROWS: u32 = 1_000_000;

/// A longer text says so to the server, whose own bound is 256 KiB.
const USUAL_TEXT: usize = 128 << 10;

/// Why the tables gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused, broke off or sent what does not fit the row.
    #[error("the tables gave no answer: {0}")]
    Server(#[from] clickhouse::error::Error),
    /// No answer in time, or no turn in time.
    #[error("the tables gave no answer in time")]
    TimedOut,
}

/// A connection to the tables; cheap to clone, clones share the bound on statements.
#[derive(Clone)]
pub struct Store {
    client: Client,
    turns: Arc<Semaphore>,
    patience: Duration,
    require_projections: bool,
    answered: Histogram,
    failed: Histogram,
}

/// One statement with its parameters.
#[derive(Debug, Clone)]
pub struct Statement {
    sql: &'static str,
    parameters: Vec<(&'static str, Value)>,
    /// Lists that may be too long for an address: they go into the text.
    lists: Vec<(&'static str, String)>,
    from_projections: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Value {
    Text(String),
    Integer(i64),
    Unsigned(u64),
    Flag(bool),
    Texts(Vec<String>),
    Integers(Vec<i64>),
}

impl Statement {
    /// `sql` without its leading comment.
    #[must_use]
    pub fn new(sql: &'static str) -> Self {
        Self { sql: without_comment(sql), parameters: Vec::new(), lists: Vec::new(), from_projections: false }
    }

    /// A statement that must be answerable from projections alone; with `require_projections` the server refuses it otherwise.
    #[must_use]
    pub fn from_projections(sql: &'static str) -> Self {
        Self { from_projections: true, ..Self::new(sql) }
    }

    /// A parameter of type String.
    #[must_use]
    pub fn text(self, name: &'static str, value: impl Into<String>) -> Self {
        self.with(name, Value::Text(value.into()))
    }

    /// A parameter of a signed type.
    #[must_use]
    pub fn integer(self, name: &'static str, value: impl Into<i64>) -> Self {
        self.with(name, Value::Integer(value.into()))
    }

    /// A parameter of an unsigned type.
    #[must_use]
    pub fn unsigned(self, name: &'static str, value: impl Into<u64>) -> Self {
        self.with(name, Value::Unsigned(value.into()))
    }

    /// A parameter of type Bool.
    #[must_use]
    pub fn flag(self, name: &'static str, value: bool) -> Self {
        self.with(name, Value::Flag(value))
    }

    /// A parameter of type Array(String).
    #[must_use]
    pub fn texts(self, name: &'static str, values: &[String]) -> Self {
        self.with(name, Value::Texts(values.to_vec()))
    }

    /// A parameter of type Array(Int64).
    #[must_use]
    pub fn integers(self, name: &'static str, values: &[i64]) -> Self {
        self.with(name, Value::Integers(values.to_vec()))
    }

    /// A parameter of type String: ids in hex joined by commas, a dash where there is none. It may be long.
    #[must_use]
    pub fn ids<T: AsRef<str>>(mut self, name: &'static str, ids: &[T]) -> Self {
        // Nothing else may stand in the text of a statement.
        let plain = ids.iter().map(AsRef::as_ref).filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let list = plain.collect::<Vec<_>>().join(",");
        self.lists.push((name, if list.is_empty() { "-".to_owned() } else { list }));
        self
    }

    /// The text with its lists in place.
    fn text_with_lists(&self) -> Cow<'static, str> {
        let placed = |sql: Cow<'static, str>, (name, list): &(&str, String)| {
            Cow::Owned(sql.replace(&format!("{{{name}:String}}"), &format!("'{list}'")))
        };
        self.lists.iter().fold(Cow::Borrowed(self.sql), placed)
    }

    /// A parameter of type DateTime('UTC'); `seconds` is Unix time.
    #[must_use]
    pub fn time(self, name: &'static str, seconds: i64) -> Self {
        self.with(name, Value::Text(crate::zone::sql_time(seconds)))
    }

    fn with(mut self, name: &'static str, value: Value) -> Self {
        self.parameters.push((name, value));
        self
    }
}

impl Store {
    /// Reads with `client`, within `limits`.
    #[must_use]
    pub fn new(client: Client, limits: &Limits, require_projections: bool) -> Self {
        let turns = Arc::new(Semaphore::new(limits.statements.max(1)));
        let client = client
            .with_setting("max_execution_time", limits.statement_time.as_secs().max(1).to_string())
            .with_setting("max_result_rows", MOST_ROWS.to_string());
        let [answered, failed] = ["answered", "failed"].map(|outcome| {
            let help = "Time from asking for a turn to the last row of a statement, or to its failure.";
            histogram("aftershock_statement_seconds", help, &[("outcome", outcome)])
        });
        Self { client, turns, patience: limits.statement_time.0, require_projections, answered, failed }
    }

    /// All rows of the answer.
    ///
    /// # Errors
    /// The server is away, refuses, or takes longer than it may.
    pub async fn fetch<R: RowOwned + RowRead>(&self, statement: Statement) -> Result<Vec<R>, Error> {
        let work = async {
            let _turn = self.turns.acquire().await.map_err(|_| Error::TimedOut)?;
            Ok(self.query(statement).fetch_all::<R>().await?)
        };
        let begun = Instant::now();
        let result = tokio::time::timeout(self.patience + GRACE, work).await.unwrap_or(Err(Error::TimedOut));
        let seconds = if result.is_ok() { &self.answered } else { &self.failed };
        seconds.observe(begun.elapsed());
        result
    }

    /// The first row of the answer, if there is one.
    ///
    /// # Errors
    /// Those of [`Store::fetch`].
    pub async fn first<R: RowOwned + RowRead>(&self, statement: Statement) -> Result<Option<R>, Error> {
        Ok(self.fetch(statement).await?.into_iter().next())
    }

    /// Whether the server answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), service::clickhouse::Error> {
        service::clickhouse::ping(&self.client).await
    }

    fn query(&self, statement: Statement) -> clickhouse::query::Query {
        let text = statement.text_with_lists();
        let mut query = self.client.query_raw(&text);
        for (name, value) in &statement.parameters {
            query = query.param(name, value);
        }
        if text.len() > USUAL_TEXT {
            query = query.with_setting("max_query_size", (2 * text.len()).to_string());
        }
        match self.require_projections && statement.from_projections {
            true => query.with_setting("force_optimize_projection", "1"),
            false => query,
        }
    }
}

fn without_comment(sql: &'static str) -> &'static str {
    let mut rest = sql;
    while let Some(comment) = rest.strip_prefix("--") {
        rest = comment.split_once('\n').map_or("", |(_, after)| after);
    }
    rest.trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_leading_comment_goes() {
        assert_eq!(without_comment("-- a\n-- b\nselect 1 -- c\n"), "select 1 -- c");
        assert_eq!(without_comment("select '--'"), "select '--'");
        assert_eq!(without_comment("-- alone"), "");
    }

    #[test]
    fn lists_of_ids_go_into_the_text_and_nothing_else_does() {
        let list = |ids: &[&str]| Statement::new("select {a:String}, {b:String}").ids("a", ids).text_with_lists().into_owned();
        assert_eq!(list(&["0F", "1E"]), "select '0F,1E', {b:String}");
        assert_eq!(list(&["0F", "' or 1", "崩溃", ""]), "select '0F', {b:String}");
        assert_eq!(list(&[]), "select '-', {b:String}");
    }

    #[test]
    fn parameters_keep_their_kind() {
        let statement = Statement::from_projections("select 1").time("from", 1_700_000_000).flag("all", true).unsigned("vm", 2_u8);
        assert!(statement.from_projections);
        let expected = [("from", Value::Text("2023-11-14 22:13:20".to_owned())), ("all", Value::Flag(true)), ("vm", Value::Unsigned(2))];
        assert_eq!(statement.parameters, expected);
    }
}
