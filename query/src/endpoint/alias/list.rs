//! `GET /v1/admin/issues/aliases`: which issues are parts of which.

use crate::envelope::Admin;
use crate::error::Error;
use crate::issue::merge::Group;
use crate::operation::{AdminAsked, AdminOperation, Reads, off_worker};
use crate::param::Target;

/// The list of issues with parts.
pub struct AliasList;

impl AdminOperation for AliasList {
    const PATH: &'static str = "/v1/admin/issues/aliases";
    const SUMMARY: &'static str = "Issues that others were merged into (Bearer)";
    type Uses = Reads;
    type Envelope = Admin;
    type Parameters = Target;
    type Answer = Vec<Group>;

    async fn answer(reads: &Reads, asked: AdminAsked<Self>) -> Result<Vec<Group>, Error> {
        let issues = reads.issues(&asked.parameters).await?;
        off_worker(move || issues.aliases().groups().iter().map(|(issue, parts)| Group::of(issue, parts)).collect()).await
    }
}
