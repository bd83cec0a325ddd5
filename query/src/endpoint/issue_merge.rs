//! `POST /v1/admin/issues/merge`: issues become parts of another, with every report of theirs that is still to come.

use super::aliases::{Outcome, Statements};
use crate::admin::{self, Refusal, Reply, Told};
use crate::authenticate::Gate;
use crate::error::{Error, invalid};
use crate::journal::Journal;
use chrono::Utc;
use service::http::{Endpoint, Json, Method};

/// Merges.
pub struct IssueMerge {
    pub gate: Gate,
    pub journal: Journal,
}

impl Endpoint for IssueMerge {
    const METHODS: &'static [Method] = &[Method::POST];
    const PATH: &'static str = "/v1/admin/issues/merge";
    const SUMMARY: &'static str = "Merge issues into another (Bearer)";
    const TAG: &'static str = "admin";
    type Input = Told<Statements>;
    type Output = Json<Reply<Outcome>>;
    type Error = Refusal;

    async fn call(&self, told: Told<Statements>) -> Result<Json<Reply<Outcome>>, Refusal> {
        let statements = admin::told(&self.gate, &told)?;
        Ok(Json(Reply::ok(self.merge(statements).await?)))
    }
}

impl IssueMerge {
    async fn merge(&self, statements: Statements) -> Result<Outcome, Error> {
        if statements.into.is_none() {
            return Err(invalid("into", "missing"));
        }
        let meant = statements.meant(&self.journal.store, Utc::now().timestamp_millis()).await?;
        // What others are parts of stays the name of the whole, so that no chain grows.
        let into = meant.aliases.canonical(meant.into.as_deref().unwrap_or_default()).to_owned();
        let outside = |issue: &&String| meant.aliases.canonical(issue) != into;
        let changed: Vec<String> = meant.issues.iter().filter(outside).cloned().collect();
        meant.state(&self.journal, &into, changed, false).await
    }
}
