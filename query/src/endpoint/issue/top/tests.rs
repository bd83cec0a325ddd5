#![allow(clippy::unwrap_used)]
use super::*;
use serde_json::json;

/// 2023-12-08 13:45 in +08:00.
const NOW: i64 = 1_702_014_300_000;
/// Midnight of that day.
const TODAY: i64 = 1_701_964_800;

fn operation(keywords: &[&str]) -> TopIssues {
    let limits = Limits::default();
    TopIssues {
        zone: Zone::default(),
        limits,
        plain_device_sums: false,
        system_exit_keywords: keywords.iter().map(|keyword| (*keyword).to_owned()).collect(),
    }
}

fn understand(keywords: &[&str], parameters: serde_json::Value) -> Result<Query, String> {
    let target = Target { app: "a".to_owned(), platform: 1 };
    operation(keywords).understand(target, &serde_json::from_value(parameters).unwrap(), NOW).map_err(|error| error.to_string())
}

#[test]
fn the_window_is_a_day_or_several() {
    let days = |parameters| understand(&[], parameters).unwrap().days;
    assert_eq!(days(json!({})), TODAY..TODAY + DAY);
    assert_eq!(days(json!({"date": "20231208"})), TODAY..TODAY + DAY);
    assert_eq!(days(json!({"minDate": 20231207, "maxDate": "20231208"})), TODAY - DAY..TODAY + DAY);
    assert_eq!(days(json!({"minDate": "20231207"})), TODAY - DAY..TODAY);
    let refused = |parameters| understand(&[], parameters).err().unwrap();
    assert_eq!(refused(json!({"date": "today"})), "date: expected a day as yyyyMMdd");
    assert_eq!(refused(json!({"minDate": "20231208", "maxDate": "20231207"})), "maxDate: expected a day that is not before minDate");
    assert_eq!(refused(json!({"topIssueDataType": "x"})), "topIssueDataType: expected SystemExit or unSystemExit");
}

#[test]
fn the_last_hour_has_ended() {
    assert_eq!(understand(&[], json!({})).unwrap().last_hour(), TODAY + 12 * HOUR);
    assert_eq!(understand(&[], json!({"date": "20231201"})).unwrap().last_hour(), TODAY - 6 * DAY - HOUR);
}

#[test]
fn system_exits_are_told_by_keywords() {
    let exits = |keywords: &[&str], kind: &str| understand(keywords, json!({"topIssueDataType": kind})).unwrap().exits;
    assert_eq!(exits(&[], "unSystemExit"), Exits::Both);
    assert_eq!(exits(&["退出"], "unSystemExit"), Exits::None);
    assert_eq!(exits(&["退出"], "SystemExit"), Exits::Only);
}

#[test]
fn the_version_is_named_after_what_was_asked() {
    let label = |parameters| understand(&[], parameters).unwrap().version_label();
    assert_eq!(label(json!({"version": "-1"})), "-1");
    assert_eq!(label(json!({"version": "1.0"})), "1.0");
    assert_eq!(label(json!({"versionList": ["1.0", "1.1"]})), "MERGED");
    assert_eq!(label(json!({"version": "1.*"})), "MERGED");
}
