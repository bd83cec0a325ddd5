//! `GET /v1/admin/issues/aliases`: which issues are parts of which; and what the operations that state it have in common.

use crate::admin::{self, Documented, Refusal, Reply};
use crate::alias::{Aliases, Fact, MOST, MOST_OF_A_FACT, Said};
use crate::authenticate::Gate;
use crate::error::{Error, Rejection, invalid};
use crate::journal::Journal;
use crate::param::{Integer, Target, Text, TextList};
use crate::store::{Row, Statement, Store};
use schemars::JsonSchema;
use schemas::digest;
use schemas::ids::IssueId;
use schemas::record::IssueChange;
use serde::{Deserialize, Serialize};
use service::http::{Endpoint, Json, Method, Request, Response};
use std::collections::BTreeMap;

/// The list of issues with parts.
pub struct AliasList {
    pub gate: Gate,
    pub store: Store,
}

/// The request, not yet read.
pub struct Question(Request);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    app_id: Text,
    platform_id: Integer,
}

/// An issue and what was merged into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    pub issue_id: String,
    /// Issues that are parts of it.
    pub parts: Vec<String>,
}

/// What an operation stated, and what holds now.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Issues about which something new was stated; none where it was so already.
    pub changed: Vec<String>,
    /// The issues that were named, as they are shown now, with their parts.
    pub groups: Vec<Group>,
    /// Whether the tables show it already; else it is in the log, and they will.
    pub shown: bool,
}

/// What an operation that states something takes.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statements {
    pub app_id: Text,
    /// 1 Android, 2 iOS, 10 PC.
    pub platform_id: Integer,
    /// The issues it is about, at most 100.
    pub issues: TextList,
    /// Of a merge: the issue they become parts of.
    pub into: Option<Text>,
    /// Who states it, for the record.
    pub author: Option<Text>,
}

/// Statements that were understood, on the state they are made on.
pub struct Meant {
    pub target: Target,
    pub issues: Vec<String>,
    pub into: Option<String>,
    pub author: String,
    pub aliases: Aliases,
    pub now: i64,
}

#[derive(Row, Deserialize)]
struct Known {
    issue: String,
    category: String,
}

/// Characters of an author's name.
const LONGEST_AUTHOR: usize = 100;

impl service::http::Input for Question {
    fn from_request(request: Request) -> Result<Self, Response> {
        Ok(Self(request))
    }

    fn query() -> Documented {
        &[("appId", "id of the app"), ("platformId", "1 Android, 2 iOS, 10 PC")]
    }
}

impl Endpoint for AliasList {
    const METHODS: &'static [Method] = &[Method::GET];
    const PATH: &'static str = "/v1/admin/issues/aliases";
    const SUMMARY: &'static str = "Issues that others were merged into (Bearer)";
    const TAG: &'static str = "admin";
    const BODY_LIMIT: usize = crate::param::bounds::LONGEST_BODY;
    type Input = Question;
    type Output = Json<Reply<Vec<Group>>>;
    type Error = Refusal;

    async fn call(&self, question: Question) -> Result<Json<Reply<Vec<Group>>>, Refusal> {
        let (operator, Parameters { app_id, platform_id }) = admin::asked(&self.gate, &question.0)?;
        let aliases = fetch(&self.store.of(&operator.id), &target(app_id, platform_id)?).await?;
        let groups = aliases.groups().into_iter().map(|(issue_id, parts)| Group { issue_id, parts });
        Ok(Json(Reply::ok(groups.collect())))
    }
}

/// What holds of an app and platform.
///
/// # Errors
/// The tables give no answer.
pub async fn fetch(store: &Store, target: &Target) -> Result<Aliases, Error> {
    let statement = Statement::new(include_str!("aliases.sql")).text("app", &target.app).unsigned("platform", target.platform);
    Ok(store.fold(statement, |facts: Vec<Fact>| Aliases::fold(&facts)).await?)
}

fn target(app: Text, platform: Integer) -> Result<Target, Error> {
    match u8::try_from(platform.0) {
        Ok(platform @ (1 | 2 | 10)) => Ok(Target { app: app.0, platform }),
        _ => Err(invalid("platformId", "expected 1, 2 or 10")),
    }
}

