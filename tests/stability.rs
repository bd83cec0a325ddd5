//! What another build, machine or user changes in a report must not change its issue: real reports (skipped where they are absent),
//! each changed in one way, grouped before and after.

use crate::harness::shared_data;
use flate2::read::GzDecoder;
use processor::Rules;
use processor::group::line;
use serde_json::Value;
use std::io::{BufRead, BufReader};

/// The share of reports that must stay in their issue.
const GOAL: f64 = 0.98;

type Change = fn(&str, u64) -> String;

/// What is changed: its name, in the stack or in the message (and where the stack repeats that), and how.
const CHANGES: [(&str, bool, Change); 7] = [
    ("line numbers", true, lines_shifted),
    ("lambdas and proxies", true, counters_changed),
    ("addresses", true, addresses_changed),
    ("user names in paths", true, users_changed),
    ("ids in messages", false, ids_changed),
    ("addresses in messages", false, addresses_changed),
    ("paths in messages", false, paths_moved),
];

#[test]
fn another_build_machine_or_user_is_the_same_issue() {
    let Some(file) = shared_data().map(|data| data.join("load/seeds_dev.jsonl.gz")).filter(|file| file.is_file()) else {
        println!("skipped: no real reports beside the project");
        return;
    };
    let reader = BufReader::new(GzDecoder::new(std::fs::File::open(file).unwrap()));
    let seeds: Vec<Value> = reader.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    let (mut all, mut same) = (0, 0);
    for (name, is_stack, change) in CHANGES {
        let (mut changed, mut kept) = (0, 0);
        for (number, seed) in seeds.iter().enumerate() {
            let other = altered(seed, is_stack, |text| change(text, number as u64));
            if other != *seed {
                changed += 1;
                kept += usize::from(issue(seed) == issue(&other));
            }
        }
        println!("{name:<24} {kept:>5} of {changed:>5} in their issue, {:.4}", kept as f64 / f64::from(changed.max(1) as u32));
        assert!(changed > 10, "{name}: too few reports have any");
        (all, same) = (all + changed, same + kept);
    }
    let share = f64::from(same as u32) / f64::from(all as u32);
    println!("all {share:.4}");
    assert!(share >= GOAL, "{share:.4} of the reports stay in their issue");
}

fn issue(report: &Value) -> Value {
    let answer: Value = serde_json::from_str(&line(&report.to_string(), &Rules::default())).unwrap();
    answer["issue"].clone()
}

/// A report with its stack, or its message there and in the stack, in another form.
fn altered(report: &Value, is_stack: bool, change: impl Fn(&str) -> String) -> Value {
    let mut other = report.clone();
    let (stack, message) = (report["stack"].as_str().unwrap_or(""), report["message"].as_str().unwrap_or(""));
    if is_stack {
        other["stack"] = if stack.is_empty() { report["stack"].clone() } else { change(stack).into() };
    } else if message.len() > 3 {
        let moved = change(message);
        other["stack"] = if stack.is_empty() { report["stack"].clone() } else { stack.replace(message, &moved).into() };
        other["message"] = moved.into();
    }
    other
}

/// Replaces runs of characters that `is_run` accepts where `wanted` accepts what stands before and the run itself.
fn replaced(text: &str, is_run: fn(char) -> bool, wanted: impl Fn(&str, &str) -> bool, with: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_run) {
        let run = &rest[start..];
        let run = &run[..run.find(|c| !is_run(c)).unwrap_or(run.len())];
        out.push_str(&rest[..start]);
        let is_wanted = wanted(&out, run);
        out.push_str(&if is_wanted { with(run) } else { run.to_owned() });
        rest = &rest[start + run.len()..];
    }
    out.push_str(rest);
    out
}

