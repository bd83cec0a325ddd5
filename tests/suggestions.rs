//! How many of the pairs that belong together and were not grouped are suggested, on labelled sets (skipped where they are absent).
//!
//! Each pair of events with one label in two issues counts; it is found where one issue is among the nearest of the other. Precision is the
//! share of suggestions of some score whose issues share a label. A floor is what was reached.

use crate::harness::{binary, shared_data};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// Set, and a recall among the nearest 1, 5 and 10 that was passed with some room: what grouping finds by itself is no pair any more, and what is left is
/// harder.
const FLOORS: [(&str, [f64; 3]); 3] =
    [("defects4j", [0.10, 0.34, 0.46]), ("defects4j_crash", [0.50, 0.85, 0.85]), ("hmcl", [0.20, 0.35, 0.35])];
const NEAREST: [usize; 3] = [1, 5, 10];
/// Suggestions of this score are shown by default.
const SCORE: f64 = 0.6;
/// Share of them, over all sets, that are right.
const PRECISION_FLOOR: f64 = 0.15;

fn lines(arguments: &[&str], input: &Path) -> Vec<Value> {
    let child = Command::new(binary()).args(arguments).stdin(File::open(input).unwrap()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("the binary starts");
    let out = BufReader::new(child.stdout.take().unwrap());
    let lines = out.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert!(child.wait().unwrap().success(), "{arguments:?} failed on {}", input.display());
    lines
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Events of each label, by issue.
type Labels = BTreeMap<String, BTreeMap<String, u64>>;

fn labels(folder: &Path) -> Labels {
    let truth = BufReader::new(File::open(folder.join("dev.truth.jsonl")).unwrap()).lines();
    let truth = truth.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let labels: HashMap<String, String> = truth.map(|line| (text(&line["id"]), text(&line["bucket"]))).collect();
    let mut found = Labels::new();
    for answer in lines(&["group"], &folder.join("dev.input.jsonl")) {
        *found.entry(labels[&text(&answer["id"])].clone()).or_default().entry(text(&answer["issue"])).or_default() += 1;
    }
    found
}

fn pair(a: &str, b: &str) -> (String, String) {
    if a <= b { (a.to_owned(), b.to_owned()) } else { (b.to_owned(), a.to_owned()) }
}

/// Pairs of events of one label in two issues, by the pair of issues.
fn wanted(labels: &Labels) -> BTreeMap<(String, String), u64> {
    let mut wanted = BTreeMap::new();
    for issues in labels.values() {
        let issues: Vec<_> = issues.iter().collect();
        for (place, (a, in_a)) in issues.iter().enumerate() {
            issues[place + 1..].iter().for_each(|(b, in_b)| *wanted.entry(pair(a, b)).or_default() += *in_a * *in_b);
        }
    }
    wanted
}

fn suggested(folder: &Path, top: usize, min_score: f64) -> BTreeSet<(String, String)> {
    let (top, min_score) = (top.to_string(), min_score.to_string());
    let found = lines(&["suggest", "--stdin", "--top", &top, "--min-score", &min_score], &folder.join("dev.input.jsonl"));
    found.iter().map(|line| pair(line["into"].as_str().unwrap(), line["issue"].as_str().unwrap())).collect()
}

#[test]
fn suggestions_find_what_grouping_left_apart() {
    let Some(data) = shared_data().map(|data| data.join("grouping")).filter(|data| data.is_dir()) else {
        println!("skipped: no labelled sets beside the project");
        return;
    };
    let mut fallen = Vec::new();
    let (mut right, mut shown) = (0_usize, 0_usize);
    println!("{:<16} {:>6} {:>8} {:>8} {:>8} {:>10}", "set", "pairs", "@1", "@5", "@10", "precision");
    for (set, floors) in FLOORS {
        let folder = data.join(set);
        let wanted = wanted(&labels(&folder));
        let all: u64 = wanted.values().sum();
        let recall = NEAREST.map(|top| {
            let found = suggested(&folder, top, 0.0);
            wanted.iter().filter(|(pair, _)| found.contains(*pair)).map(|(_, events)| events).sum::<u64>() as f64 / all.max(1) as f64
        });
        let by_default = suggested(&folder, 5, SCORE);
        let good = by_default.iter().filter(|pair| wanted.contains_key(*pair)).count();
        (right, shown) = (right + good, shown + by_default.len());
        let precision = good as f64 / by_default.len().max(1) as f64;
        println!("{set:<16} {all:>6} {:>8.4} {:>8.4} {:>8.4} {precision:>10.4} of {}", recall[0], recall[1], recall[2], by_default.len());
        for ((found, floor), top) in recall.into_iter().zip(floors).zip(NEAREST) {
            if all > 0 && found < floor {
                fallen.push(format!("{set} recall@{top}: {found:.4} < {floor}"));
            }
        }
    }
    let precision = right as f64 / shown.max(1) as f64;
    println!("precision of suggestions above {SCORE}: {precision:.4} of {shown}");
    assert!(fallen.is_empty() && precision >= PRECISION_FLOOR, "below the floor: {precision:.4}\n{}", fallen.join("\n"));
}
