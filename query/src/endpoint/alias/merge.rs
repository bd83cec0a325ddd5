//! `POST /v1/admin/issues/merge`: issues become parts of another, with every report of theirs that is still to come.

use crate::envelope::Admin;
use crate::error::{Error, invalid};
use crate::issue::merge::{Merge, MergeRequest, Outcome};
use crate::operation::{AdminAsked, AdminOperation, Writes};
use crate::param::Target;
use service::http::Method;

/// Makes issues parts of another.
pub struct MergeIssues;

impl AdminOperation for MergeIssues {
    const PATH: &'static str = "/v1/admin/issues/merge";
    const SUMMARY: &'static str = "Merge issues into another (Bearer)";
    const METHODS: &'static [Method] = &[Method::POST];
    type Uses = Writes;
    type Envelope = Admin;
    type Parameters = (Target, MergeRequest);
    type Answer = Outcome;

    async fn answer(writes: &Writes, asked: AdminAsked<Self>) -> Result<Outcome, Error> {
        let (target, request) = asked.parameters;
        let into = request.into.clone().ok_or_else(|| invalid("into", "missing"))?;
        let merge = Merge::prepare(&writes.reads, target, request, asked.now).await?;
        // The issue that `into` is shown as stays the name of the whole, so that no chain grows.
        let into = merge.issues.canonical(&into).to_owned();
        let outside = |issue: &&String| merge.issues.canonical(issue) != into;
        let changed: Vec<String> = merge.request.issues.iter().filter(outside).cloned().collect();
        merge.record_and_wait(writes, &into, changed, false).await
    }
}
