//! The tables, seen by SQL over ClickHouse's HTTP interface.

use super::http::{self, Reply};
use serde_json::Value;

/// An address and a user of the engine.
#[derive(Debug, Clone)]
pub struct Engine {
    pub url: String,
    pub user: String,
    pub password: String,
}

impl Engine {
    /// Runs a statement; the answer as sent.
    pub fn run(&self, statement: &str) -> Result<Reply, String> {
        let headers = [("x-clickhouse-user", self.user.as_str()), ("x-clickhouse-key", self.password.as_str())];
        http::post_with(&format!("{}/", self.url), &headers, statement.as_bytes())
    }

    /// Inserts rows (RowBinary, all columns) over HTTP under a token, as a processor inserts a slice.
    pub fn insert(&self, table: &str, token: &str, rows: &[u8]) -> Result<Reply, String> {
        let headers = [("x-clickhouse-user", self.user.as_str()), ("x-clickhouse-key", self.password.as_str())];
        let settings = "async_insert=0&insert_deduplicate=1&max_insert_threads=1";
        let statement = format!("insert%20into%20{table}%20format%20RowBinary");
        http::post_with(&format!("{}/?query={statement}&{settings}&insert_deduplication_token={token}", self.url), &headers, rows)
    }

    /// Rows of a query as JSON objects (64-bit numbers as numbers).
    pub fn try_rows(&self, query: &str) -> Result<Vec<Value>, String> {
        let headers = [("x-clickhouse-user", self.user.as_str()), ("x-clickhouse-key", self.password.as_str())];
        let url = format!("{}/?output_format_json_quote_64bit_integers=0&default_format=JSONEachRow", self.url);
        let reply = http::post_with(&url, &headers, query.as_bytes())?;
        if reply.status != 200 {
            return Err(format!("{} {} for {query}", reply.status, reply.text));
        }
        reply.text.lines().map(|line| serde_json::from_str(line).map_err(|error| format!("{error} in {line}"))).collect()
    }

    pub fn rows(&self, query: &str) -> Vec<Value> {
        self.try_rows(query).unwrap()
    }

    /// The single number a query answers with.
    pub fn number(&self, query: &str) -> i64 {
        let rows = self.rows(query);
        let value = rows.first().and_then(Value::as_object).and_then(|row| row.values().next()).and_then(Value::as_i64);
        value.unwrap_or_else(|| panic!("no number: {rows:?} for {query}"))
    }
}
