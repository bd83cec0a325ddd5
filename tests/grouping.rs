//! How well `aftershock group` groups, against labelled sets of real reports (skipped where they are absent).
//!
//! Prints a table and fails where a measure falls below its floor. The scores are those of the literature: BCubed precision and recall
//! (Amigó et al. 2009), grouping accuracy as the log parsing benchmarks define it (the share of events whose issue holds exactly
//! the events of their label). A floor is what was reached; a change that lowers one is a decision and moves the floor in the open.

use crate::harness::{binary, shared_data};
use serde_json::Value;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// What was reached on a set: BCubed precision and recall.
const FLOORS: [(&str, f64, f64); 10] = [
    ("apache_jira", 0.970, 0.999),
    ("casr", 0.999, 0.991),
    ("clusterfuzz", 0.959, 0.991),
    ("defects4j", 0.842, 0.763),
    ("defects4j_crash", 0.964, 0.930),
    ("eclipse_fixed", 0.961, 0.999),
    ("hmcl", 0.930, 0.665),
    ("loghub2k_errors", 0.999, 0.998),
    ("sentry_grouping", 0.839, 0.939),
    ("syzkaller", 0.958, 0.927),
];
/// Mean grouping accuracy over the systems of `loghub2k`.
const ACCURACY_FLOOR: f64 = 0.912;
/// Harmonic mean of precision (over three sets of crashes) and recall (over the one that has buckets).
const JOINT_FLOOR: f64 = 0.947;

/// One event: what it is labelled with, which issue it came to, which system it is of.
struct Event {
    bucket: String,
    issue: String,
    project: String,
}

#[derive(Debug, PartialEq)]
struct Score {
    precision: f64,
    recall: f64,
    accuracy: f64,
}

impl Score {
    fn f1(&self) -> f64 {
        harmonic(self.precision, self.recall)
    }
}

fn harmonic(a: f64, b: f64) -> f64 {
    if a + b > 0.0 { 2.0 * a * b / (a + b) } else { 0.0 }
}

/// BCubed by cells: an event's precision is the share of its issue that has its label, its recall the share of its label in its issue.
fn score<'a>(events: impl Iterator<Item = &'a Event>) -> Score {
    let (mut cells, mut buckets, mut issues) = (HashMap::new(), HashMap::new(), HashMap::new());
    for event in events {
        *cells.entry((&event.bucket, &event.issue)).or_insert(0.0) += 1.0;
        *buckets.entry(&event.bucket).or_insert(0.0) += 1.0;
        *issues.entry(&event.issue).or_insert(0.0) += 1.0;
    }
    let all: f64 = buckets.values().sum();
    let mut sums = Score { precision: 0.0, recall: 0.0, accuracy: 0.0 };
    for ((bucket, issue), both) in &cells {
        let (of_bucket, of_issue): (f64, f64) = (buckets[bucket], issues[issue]);
        sums.precision += both * both / of_issue / all;
        sums.recall += both * both / of_bucket / all;
        if *both == of_bucket && *both == of_issue {
            sums.accuracy += both / all;
        }
    }
    sums
}

fn json_lines(reader: impl std::io::Read) -> impl Iterator<Item = Value> {
    BufReader::new(reader).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Runs a set through the binary; every event must come back in its place.
fn grouped(folder: &Path) -> Vec<Event> {
    let input = folder.join("dev.input.jsonl");
    let mut child =
        Command::new(binary()).arg("group").stdin(File::open(&input).unwrap()).stdout(Stdio::piped()).spawn().expect("group starts");
    let answers: Vec<_> = json_lines(child.stdout.take().unwrap()).collect();
    assert!(child.wait().unwrap().success(), "group failed on {}", input.display());
    let buckets: HashMap<_, _> =
        json_lines(File::open(folder.join("dev.truth.jsonl")).unwrap()).map(|line| (text(&line["id"]), text(&line["bucket"]))).collect();
    let events: Vec<_> = json_lines(File::open(input).unwrap())
        .zip(&answers)
        .map(|(event, answer)| {
            assert_eq!(event["id"], answer["id"], "an answer is missing or out of place");
            let bucket = buckets[&text(&event["id"])].clone();
            Event { bucket, issue: text(&answer["issue"]), project: text(&event["project"]) }
        })
        .collect();
    assert_eq!((events.len(), answers.len()), (buckets.len(), buckets.len()), "{}", folder.display());
    events
}

fn mean_accuracy(events: &[Event]) -> f64 {
    let mut projects: Vec<_> = events.iter().map(|event| event.project.as_str()).collect();
    projects.sort_unstable();
    projects.dedup();
    let of = |project: &&str| score(events.iter().filter(|event| event.project == **project)).accuracy;
    projects.iter().map(of).sum::<f64>() / projects.len() as f64
}

#[test]
fn the_score_is_the_one_of_the_literature() {
    let event = |(bucket, issue): (&str, &str)| Event { bucket: bucket.into(), issue: issue.into(), project: String::new() };
    // Worked by hand: three of one bucket, two of another, one alone; issues of two.
    let events = [("1", "x"), ("1", "x"), ("1", "y"), ("2", "y"), ("2", "z"), ("3", "z")].map(event);
    let found = score(events.iter());
    assert!((found.precision - 4.0 / 6.0).abs() < 1e-12, "{found:?}");
    assert!((found.recall - (2.0 / 3.0 * 2.0 + 1.0 / 3.0 + 0.5 + 0.5 + 1.0) / 6.0).abs() < 1e-12, "{found:?}");
    assert!(found.accuracy.abs() < 1e-12);
    let perfect = [("1", "x"), ("1", "x"), ("2", "y")].map(event);
    assert!((score(perfect.iter()).accuracy - 1.0).abs() < 1e-12);
}

#[test]
fn grouping_stays_above_its_floors() {
    let Some(data) = shared_data().map(|data| data.join("grouping")).filter(|data| data.is_dir()) else {
        println!("skipped: no labelled sets beside the project");
        return;
    };
    let mut fallen = Vec::new();
    let mut check = |what: &str, found: f64, floor: f64| {
        if found < floor {
            fallen.push(format!("{what}: {found:.4} < {floor}"));
        }
    };
    println!("{:<16} {:>6} {:>9} {:>7} {:>7} {:>8}", "set", "events", "precision", "recall", "F1", "accuracy");
    let mut scores = HashMap::new();
    for (set, precision, recall) in FLOORS {
        let events = grouped(&data.join(set));
        let found = score(events.iter());
        row(set, events.len(), &found);
        check(&format!("{set} precision"), found.precision, precision);
        check(&format!("{set} recall"), found.recall, recall);
        scores.insert(set, found);
    }
    let logs = grouped(&data.join("loghub2k"));
    row("loghub2k", logs.len(), &score(logs.iter()));
    let accuracy = mean_accuracy(&logs);
    let precision = ["defects4j_crash", "eclipse_fixed", "apache_jira"].iter().map(|set| scores[set].precision).sum::<f64>() / 3.0;
    let joint = harmonic(precision, scores["defects4j_crash"].recall);
    println!("loghub2k mean accuracy over systems {accuracy:.4}\njoint Java F1 {joint:.4}");
    check("loghub2k mean accuracy", accuracy, ACCURACY_FLOOR);
    check("joint Java F1", joint, JOINT_FLOOR);
    assert!(fallen.is_empty(), "below the floor:\n{}", fallen.join("\n"));
}

fn row(set: &str, events: usize, found: &Score) {
    println!("{set:<16} {events:>6} {:>9.4} {:>7.4} {:>7.4} {:>8.4}", found.precision, found.recall, found.f1(), found.accuracy);
}
