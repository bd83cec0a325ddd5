#![allow(clippy::unwrap_used)]
use super::*;
use crate::config::Config;
use crate::param::tests::{NOW, checked};
use crate::param::{Block, Context};
use serde_json::json;

fn exits(keywords: &[&str], kind: &str) -> Exits {
    let system_exit_keywords = keywords.iter().map(|keyword| (*keyword).to_owned()).collect();
    let settings = Settings::from(&Config { system_exit_keywords, ..Config::default() });
    let fields = serde_json::from_value(json!({"topIssueDataType": kind})).unwrap();
    Ranking::check(fields, &Context { settings: &settings, now: NOW }).unwrap().exits
}

#[test]
fn system_exits_are_told_by_keywords() {
    assert_eq!(exits(&[], "unSystemExit"), Exits::Both);
    assert_eq!(exits(&["退出"], "unSystemExit"), Exits::None);
    assert_eq!(exits(&["退出"], "SystemExit"), Exits::Only);
    let refused = checked::<Ranking>(json!({"topIssueDataType": "x"})).unwrap_err();
    assert_eq!(refused, "topIssueDataType: expected SystemExit or unSystemExit");
}

#[test]
fn a_list_has_as_many_rows_as_it_may() {
    let limit = |fields| checked::<Ranking>(fields).unwrap().limit;
    assert_eq!([limit(json!({})), limit(json!({"limit": 7})), limit(json!({"limit": 1_000_000}))], [20, 7, 500]);
}

#[test]
fn the_version_is_named_after_what_was_asked() {
    let label = |fields| version_label(&checked(fields).unwrap());
    assert_eq!(label(json!({"version": "-1"})), "-1");
    assert_eq!(label(json!({"version": "1.0"})), "1.0");
    assert_eq!(label(json!({"versionList": ["1.0", "1.1"]})), "MERGED");
    assert_eq!(label(json!({"version": "1.*"})), "MERGED");
}
