//! Which issues are parts of which, folded from the alias facts of the log at read. Pure.
//!
//! A fact is about the issue that others belong to; its value is JSON: `{"issues": [ids], "removed": bool, "rule": name}`. From then on the
//! issues it names, with all that was merged into them before, are parts of it, or, `removed`, are issues of their own again.
//!
//! Facts are folded in the order of the log, and the last one wins: where a fact would close a circle, the issue it is about takes the
//! place of the one that becomes its part. What a rule proposes never overrules what a person stated about the same issue.

use crate::store::{Row, Statement};
use schemas::ids::IssueId;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// Issues that may be parts of others, per app and platform.
pub const MOST: usize = 20_000;
/// Issues that one fact may name.
pub const MOST_OF_A_FACT: usize = 100;

/// A row of the alias facts, in the order of the log.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct Fact {
    /// The issue it is about, hex.
    pub issue: String,
    pub value: String,
    pub author: String,
    /// Unix milliseconds.
    pub changed_ms: i64,
}

/// What a fact says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// Hex.
    pub issues: Vec<String>,
    /// They are no parts any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// Which rule proposed it; empty where a person stated it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rule: String,
}

/// What holds: a forest of issues.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases {
    parents: HashMap<String, String>,
    /// What a person has stated something about, and what one has taken out of an issue.
    stated: HashSet<String>,
    apart: HashSet<String>,
    facts: usize,
}

impl Aliases {
    /// Folds facts in the order of the log. What cannot be read says nothing.
    #[must_use]
    pub fn fold(facts: &[Fact]) -> Self {
        let mut aliases = Self { facts: facts.len(), ..Self::default() };
        for fact in facts {
            let said: Said = serde_json::from_str(&fact.value).unwrap_or_default();
            let (Some(target), true) = (id(&fact.issue), said.issues.len() <= MOST_OF_A_FACT) else { continue };
            for issue in said.issues.iter().filter_map(|issue| id(issue)).filter(|issue| *issue != target) {
                aliases.take(issue, &target, &said);
            }
        }
        aliases
    }

    /// How many facts were folded.
    #[must_use]
    pub fn facts(&self) -> usize {
        self.facts
    }

    /// How many issues are parts of others.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.parents.len()
    }

    /// Whether what a person stated forbids a rule to make `issue` a part of `target`.
    #[must_use]
    pub fn forbid(&self, issue: &str, target: &str) -> bool {
        self.stated.contains(issue) || self.apart.contains(issue) || self.apart.contains(target)
    }

    /// The issue that `issue` is shown as: itself where it is no part.
    #[must_use]
    pub fn canonical<'a>(&'a self, issue: &'a str) -> &'a str {
        root(&self.parents, issue)
    }

    /// The issues with all their parts, an issue before its parts.
    #[must_use]
    pub fn members(&self, issues: &[String]) -> Vec<String> {
        let wanted: HashSet<&str> = issues.iter().map(String::as_str).collect();
        let mut parts: Vec<String> = self.parents.keys().filter(|issue| wanted.contains(self.canonical(issue))).cloned().collect();
        parts.sort_unstable();
        issues.iter().cloned().chain(parts).collect()
    }

    /// Every issue that has parts, with them; sorted.
    #[must_use]
    pub fn groups(&self) -> Vec<(String, Vec<String>)> {
        let mut groups: HashMap<&str, Vec<String>> = HashMap::new();
        for issue in self.parents.keys() {
            groups.entry(self.canonical(issue)).or_default().push(issue.clone());
        }
        let mut groups: Vec<_> = groups.into_iter().map(|(issue, parts)| (issue.to_owned(), parts)).collect();
        groups.iter_mut().for_each(|(_, parts)| parts.sort_unstable());
        groups.sort_unstable();
        groups
    }

    /// Gives a statement `alias_sources` and `alias_targets`: pairwise, joined by commas, a dash where there is none.
    #[must_use]
    pub fn bind(&self, statement: Statement) -> Statement {
        let mut parts: Vec<&String> = self.parents.keys().collect();
        parts.sort_unstable();
        self.bind_parts(statement, &parts)
    }

    /// The same for `issues` alone, with `members`: they and all their parts.
    #[must_use]
    pub fn bind_only(&self, statement: Statement, issues: &[String]) -> Statement {
        let members = self.members(issues);
        let parts: Vec<&String> = members.iter().filter(|issue| self.parents.contains_key(*issue)).collect();
        self.bind_parts(statement, &parts).ids("members", &members)
    }

    fn bind_parts(&self, statement: Statement, parts: &[&String]) -> Statement {
        let targets: Vec<&str> = parts.iter().map(|part| self.canonical(part)).collect();
        statement.ids("alias_sources", parts).ids("alias_targets", &targets)
    }

    fn take(&mut self, issue: String, target: &str, said: &Said) {
        let by_person = said.rule.is_empty();
        let closes = path(&self.parents, target).any(|above| above == issue);
        if !by_person && (closes || said.removed || self.forbid(&issue, target)) {
            return;
        }
        if by_person {
            self.stated.insert(issue.clone());
        }
        if said.removed {
            self.parents.remove(&issue);
            self.apart.insert(issue);
            return;
        }
        self.apart.remove(&issue);
        if closes {
            // The two change places.
            match self.parents.remove(&issue) {
                Some(above) => self.parents.insert(target.to_owned(), above),
                None => self.parents.remove(target),
            };
        }
        self.parents.insert(issue, target.to_owned());
    }
}

/// An issue, what it is a part of, and so on to the end; the parents hold no circle.
fn path<'a>(parents: &'a HashMap<String, String>, issue: &'a str) -> impl Iterator<Item = &'a str> {
    std::iter::successors(Some(issue), |at| parents.get(*at).map(String::as_str))
}

fn root<'a>(parents: &'a HashMap<String, String>, issue: &'a str) -> &'a str {
    path(parents, issue).last().unwrap_or(issue)
}

/// An id as the tables' hex.
fn id(text: &str) -> Option<String> {
    text.parse::<IssueId>().ok().map(|id| id.to_string())
}

#[cfg(test)]
mod tests;
