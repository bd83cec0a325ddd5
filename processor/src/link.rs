//! Which issues are one bug under two names, by rules that leave no choice. Equal rows give equal links.
//!
//! The evidence is the place where reports failed: app, platform, category, kind, exception and all frames of the application.
//!
//! - `other_grouping`: under one grouping (version and projects' rules) exactly one issue has the evidence, under another exactly one
//!   other. The later is the earlier under a new name: a new parser, new rules.
//! - `app_version`: under one grouping exactly two issues have the evidence and all other frames too, in app versions of which they share
//!   none. The later is the earlier with another wording.
//!
//! Where there are more issues, a person decides: they are suggested and not linked. So are issues that a rule of the project or the client separated.

use std::collections::{BTreeMap, BTreeSet};

/// The reports of one issue, one grouping and one site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueEvidence {
    /// Id of the issue, in hexadecimal.
    pub issue: String,
    /// Version of the grouping and stamp of the projects' rules.
    pub grouping: (u16, u32),
    pub site: FailureSite,
    /// Hash of all frames.
    pub stack_hash: u64,
    /// A rule of the project or the client chose the issue.
    pub is_chosen: bool,
    /// First report, Unix milliseconds.
    pub first_ms: i64,
    pub versions: Vec<String>,
}

/// The place where reports failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailureSite {
    pub platform_id: u8,
    pub category: String,
    pub kind: String,
    pub exception: String,
    /// Hash of the application's frames; there is at least one.
    pub app_stack_hash: u64,
}

/// Two issues that are one: the later `issue` is the earlier `target`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    pub platform_id: u8,
    pub issue: String,
    pub target: String,
    pub rule: &'static str,
}

/// The names of the rules.
pub const RULES: [&str; 2] = ["other_grouping", "app_version"];

/// All links for which the evidence leaves no choice, sorted.
#[must_use]
pub fn links(evidence: &[IssueEvidence]) -> Vec<Link> {
    let mut sites: BTreeMap<&FailureSite, Vec<&IssueEvidence>> = BTreeMap::new();
    for one in evidence.iter().filter(|one| !one.site.exception.is_empty()) {
        sites.entry(&one.site).or_default().push(one);
    }
    let mut found = BTreeSet::new();
    for (site, there) in sites {
        if there.iter().any(|one| one.is_chosen) {
            continue;
        }
        found.extend(other_grouping(site, &there));
        found.extend(app_version(site, &there));
    }
    unambiguous(found)
}

fn other_grouping(site: &FailureSite, there: &[&IssueEvidence]) -> Vec<Link> {
    let mut groupings: BTreeMap<(u16, u32), BTreeSet<&str>> = BTreeMap::new();
    for one in there {
        groupings.entry(one.grouping).or_default().insert(&one.issue);
    }
    let all_single = groupings.values().all(|issues| issues.len() == 1);
    if groupings.len() < 2 || !all_single {
        return Vec::new();
    }
    let first = |issue: &str| there.iter().filter(|one| one.issue == issue).map(|one| one.first_ms).min().unwrap_or_default();
    let mut issues: Vec<&str> = groupings.into_values().flatten().collect();
    issues.sort_unstable_by_key(|issue| (first(issue), *issue));
    issues.dedup();
    let Some((target, later)) = issues.split_first() else { return Vec::new() };
    later.iter().map(|issue| link(site, issue, target, RULES[0])).collect()
}

fn app_version(site: &FailureSite, there: &[&IssueEvidence]) -> Vec<Link> {
    let issues: BTreeSet<&str> = there.iter().map(|one| one.issue.as_str()).collect();
    let groupings: BTreeSet<(u16, u32)> = there.iter().map(|one| one.grouping).collect();
    let stacks: BTreeSet<u64> = there.iter().map(|one| one.stack_hash).collect();
    let issues: Vec<&str> = issues.into_iter().collect();
    let ([a, b], 1, 1) = (issues.as_slice(), groupings.len(), stacks.len()) else { return Vec::new() };
    let of = |issue: &str| there.iter().filter(|one| one.issue == issue).copied().collect::<Vec<_>>();
    let versions = |of: &[&IssueEvidence]| of.iter().flat_map(|one| one.versions.iter().cloned()).collect::<BTreeSet<_>>();
    let (left, right) = (of(a), of(b));
    let (here, there) = (versions(&left), versions(&right));
    if here.contains("") || there.contains("") || here.is_empty() || there.is_empty() || !here.is_disjoint(&there) {
        return Vec::new();
    }
    let first = |of: &[&IssueEvidence]| of.iter().map(|one| one.first_ms).min().unwrap_or_default();
    let (later, earlier) = if (first(&left), a) > (first(&right), b) { (a, b) } else { (b, a) };
    vec![link(site, later, earlier, RULES[1])]
}

