//! Which issues are parts of which, made from the alias facts of the log at read. Pure.
//!
//! A fact is about the issue that others belong to; its value is JSON: `{"issues": [ids], "removed": bool, "rule": name}`. From then on the
//! issues it names, with all that was merged into them before, are parts of it, or, `removed`, are issues of their own again.
//!
//! Facts are applied in the order of the log, and the last one wins: where a fact would close a circle, the issue it is about takes the
//! place of the one that becomes its part. What a rule proposes never overrules what a person stated about the same issue.

use crate::store::{Bind, IdList, Row, Statement};
use schemas::ids::IssueId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Issues that may be parts of others, per app and platform.
pub const MOST: usize = 20_000;
/// Issues that one fact may name.
pub const MOST_OF_A_FACT: usize = 100;

/// A row of the alias facts, in the order of the log.
#[derive(Debug, Clone, PartialEq, Eq, Row, Deserialize)]
pub struct AliasRow {
    /// The issue it is about, hex.
    pub issue: String,
    pub value: String,
    pub author: String,
    /// Unix milliseconds.
    pub changed_ms: i64,
}

/// What a row says: issues that are parts of another, or are not any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AliasFact {
    /// Hex.
    pub issues: Vec<String>,
    /// The issues are not parts any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// The rule that proposed it; empty where a person stated it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rule: String,
}

/// Which issue each issue is shown as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Aliases {
    /// What an issue is directly a part of; there are no circles.
    parents: HashMap<String, String>,
    /// Every issue that has parts, with all of them, sorted.
    groups: BTreeMap<String, Vec<String>>,
    /// All parts, and what they are shown as.
    lists: AliasLists,
    /// Issues that a person has stated something about.
    decided_by_person: HashSet<String>,
    /// Issues that a person has taken out of another.
    split_off: HashSet<String>,
    facts: usize,
}

/// Parts and the issues they are shown as, pairwise, as statements take them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AliasLists {
    sources: IdList,
    targets: IdList,
}

/// Some issues with all their parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members {
    issues: IdList,
    /// Their parts, and what these are shown as.
    pub aliases: AliasLists,
}

impl Aliases {
    /// Applies facts in the order of the log. A fact that cannot be read is passed over.
    #[must_use]
    pub fn fold(facts: &[AliasRow]) -> Self {
        let mut aliases = Self { facts: facts.len(), ..Self::default() };
        for fact in facts {
            let said: AliasFact = serde_json::from_str(&fact.value).unwrap_or_default();
            let (Some(target), true) = (id(&fact.issue), said.issues.len() <= MOST_OF_A_FACT) else { continue };
            for issue in said.issues.iter().filter_map(|issue| id(issue)).filter(|issue| *issue != target) {
                aliases.apply(issue, &target, &said);
            }
        }
        aliases.index();
        aliases
    }

    /// How many facts there are.
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
        self.decided_by_person.contains(issue) || self.split_off.contains(issue) || self.split_off.contains(target)
    }

    /// The issue that `issue` is shown as: itself where it is not a part.
    #[must_use]
    pub fn canonical<'a>(&'a self, issue: &'a str) -> &'a str {
        root(&self.parents, issue)
    }

    /// How many issues are remembered, by which the memory it takes is estimated.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.parents.len() + self.decided_by_person.len() + self.split_off.len()
    }

    /// The parts of an issue, sorted.
    #[must_use]
    pub fn parts_of(&self, issue: &str) -> &[String] {
        self.groups.get(issue).map_or(&[], Vec::as_slice)
    }

    /// Every issue that has parts, with them; sorted.
    #[must_use]
    pub fn groups(&self) -> &BTreeMap<String, Vec<String>> {
        &self.groups
    }

    /// All parts, and what they are shown as.
    #[must_use]
    pub fn lists(&self) -> &AliasLists {
        &self.lists
    }

    /// Some issues with all their parts.
    #[must_use]
    pub fn members(&self, issues: &[String]) -> Members {
        let pairs: Vec<(&str, &str)> =
            issues.iter().flat_map(|issue| self.parts_of(issue).iter().map(|part| (part.as_str(), issue.as_str()))).collect();
        let members: Vec<&str> = issues.iter().map(String::as_str).chain(pairs.iter().map(|(part, _)| *part)).collect();
        Members { issues: IdList::of(&members), aliases: AliasLists::of(&pairs) }
    }

    /// Makes the lists by which it is asked.
    fn index(&mut self) {
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for issue in self.parents.keys() {
            groups.entry(self.canonical(issue).to_owned()).or_default().push(issue.clone());
        }
        groups.values_mut().for_each(|parts| parts.sort_unstable());
        let pairs: Vec<(&str, &str)> =
            groups.iter().flat_map(|(issue, parts)| parts.iter().map(|part| (part.as_str(), issue.as_str()))).collect();
        self.lists = AliasLists::of(&pairs);
        self.groups = groups;
    }

    fn apply(&mut self, issue: String, target: &str, said: &AliasFact) {
        let by_person = said.rule.is_empty();
        let closes = path(&self.parents, target).any(|above| above == issue);
        if !by_person && (closes || said.removed || self.forbid(&issue, target)) {
            return;
        }
        if by_person {
            self.decided_by_person.insert(issue.clone());
        }
        if said.removed {
            self.parents.remove(&issue);
            self.split_off.insert(issue);
            return;
        }
        self.split_off.remove(&issue);
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

impl AliasLists {
    /// Pairs of a part and what it is shown as.
    fn of(pairs: &[(&str, &str)]) -> Self {
        let list = |ids: Vec<&str>| IdList::of(&ids);
        Self {
            sources: list(pairs.iter().map(|(part, _)| *part).collect()),
            targets: list(pairs.iter().map(|(_, issue)| *issue).collect()),
        }
    }
}

impl Bind for AliasLists {
    const BLOCK: &'static str = "aliases";
    const NAMES: &'static [&'static str] = &["alias_sources", "alias_targets"];

    fn bind(&self, statement: Statement) -> Statement {
        statement.id_list("alias_sources", self.sources.clone()).id_list("alias_targets", self.targets.clone())
    }
}

impl Bind for Members {
    const BLOCK: &'static str = "members";
    const NAMES: &'static [&'static str] = &["members"];

    fn bind(&self, statement: Statement) -> Statement {
        statement.id_list("members", self.issues.clone())
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
