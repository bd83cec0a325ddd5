//! `queryIssueList`: the issues of an app, a page at a time.

use crate::envelope::B;
use crate::error::Error;
use crate::issue::IssueView;
use crate::operation::{Asked, Operation, Reads, off_worker};
use crate::param::{ExceptionTypes, IssueFilter, Page, TimeRange, VersionFilter};
use crate::sql;
use crate::store::{Counted, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The list of issues. Counts are all-time whatever the filters.
pub struct IssueList;

/// A page of issues.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "queryIssueList.Page")]
pub struct IssuePage {
    app_id: String,
    platform_id: String,
    issue_list: Vec<IssueView>,
    /// Issues that the filters leave.
    num_found: u64,
}

/// A row of `list.sql`.
#[derive(Row, Deserialize)]
struct Found {
    issue: String,
    found: u64,
}

impl Counted for Found {
    fn found(&self) -> u64 {
        self.found
    }
}

impl Operation for IssueList {
    const NAME: &'static str = "queryIssueList";
    const SUMMARY: &'static str = "Issues of an app";
    type Uses = Reads;
    type Envelope = B;
    type Parameters = (IssueFilter, ExceptionTypes, VersionFilter, Page);
    type Answer = IssuePage;

    async fn answer(reads: &Reads, asked: Asked<Self>) -> Result<IssuePage, Error> {
        let (filter, types, versions, page) = asked.parameters;
        let (target, zone) = (asked.target, reads.settings.time_zone);
        let page = page.within(reads.settings.limits.issues)?;
        let versions = reads.resolve(&target, versions, &TimeRange::ALL_TIME).await?;
        let issues = reads.issues(&target).await?;
        let statement = sql!("list.sql").bind(&target).bind(&filter).bind(&types).bind(&versions).bind(issues.lists());
        let (found, num_found) = reads.page::<Found>(statement, page).await?;
        let ids: Vec<String> = found.into_iter().map(|row| row.issue).collect();
        let mut shown = issues.shown(&ids).await?;
        let platform = target.platform;
        let write = move || ids.iter().filter_map(|id| shown.remove(id)).map(|shown| IssueView::of(shown, platform, zone)).collect();
        Ok(IssuePage { issue_list: off_worker(write).await?, num_found, platform_id: platform.to_string(), app_id: target.app })
    }
}
