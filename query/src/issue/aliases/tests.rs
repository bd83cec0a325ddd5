#![allow(clippy::unwrap_used)]
use super::*;
use proptest::prelude::*;

/// A short name as an id.
fn hex(name: u8) -> String {
    IssueId([name; 16]).to_string()
}

fn fact(target: u8, issues: &[u8], removed: bool, rule: &str) -> AliasRow {
    let said = AliasFact { issues: issues.iter().copied().map(hex).collect(), removed, rule: rule.to_owned() };
    AliasRow { issue: hex(target), value: serde_json::to_string(&said).unwrap(), author: "7".to_owned(), changed_ms: 5 }
}

fn merged(target: u8, issues: &[u8]) -> AliasRow {
    fact(target, issues, false, "")
}

fn apart(target: u8, issues: &[u8]) -> AliasRow {
    fact(target, issues, true, "")
}

fn shown(facts: &[AliasRow], issues: &[u8]) -> Vec<String> {
    let aliases = Aliases::fold(facts);
    issues.iter().map(|issue| aliases.canonical(&hex(*issue)).to_owned()).collect()
}

#[test]
fn parts_are_shown_as_what_they_were_merged_into_and_as_themselves_again() {
    let mut facts = vec![merged(9, &[1, 2])];
    assert_eq!(shown(&facts, &[1, 2, 3, 9]), [hex(9), hex(9), hex(3), hex(9)]);
    facts.push(apart(9, &[1]));
    assert_eq!(shown(&facts, &[1, 2]), [hex(1), hex(9)]);
    facts.push(merged(9, &[1]));
    assert_eq!(shown(&facts, &[1, 2]), [hex(9), hex(9)]);
}

#[test]
fn chains_are_followed_and_come_apart_where_they_were_made() {
    let mut facts = vec![merged(2, &[1]), merged(3, &[2])];
    assert_eq!(shown(&facts, &[1, 2]), [hex(3), hex(3)]);
    facts.push(apart(3, &[2]));
    assert_eq!(shown(&facts, &[1, 2, 3]), [hex(2), hex(2), hex(3)]);
}

#[test]
fn of_two_that_contradict_each_other_the_last_one_wins() {
    assert_eq!(shown(&[merged(2, &[1]), merged(1, &[2])], &[1, 2]), [hex(1), hex(1)]);
    assert_eq!(shown(&[merged(1, &[2]), merged(2, &[1])], &[1, 2]), [hex(2), hex(2)]);
    // 1 is below 2 and 2 below 3: 1 takes the place of 2.
    assert_eq!(shown(&[merged(2, &[1]), merged(3, &[2]), merged(1, &[2])], &[1, 2, 3]), [hex(3), hex(3), hex(3)]);
    // 1 → 2 → 3 → 1: nothing falls out of the circle.
    assert_eq!(shown(&[merged(2, &[1]), merged(3, &[2]), merged(1, &[3])], &[1, 2, 3]), [hex(1), hex(1), hex(1)]);
}

#[test]
fn a_rule_never_overrules_a_person() {
    let rule = |target, issue| fact(target, &[issue], false, "other_grouping");
    assert_eq!(shown(&[rule(2, 1)], &[1]), [hex(2)]);
    assert_eq!(shown(&[rule(2, 1), apart(2, &[1]), rule(2, 1), rule(1, 2)], &[1, 2]), [hex(1), hex(2)]);
    assert_eq!(shown(&[merged(3, &[1]), rule(2, 1)], &[1]), [hex(3)]);
    assert_eq!(shown(&[merged(2, &[1]), rule(1, 2)], &[1, 2]), [hex(2), hex(2)], "nor does it turn an issue round");
}

#[test]
fn what_cannot_be_read_says_nothing() {
    let broken = AliasRow { value: "{".to_owned(), ..merged(2, &[1]) };
    let nameless = AliasRow { issue: "崩溃".to_owned(), ..merged(2, &[1]) };
    let strange = AliasRow { value: r#"{"issues":["崩溃"]}"#.to_owned(), ..merged(2, &[1]) };
    assert_eq!(Aliases::fold(&[broken, nameless, strange, merged(1, &[1])]).parts(), 0);
}

#[test]
fn members_are_an_issue_and_its_parts() {
    let aliases = Aliases::fold(&[merged(9, &[1, 2]), merged(8, &[3])]);
    let members = aliases.members(&[hex(9), hex(7)]);
    assert_eq!(members.issues, IdList::of(&[hex(9), hex(7), hex(1), hex(2)]));
    assert_eq!(members.aliases, AliasLists { sources: IdList::of(&[hex(1), hex(2)]), targets: IdList::of(&[hex(9), hex(9)]) });
    assert_eq!(aliases.groups().clone().into_iter().collect::<Vec<_>>(), [(hex(8), vec![hex(3)]), (hex(9), vec![hex(1), hex(2)])]);
    let all = AliasLists { sources: IdList::of(&[hex(3), hex(1), hex(2)]), targets: IdList::of(&[hex(8), hex(9), hex(9)]) };
    assert_eq!(aliases.lists(), &all);
}

proptest! {
    /// Whatever is stated, every issue is shown as one that is shown as itself.
    #[test]
    fn there_is_never_a_circle(stated in proptest::collection::vec((0_u8..6, 0_u8..6, any::<bool>(), any::<bool>()), 0..40)) {
        let rule = |by_rule: bool| if by_rule { "r" } else { "" };
        let facts: Vec<AliasRow> = stated.iter().map(|(target, issue, removed, by_rule)| fact(*target, &[*issue], *removed, rule(*by_rule))).collect();
        let aliases = Aliases::fold(&facts);
        for issue in (0..6).map(hex) {
            let shown = aliases.canonical(&issue);
            prop_assert_eq!(aliases.canonical(shown), shown);
        }
        // The last word of a person holds.
        if let Some((target, issue, false, false)) = stated.last().filter(|(target, issue, ..)| target != issue) {
            let (issue, target) = (hex(*issue), hex(*target));
            prop_assert_eq!(aliases.canonical(&issue), aliases.canonical(&target));
        }
    }
}
