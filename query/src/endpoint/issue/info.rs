//! `issueInfo`: one issue.

use crate::envelope::B;
use crate::error::{Error, Rejection};
use crate::issue::IssueView;
use crate::issue::facts::in_pairs;
use crate::operation::{Asked, Operation, Reads};
use crate::param::IssueKey;

/// The details of an issue.
pub struct IssueInfo;

impl Operation for IssueInfo {
    const NAME: &'static str = "issueInfo";
    const SUMMARY: &'static str = "Details of an issue";
    type Uses = Reads;
    type Envelope = B;
    type Parameters = IssueKey;
    type Answer = IssueView;

    async fn answer(reads: &Reads, asked: Asked<Self>) -> Result<IssueView, Error> {
        let IssueKey(id) = asked.parameters;
        let issues = reads.issues(&asked.target).await?;
        let canonical = issues.canonical(&id).to_owned();
        let shown = issues.shown(std::slice::from_ref(&canonical)).await?.remove(&canonical).ok_or(Rejection::NotFound("issue"))?;
        let parent_hash = if canonical == id { String::new() } else { in_pairs(&canonical) };
        Ok(IssueView { parent_hash, ..IssueView::of(shown, asked.target.platform, reads.settings.time_zone) })
    }
}
