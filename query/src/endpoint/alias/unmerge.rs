//! `POST /v1/admin/issues/unmerge`: parts of an issue become issues of their own again, with what was merged into them.

use super::aliases::{Outcome, Statements};
use crate::admin::{self, Refusal, Reply, Told};
use crate::authenticate::Gate;
use crate::error::{Error, invalid};
use crate::journal::Journal;
use chrono::Utc;
use service::http::{Endpoint, Json, Method};

/// Takes merges back.
pub struct IssueUnmerge {
    pub gate: Gate,
    pub journal: Journal,
}

impl Endpoint for IssueUnmerge {
    const METHODS: &'static [Method] = &[Method::POST];
    const PATH: &'static str = "/v1/admin/issues/unmerge";
    const SUMMARY: &'static str = "Take issues out of the one they were merged into (Bearer)";
    const TAG: &'static str = "admin";
    const BODY_LIMIT: usize = crate::param::bounds::LONGEST_BODY;
    type Input = Told<Statements>;
    type Output = Json<Reply<Outcome>>;
    type Error = Refusal;

    async fn call(&self, told: Told<Statements>) -> Result<Json<Reply<Outcome>>, Refusal> {
        let (operator, statements) = admin::told(&self.gate, &told)?;
        Ok(Json(Reply::ok(unmerge(&self.journal.of(&operator.id), statements).await?)))
    }
}

async fn unmerge(journal: &Journal, statements: Statements) -> Result<Outcome, Error> {
    let meant = statements.meant(&journal.store, Utc::now().timestamp_millis()).await?;
    let (parts, whole): (Vec<_>, Vec<_>) = meant.issues.iter().cloned().partition(|issue| meant.aliases.canonical(issue) != issue);
    if whole.iter().any(|issue| meant.aliases.members(std::slice::from_ref(issue)).len() > 1) {
        return Err(invalid("issues", "one is what others were merged into: take those out"));
    }
    let from = parts.first().map_or_else(String::new, |part| meant.aliases.canonical(part).to_owned());
    meant.state(journal, &from, parts, true).await
}
