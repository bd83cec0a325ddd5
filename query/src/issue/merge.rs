//! Merging and unmerging issues: what both operations take, check and answer, and how they state it.

use super::Issues;
use super::aliases::{AliasFact, Aliases, MOST, MOST_OF_A_FACT};
use super::new_alias::NewAlias;
use crate::error::{Error, Rejection, invalid};
use crate::operation::{Reads, Writes, off_worker};
use crate::param::{Block, Context, Target, Text, TextList, issue_id};
use crate::sql;
use crate::store::Row;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Characters of an author's name.
const LONGEST_AUTHOR: usize = 100;

/// How a [`MergeRequest`] is spelled.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[schemars(rename = "MergeRequest")]
pub struct MergeBody {
    /// Ids of the issues to merge or to take apart, at most 100.
    issues: TextList,
    /// Of a merge: id of the issue that they become parts of.
    into: Option<Text>,
    /// Name of the person who states it, for the record.
    author: Option<Text>,
}

/// Issues to merge or to take apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRequest {
    /// Hex, sorted, each once.
    pub issues: Vec<String>,
    /// What they are merged into, hex.
    pub into: Option<String>,
    pub author: String,
}

/// A merge, on the state that it is stated on.
pub struct Merge {
    pub target: Target,
    pub request: MergeRequest,
    /// The issues as they are before.
    pub issues: Issues,
    /// Unix milliseconds.
    pub now: i64,
}

/// An issue and what was merged into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "merge.Group")]
pub struct Group {
    pub issue_id: String,
    /// Issues that are parts of it.
    pub parts: Vec<String>,
}

/// What an operation stated, and what holds now.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "merge.Outcome")]
pub struct Outcome {
    /// Issues about which something new was stated; empty where everything was so already.
    pub changed: Vec<String>,
    /// The issues that were named, as they are shown now, with their parts.
    pub groups: Vec<Group>,
    /// Whether the tables show it already; else it is in the log, and they will.
    pub shown: bool,
}

#[derive(Row, Deserialize)]
struct Known {
    issue: String,
    category: String,
}

impl Block for MergeRequest {
    type Fields = MergeBody;

    fn check(fields: MergeBody, _: &Context<'_>) -> Result<Self, Error> {
        let mut issues = fields.issues.0.iter().map(|text| issue_id("issues", text)).collect::<Result<Vec<_>, _>>()?;
        let into = fields.into.map(|into| issue_id("into", &into)).transpose()?;
        issues.sort_unstable();
        issues.dedup();
        if issues.is_empty() || issues.len() > MOST_OF_A_FACT {
            return Err(invalid("issues", format!("expected 1 to {MOST_OF_A_FACT}")));
        }
        let author = fields.author.map_or_else(String::new, |author| author.0).chars().take(LONGEST_AUTHOR).collect();
        Ok(Self { issues, into, author })
    }
}

impl MergeRequest {
    /// Every issue that is named.
    fn named(&self) -> Vec<String> {
        self.issues.iter().chain(&self.into).cloned().collect()
    }
}

impl Merge {
    /// A merge of issues that all have reports, of one category.
    ///
    /// # Errors
    /// One has no reports, or they are of several categories; the tables give no answer.
    pub async fn prepare(reads: &Reads, target: Target, request: MergeRequest, now: i64) -> Result<Self, Error> {
        let named = request.named();
        let (issues, ()) = tokio::try_join!(reads.issues(&target), check_known(reads, &target, &named))?;
        Ok(Self { target, request, issues, now })
    }

    /// States that `changed` are parts of `issue`, or, `removed`, are parts of it no more, and waits until reads show it.
    ///
    /// # Errors
    /// Too many issues are parts of others; log or tables give no answer.
    pub async fn record_and_wait(self, writes: &Writes, issue: &str, changed: Vec<String>, removed: bool) -> Result<Outcome, Error> {
        let named = self.request.named();
        if changed.is_empty() {
            return Ok(Outcome { groups: groups(self.issues.aliases(), named).await?, changed, shown: true });
        }
        if !removed && self.issues.aliases().parts() + changed.len() > MOST {
            return Err(invalid("issues", format!("{MOST} issues of the app are parts of others: no more can be")));
        }
        let alias = NewAlias {
            target: self.target,
            issue: issue.parse().map_err(|error| invalid("issues", format!("{error}")))?,
            fact: AliasFact { issues: changed.clone(), removed, rule: String::new() },
            author: self.request.author,
            now: self.now,
        };
        let change = alias.change(self.issues.aliases().facts() as u128);
        let shown = writes.journal.record_and_wait(&writes.reads.store, &change).await?;
        let issues = writes.reads.issues(&alias.target).await?;
        Ok(Outcome { groups: groups(issues.aliases(), named).await?, changed, shown })
    }
}

/// Whether all of `issues` have reports, of one category: a crash, an ANR and an error are never one issue.
async fn check_known(reads: &Reads, target: &Target, issues: &[String]) -> Result<(), Error> {
    let known: Vec<Known> = reads.store.fetch(sql!("known.sql").bind(target).ids("issues", issues)).await?;
    let categories: BTreeMap<&str, &str> = known.iter().map(|known| (known.issue.as_str(), known.category.as_str())).collect();
    if issues.iter().any(|issue| !categories.contains_key(issue.as_str())) {
        return Err(Rejection::NotFound("issue").into());
    }
    match known.iter().all(|one| one.category == known[0].category) {
        true => Ok(()),
        false => Err(invalid("issues", "a crash, an ANR and an error never share an issue")),
    }
}

/// The issues that `named` are shown as, with their parts, of which there may be 20,000.
async fn groups(aliases: &Arc<Aliases>, named: Vec<String>) -> Result<Vec<Group>, Error> {
    let aliases = aliases.clone();
    off_worker(move || {
        let mut shown: Vec<&str> = named.iter().map(|issue| aliases.canonical(issue)).collect();
        shown.sort_unstable();
        shown.dedup();
        shown.into_iter().map(|issue| Group::of(issue, aliases.parts_of(issue))).collect()
    })
    .await
}

impl Group {
    /// An issue and its parts.
    #[must_use]
    pub fn of(issue: &str, parts: &[String]) -> Self {
        Self { issue_id: issue.to_owned(), parts: parts.to_vec() }
    }
}
