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
    const BODY_LIMIT: usize = crate::param::bounds::LONGEST_BODY;
    type Input = Told<Statements>;
    type Output = Json<Reply<Outcome>>;
    type Error = Refusal;

    async fn call(&self, told: Told<Statements>) -> Result<Json<Reply<Outcome>>, Refusal> {
        let (operator, statements) = admin::told(&self.gate, &told)?;
        Ok(Json(Reply::ok(merge(&self.journal.of(&operator.id), statements).await?)))
    }
}

async fn merge(journal: &Journal, statements: Statements) -> Result<Outcome, Error> {
    if statements.into.is_none() {
        return Err(invalid("into", "missing"));
    }
    let meant = statements.meant(&journal.store, Utc::now().timestamp_millis()).await?;
    // What others are parts of stays the name of the whole, so that no chain grows.
    let into = meant.aliases.canonical(meant.into.as_deref().unwrap_or_default()).to_owned();
    let outside = |issue: &&String| meant.aliases.canonical(issue) != into;
    let changed: Vec<String> = meant.issues.iter().filter(outside).cloned().collect();
    meant.state(journal, &into, changed, false).await
}