fn link(site: &FailureSite, issue: &str, target: &str, rule: &'static str) -> Link {
    Link { platform_id: site.platform_id, issue: issue.to_owned(), target: target.to_owned(), rule }
}

/// An issue that two sites would link to different issues is not linked.
fn unambiguous(found: BTreeSet<Link>) -> Vec<Link> {
    let mut targets: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for link in &found {
        targets.entry(&link.issue).or_default().insert(&link.target);
    }
    let torn: BTreeSet<String> = targets.into_iter().filter(|(_, targets)| targets.len() > 1).map(|(issue, _)| issue.to_owned()).collect();
    found.into_iter().filter(|link| !torn.contains(&link.issue)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(issue: &str, grouping: u16, first_ms: i64, versions: &[&str]) -> IssueEvidence {
        let site =
            FailureSite { platform_id: 1, category: "crash".into(), kind: "exception".into(), exception: "E".into(), app_stack_hash: 7 };
        let versions = versions.iter().map(|version| (*version).to_owned()).collect();
        IssueEvidence { issue: issue.into(), grouping: (grouping, 0), site, stack_hash: 9, is_chosen: false, first_ms, versions }
    }

    fn said(evidence: &[IssueEvidence]) -> Vec<(String, String, &'static str)> {
        links(evidence).into_iter().map(|link| (link.issue, link.target, link.rule)).collect()
    }

    fn one(issue: &str, target: &str, rule: &'static str) -> Vec<(String, String, &'static str)> {
        vec![(issue.to_owned(), target.to_owned(), rule)]
    }

    #[test]
    fn a_new_grouping_names_the_old_issue_anew() {
        assert_eq!(said(&[at("NEW", 2, 50, &["1"]), at("OLD", 1, 10, &["1"])]), one("NEW", "OLD", "other_grouping"));
        assert_eq!(said(&[at("SAME", 2, 50, &["1"]), at("SAME", 1, 10, &["1"])]), []);
    }

    #[test]
    fn where_there_is_a_choice_nothing_is_linked() {
        assert_eq!(said(&[at("NEW", 2, 50, &["1"]), at("OLD", 1, 10, &["1"]), at("OTHER", 1, 11, &["1"])]), []);
        let elsewhere = |issue: &str, grouping: u16, first: i64| {
            let mut one = at(issue, grouping, first, &["1"]);
            one.site.app_stack_hash = 8;
            one
        };
        let torn = [at("NEW", 2, 50, &["1"]), at("OLD", 1, 10, &["1"]), elsewhere("NEW", 2, 50), elsewhere("OTHER", 1, 10)];
        assert_eq!(said(&torn), []);
    }

    #[test]
    fn a_new_version_words_the_old_issue_anew() {
        assert_eq!(said(&[at("OLD", 1, 10, &["1.0", "1.1"]), at("NEW", 1, 50, &["2.0"])]), one("NEW", "OLD", "app_version"));
        assert_eq!(said(&[at("OLD", 1, 10, &["1.0", "2.0"]), at("NEW", 1, 50, &["2.0"])]), [], "both were there at once");
        let mut deeper = at("NEW", 1, 50, &["2.0"]);
        deeper.stack_hash = 10;
        assert_eq!(said(&[at("OLD", 1, 10, &["1.0"]), deeper]), [], "other frames");
        assert_eq!(said(&[at("OLD", 1, 10, &[""]), at("NEW", 1, 50, &["2.0"])]), [], "of no version");
    }

    #[test]
    fn never_over_categories_nor_against_what_was_chosen() {
        let mut other = at("NEW", 2, 50, &["2"]);
        other.site.category = "anr".into();
        assert_eq!(said(&[at("OLD", 1, 10, &["1"]), other]), []);
        let mut chosen = at("NEW", 2, 50, &["2"]);
        chosen.is_chosen = true;
        assert_eq!(said(&[at("OLD", 1, 10, &["1"]), chosen]), []);
    }

    #[test]
    fn the_order_of_rows_says_nothing() {
        let rows = [at("C", 3, 70, &["3"]), at("A", 1, 10, &["1"]), at("B", 2, 50, &["2"])];
        let mut turned = rows.clone();
        turned.reverse();
        assert_eq!(said(&rows), said(&turned));
        assert_eq!(said(&rows).len(), 2);
    }
}
