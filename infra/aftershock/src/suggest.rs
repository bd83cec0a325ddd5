//! `aftershock suggest`: issues that look like one bug, for a person to judge. Nothing is merged by it.

use crate::group;
use crate::issues::{Engines, Error};
use crate::settings::Settings;
use processor::Rules;
use processor::group::{Grouping, Subject};
use processor::suggest::{Profile, nearest};
use serde_json::json;
use std::collections::{BTreeMap, HashSet};
use std::io::BufRead;

/// Issues of an app that are compared, those with the latest reports first.
const MOST: u32 = 5_000;

/// What is asked for.
#[derive(clap::Args)]
pub struct Options {
    /// Only issues of this app
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    /// At most so many suggestions for an issue
    #[arg(long, value_name = "K", default_value_t = 5)]
    top: usize,
    /// How much issues must have in common, 0 to 1
    #[arg(long, value_name = "S", default_value_t = 0.6)]
    min_score: f64,
    /// Compare the issues of JSONL reports on stdin, as `group` takes them, instead of those in the tables
    #[arg(long)]
    stdin: bool,
}

/// An issue by one of its reports.
struct Candidate {
    issue: String,
    signature: String,
    /// What came first is what the other would be merged into.
    first_ms: i64,
    profile: Profile,
}

/// Issues that may share one, by app, platform and category.
type Groups = BTreeMap<(String, u8, String), Vec<Candidate>>;

/// Suggests; a line of JSON for a pair, the nearest first.
///
/// # Errors
/// The tables or stdin cannot be read.
pub async fn run(settings: &Settings, options: &Options) -> Result<String, Error> {
    let rules = group::rules(settings)?;
    let mut groups = Groups::new();
    if options.stdin {
        from_stdin(&mut groups, &rules)?;
    } else {
        let engines = Engines::find(settings)?;
        for app in engines.apps(options.app.as_deref()).await? {
            from_tables(&mut groups, &engines, &app, &rules).await?;
        }
    }
    let mut lines = Vec::new();
    for ((app, platform, category), candidates) in &groups {
        for (score, into, other) in pairs(candidates, options) {
            let line = json!({"app": app, "platform": platform, "category": category, "score": (score * 1e4).round() / 1e4,
                "into": into.issue, "issue": other.issue, "intoSignature": into.signature, "signature": other.signature});
            lines.push((score, line.to_string()));
        }
    }
    lines.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    Ok(lines.into_iter().map(|(_, line)| line + "\n").collect())
}

/// Each pair once, whoever of the two is near the other.
fn pairs<'a>(candidates: &'a [Candidate], options: &Options) -> Vec<(f64, &'a Candidate, &'a Candidate)> {
    let profiles: Vec<Profile> = candidates.iter().map(|candidate| candidate.profile.clone()).collect();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (place, near) in nearest(&profiles, options.top, options.min_score).into_iter().enumerate() {
        for near in near {
            let (a, b) = (&candidates[place], &candidates[near.other]);
            let (into, other) = if (a.first_ms, &a.issue) <= (b.first_ms, &b.issue) { (a, b) } else { (b, a) };
            if into.issue != other.issue && seen.insert((&into.issue, &other.issue)) {
                found.push((near.score, into, other));
            }
        }
    }
    found
}

async fn from_tables(groups: &mut Groups, engines: &Engines, app: &str, rules: &Rules) -> Result<(), Error> {
    let reader = engines.reader();
    let reports = reader.latest(app, MOST).await?;
    let platforms: HashSet<u8> = reports.iter().map(|report| report.platform_id).collect();
    let mut aliases = BTreeMap::new();
    for platform in platforms {
        aliases.insert(platform, reader.aliases(app, platform).await?);
    }
    for report in reports {
        let subject = Subject {
            app_id: app,
            platform_id: report.platform_id,
            category: &report.category,
            exp_name: &report.exp_name,
            exp_message: &report.exp_message,
            stack: &report.call_stack,
            platform_text: &report.platform_text,
            app_version: &report.app_version,
            ..Subject::default()
        };
        let (grouping, profile) = Profile::of(&subject, rules);
        let shown = aliases.get(&report.platform_id).map_or(report.issue.as_str(), |aliases| aliases.canonical(&report.issue)).to_owned();
        let candidate = Candidate { issue: shown, signature: grouping.signature, first_ms: report.first_ms, profile };
        groups.entry((app.to_owned(), report.platform_id, report.category)).or_default().push(candidate);
    }
    Ok(())
}

fn from_stdin(groups: &mut Groups, rules: &Rules) -> Result<(), Error> {
    let mut known = HashSet::new();
    for (number, line) in std::io::stdin().lock().split(b'\n').enumerate() {
        let line = line?;
        let text = String::from_utf8_lossy(&line);
        let take = |subject: &Subject<'_>| {
            let (Grouping { issue_id, signature, .. }, profile) = Profile::of(subject, rules);
            let key = (subject.app_id.to_owned(), subject.platform_id, subject.category.to_owned());
            (key, Candidate { issue: hex(&issue_id), signature, first_ms: number as i64, profile })
        };
        let Some((key, candidate)) = processor::group::with_subject(&text, take) else { continue };
        if known.insert(candidate.issue.clone()) {
            groups.entry(key).or_default().push(candidate);
        }
    }
    Ok(())
}

/// As `aftershock group` writes ids.
fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
