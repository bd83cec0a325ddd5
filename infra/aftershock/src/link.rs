//! `aftershock link`: states which issues are one bug under two names, where the rules leave no choice (`processor::link`).
//!
//! A link is an alias fact like a merge, marked with its rule; whoever takes it apart has the last word. Its id is made of what it says:
//! stated again it is the same fact.

use crate::issues::{Engines, Error};
use crate::settings::Settings;
use processor::link::{FailureSite, IssueEvidence, Link, links};
use query::issue::aliases::{AliasFact, Aliases};
use query::issue::new_alias::NewAlias;
use query::journal::ChangeWriter;
use query::param::Target;
use serde_json::json;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What is asked for.
#[derive(clap::Args)]
pub struct Options {
    /// Only issues of this app
    #[arg(long, value_name = "ID")]
    app: Option<String>,
    /// Show the links and state none
    #[arg(long)]
    dry_run: bool,
}

/// Finds the links that do not hold yet and that nobody has ruled out, and states them; a line of JSON for each.
///
/// # Errors
/// Tables or log give no answer.
pub async fn run(settings: &Settings, options: &Options) -> Result<String, Error> {
    let engines = Engines::find(settings)?;
    let (reader, writer) = (engines.reader(), ChangeWriter::new(&engines.log, "aftershock-link")?);
    let mut shown = String::new();
    for app in engines.apps(options.app.as_deref()).await? {
        let mut known: BTreeMap<u8, Aliases> = BTreeMap::new();
        for link in links(&reader.evidence(&app).await?.into_iter().map(evidence).collect::<Vec<_>>()) {
            let aliases = match known.entry(link.platform_id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(reader.aliases(&app, link.platform_id).await?),
            };
            if aliases.canonical(&link.issue) == aliases.canonical(&link.target) || aliases.forbid(&link.issue, &link.target) {
                continue;
            }
            if let Some(alias) = alias(&app, &link).filter(|_| !options.dry_run) {
                // With 0: whatever is known, a link is the same fact.
                writer.append(&alias.change(0)).await?;
            }
            let line = json!({"app": app, "platform": link.platform_id, "into": link.target, "issue": link.issue, "rule": link.rule, "stated": !options.dry_run});
            shown = shown + &line.to_string() + "\n";
        }
    }
    Ok(shown)
}

/// A link as an alias fact of its rule; none where the tables hold an id that is not one.
fn alias(app: &str, link: &Link) -> Option<NewAlias> {
    Some(NewAlias {
        target: Target { app: app.to_owned(), platform: link.platform_id },
        issue: link.target.parse().ok()?,
        fact: AliasFact { issues: vec![link.issue.clone()], removed: false, rule: link.rule.to_owned() },
        author: String::new(),
        now: now(),
    })
}

fn evidence(row: query::issue::evidence::Evidence) -> IssueEvidence {
    let site = FailureSite {
        platform_id: row.platform_id,
        category: row.category,
        kind: row.kind,
        exception: row.exp_name,
        app_stack_hash: row.app_stack_hash,
    };
    IssueEvidence {
        issue: row.issue,
        grouping: (row.grouping_version, row.grouping_rules),
        site,
        stack_hash: row.stack_hash,
        is_chosen: row.is_chosen > 0,
        first_ms: row.first_ms,
        versions: row.versions,
    }
}

/// Unix milliseconds.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