impl Statements {
    /// Reads them and finds out what they are about: every issue has reports, and all are of one category.
    ///
    /// # Errors
    /// One is no id or not there, or they are of several categories.
    pub async fn meant(self, store: &Store, now: i64) -> Result<Meant, Error> {
        let target = target(self.app_id, self.platform_id)?;
        let id = |name: &str, text: &str| match text.trim().parse::<IssueId>() {
            Ok(id) => Ok(id.to_string()),
            Err(error) => Err(invalid(name, format!("{error}"))),
        };
        let mut issues = self.issues.0.iter().map(|text| id("issues", text)).collect::<Result<Vec<_>, _>>()?;
        let into = self.into.map(|into| id("into", &into)).transpose()?;
        issues.sort_unstable();
        issues.dedup();
        if issues.is_empty() || issues.len() > MOST_OF_A_FACT {
            return Err(invalid("issues", format!("expected 1 to {MOST_OF_A_FACT}")));
        }
        let author: String = self.author.map_or_else(String::new, |author| author.0).chars().take(LONGEST_AUTHOR).collect();
        let named: Vec<String> = issues.iter().chain(&into).cloned().collect();
        let (aliases, ()) = tokio::try_join!(fetch(store, &target), known(store, &target, &named))?;
        Ok(Meant { target, issues, into, author, aliases, now })
    }
}

/// Whether all of `issues` have reports, of one category: a crash, an ANR and an error are never one issue.
async fn known(store: &Store, target: &Target, issues: &[String]) -> Result<(), Error> {
    let statement = Statement::new(include_str!("known_issues.sql")).text("app", &target.app).unsigned("platform", target.platform);
    let known: Vec<Known> = store.fetch(statement.ids("issues", issues)).await?;
    let categories: BTreeMap<&str, &str> = known.iter().map(|known| (known.issue.as_str(), known.category.as_str())).collect();
    if issues.iter().any(|issue| !categories.contains_key(issue.as_str())) {
        return Err(Rejection::NotFound("issue").into());
    }
    match known.iter().all(|one| one.category == known[0].category) {
        true => Ok(()),
        false => Err(invalid("issues", "a crash, an ANR and an error never share an issue")),
    }
}

impl Meant {
    /// States that `changed` are parts of `target`, or no more, and waits until reads show it.
    ///
    /// # Errors
    /// Log or tables give no answer.
    pub async fn state(self, journal: &Journal, issue: &str, changed: Vec<String>, removed: bool) -> Result<Outcome, Error> {
        if changed.is_empty() {
            return Ok(Outcome { groups: groups(&self.aliases, &self.named()), changed, shown: true });
        }
        if !removed && self.aliases.parts() + changed.len() > MOST {
            return Err(invalid("issues", format!("{MOST} issues of the app are parts of others: no more can be")));
        }
        let change = self.change(issue, &changed, removed)?;
        journal.append(&change).await?;
        let id = change.change_id.to_string();
        let is_there = || async {
            let statement = Statement::new(include_str!("change_seen.sql")).text("change", &id);
            Ok(journal.store.first::<u64>(statement).await?.is_some_and(|rows| rows > 0))
        };
        let shown = journal.shown(is_there).await?;
        let aliases = fetch(&journal.store, &self.target).await?;
        Ok(Outcome { groups: groups(&aliases, &self.named()), changed, shown })
    }

    fn named(&self) -> Vec<String> {
        self.issues.iter().chain(&self.into).cloned().collect()
    }

    /// The fact. Its id is that of what is stated on what was known: the same request twice at once states it once.
    fn change(&self, issue: &str, changed: &[String], removed: bool) -> Result<IssueChange, Error> {
        let issue_id: IssueId = issue.parse().map_err(|error| invalid("issues", format!("{error}")))?;
        let said = Said { issues: changed.to_vec(), removed, rule: String::new() };
        let value = serde_json::to_string(&said).unwrap_or_default();
        let content = format!("alias|{}|{issue_id}|{value}|{}", self.target.platform, self.author);
        Ok(IssueChange {
            change_id: digest::change_id(&self.target.app, content.as_bytes(), self.aliases.facts() as u128),
            app_id: self.target.app.clone(),
            platform_id: i32::from(self.target.platform),
            issue_id,
            kind: "alias".to_owned(),
            value,
            author: self.author.clone(),
            changed_at: self.now,
        })
    }
}

fn groups(aliases: &Aliases, named: &[String]) -> Vec<Group> {
    let mut shown: Vec<String> = named.iter().map(|issue| aliases.canonical(issue).to_owned()).collect();
    shown.sort_unstable();
    shown.dedup();
    let parts = |issue: &String| aliases.members(std::slice::from_ref(issue)).split_off(1);
    shown.iter().map(|issue| Group { issue_id: issue.clone(), parts: parts(issue) }).collect()
}
