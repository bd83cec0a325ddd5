#![allow(clippy::unwrap_used, clippy::panic)]
//! Every file of SQL says at its head what it takes, and takes nothing else.

use super::Bind;
use crate::endpoint::error;
use crate::issue::aliases::{AliasLists, Members};
use crate::param::{
    CategoryFilter, CountryFilter, DeviceFilter, ErrorFilter, ExceptionTypes, IssueFilter, ReportKey, Rows, Target, TimeRange,
    VersionFilter, Window,
};
use crate::trend;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn block<B: Bind>() -> (&'static str, &'static [&'static str]) {
    (B::BLOCK, B::NAMES)
}

/// Every block by its name.
fn blocks() -> Vec<(&'static str, &'static [&'static str])> {
    vec![
        block::<AliasLists>(),
        block::<CategoryFilter>(),
        block::<CountryFilter>(),
        block::<DeviceFilter>(),
        block::<ErrorFilter>(),
        block::<ExceptionTypes>(),
        block::<IssueFilter>(),
        block::<Members>(),
        block::<ReportKey>(),
        block::<Rows>(),
        block::<Target>(),
        block::<TimeRange>(),
        block::<VersionFilter>(),
        block::<Window>(),
        block::<error::Apps>(),
        block::<trend::Split>(),
    ]
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.path() {
            path if path.is_dir() => files(&path, found),
            path if path.extension().is_some_and(|end| end == "sql") => found.push(path),
            _ => {}
        }
    }
}

/// What stands after `label` in the comment at the head of a file, without what is in parentheses.
fn listed(head: &str, label: &str) -> Vec<String> {
    let comment: Vec<&str> = head.lines().map(|line| line.trim_start_matches("--").trim()).collect();
    let comment = comment.join("\n");
    let Some((_, rest)) = comment.split_once(label) else { return Vec::new() };
    let mut depth = 0;
    let mut list = String::new();
    for c in rest.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            '.' if depth == 0 => break,
            c if depth == 0 => list.push(c),
            _ => {}
        }
    }
    list.split(',').map(|name| name.trim().to_owned()).collect()
}

/// The names in `{name:Type}`.
fn parameters(sql: &str) -> BTreeSet<String> {
    let names = sql.split('{').skip(1).filter_map(|rest| rest.split_once(':')).map(|(name, _)| name.to_owned());
    names.collect()
}

#[test]
fn every_file_takes_what_its_head_says() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 20, "only {} files", found.len());
    let blocks = blocks();
    for file in found {
        let name = file.display();
        let text = std::fs::read_to_string(&file).unwrap();
        let head: String = text.lines().take_while(|line| line.starts_with("--")).map(|line| format!("{line}\n")).collect();
        let mut said: BTreeSet<String> = listed(&head, "Own:").into_iter().collect();
        for block in listed(&head, "Blocks:") {
            let names = blocks.iter().find(|(known, _)| *known == block).map(|(_, names)| *names);
            let names = names.unwrap_or_else(|| panic!("{name}: no block is called {block}"));
            said.extend(names.iter().map(|name| (*name).to_owned()));
        }
        assert_eq!(said, parameters(&text[head.len()..]), "{name}");
    }
}

#[test]
fn a_head_is_read() {
    let head = "-- Counts.\n-- Blocks: target, range (UTC, half open).\n-- Own: most (rows), seconds\n-- (of a bucket).\n";
    assert_eq!(listed(head, "Blocks:"), ["target", "range"]);
    assert_eq!(listed(head, "Own:"), ["most", "seconds"]);
    assert!(listed(head, "Projections:").is_empty());
    assert_eq!(parameters("select {a:String}, {b:DateTime('UTC')}, {a:String}").len(), 2);
}