/// `Cart.java:12`, `cart.cc:12:3`, `"cart.py", line 12`, `Cart.cs:line 12`.
fn lines_shifted(text: &str, seed: u64) -> String {
    let ends_in_file = |before: &str| {
        let place = before.strip_suffix(':').unwrap_or("");
        let ending = place.rsplit(['.', ' ', '(', '/']).next().unwrap_or("");
        place.ends_with(|c: char| c.is_ascii_alphabetic()) && place[..place.len() - ending.len()].ends_with('.') && ending.len() <= 6
    };
    let wanted = |before: &str, _: &str| before.ends_with(", line ") || before.ends_with(":line ") || ends_in_file(before);
    replaced(text, |c| c.is_ascii_digit(), wanted, |run| (run.parse::<u64>().unwrap_or(0) + 3 + seed % 40).to_string())
}

/// `lambda$pay$3`, `$$Lambda$14`, `$Proxy12`, `GeneratedMethodAccessor7`.
fn counters_changed(text: &str, seed: u64) -> String {
    const BEFORE: [&str; 4] = ["$$Lambda$", "$Proxy", "GeneratedMethodAccessor", "GeneratedConstructorAccessor"];
    let is_lambda = |before: &str| {
        let name = before.strip_suffix('$').unwrap_or("");
        name.rfind("lambda$").is_some_and(|at| name[at + 7..].chars().all(char::is_alphanumeric))
    };
    let wanted = |before: &str, _: &str| BEFORE.iter().any(|end| before.ends_with(end)) || is_lambda(before);
    replaced(text, |c| c.is_ascii_digit(), wanted, |run| (run.parse::<u64>().unwrap_or(0) + 1 + seed % 9).to_string())
}

fn addresses_changed(text: &str, seed: u64) -> String {
    let wanted = |before: &str, run: &str| before.ends_with("0x") && run.len() >= 6;
    replaced(text, |c| c.is_ascii_hexdigit(), wanted, |run| scrambled(run, seed))
}

fn users_changed(text: &str, _: u64) -> String {
    let is_name = |c: char| !matches!(c, '/' | '\\' | '\n' | '"' | ':');
    let wanted = |before: &str, _: &str| ["/home/", "/Users/", ":\\Users\\"].iter().any(|end| before.ends_with(end));
    replaced(text, is_name, wanted, |_| "xiao.li".to_owned())
}

/// Runs of digits that are too long for a code.
fn ids_changed(text: &str, seed: u64) -> String {
    replaced(text, |c| c.is_ascii_digit(), |_, run| run.len() >= 5, |run| scrambled(run, seed))
}

/// `/var/data/a.txt` → `/mnt/disk7/var/data/a.txt`.
fn paths_moved(text: &str, _: u64) -> String {
    let wanted = |before: &str, run: &str| {
        (before.is_empty() || before.ends_with([' ', '\'', '"', '(', '=', ':']))
            && run.starts_with('/')
            && !run.starts_with("//")
            && run[1..].contains('/')
    };
    replaced(
        text,
        |c| !c.is_whitespace() && !matches!(c, '\'' | '"' | '(' | ')' | '=' | ':' | ','),
        wanted,
        |run| format!("/mnt/disk7{run}"),
    )
}

/// Other digits in the places of digits, and letters of letters.
fn scrambled(run: &str, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let other = |c: char| {
        state = state.rotate_left(13).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let pick = (state >> 40) as u8;
        match c {
            '0'..='9' => char::from(b'0' + pick % 10),
            'a'..='f' => char::from(b'a' + pick % 6),
            'A'..='F' => char::from(b'A' + pick % 6),
            _ => c,
        }
    };
    run.chars().map(other).collect()
}

#[test]
fn the_changes_change_what_they_say() {
    assert_eq!(lines_shifted("at a.B(Cart.java:12) b.cc:3:4 12:30", 0), "at a.B(Cart.java:15) b.cc:6:4 12:30");
    assert_eq!(counters_changed("lambda$pay$3 a$$Lambda$14/1", 0), "lambda$pay$4 a$$Lambda$15/1");
    assert_eq!(users_changed("C:\\Users\\张三\\a /home/x/b", 0), "C:\\Users\\xiao.li\\a /home/xiao.li/b");
    assert_eq!(paths_moved("open '/srv/订单/a' failed", 0), "open '/mnt/disk7/srv/订单/a' failed");
    assert!(addresses_changed("at 0x7fff0102", 3) != "at 0x7fff0102" && addresses_changed("code 0x12", 3) == "code 0x12");
}
