//! `POST /v1/admin/issues/unmerge`: parts of an issue become issues of their own again, with what was merged into them.

use crate::envelope::Admin;
use crate::error::{Error, invalid};
use crate::issue::merge::{Merge, MergeRequest, Outcome};
use crate::operation::{AdminAsked, AdminOperation, Writes};
use crate::param::Target;
use service::http::Method;

/// Makes parts of an issue issues of their own again.
pub struct UnmergeIssues;

impl AdminOperation for UnmergeIssues {
    const PATH: &'static str = "/v1/admin/issues/unmerge";
    const SUMMARY: &'static str = "Take issues out of the one they were merged into (Bearer)";
    const METHODS: &'static [Method] = &[Method::POST];
    type Uses = Writes;
    type Envelope = Admin;
    type Parameters = (Target, MergeRequest);
    type Answer = Outcome;

    async fn answer(writes: &Writes, asked: AdminAsked<Self>) -> Result<Outcome, Error> {
        let (target, request) = asked.parameters;
        let merge = Merge::prepare(&writes.reads, target, request, asked.now).await?;
        let is_part = |issue: &String| merge.issues.canonical(issue) != issue;
        let (parts, whole): (Vec<_>, Vec<_>) = merge.request.issues.iter().cloned().partition(is_part);
        if whole.iter().any(|issue| !merge.issues.aliases().parts_of(issue).is_empty()) {
            return Err(invalid("issues", "others were merged into one of them: take those out"));
        }
        let from = parts.first().map_or_else(String::new, |part| merge.issues.canonical(part).to_owned());
        merge.record_and_wait(writes, &from, parts, true).await
    }
}
