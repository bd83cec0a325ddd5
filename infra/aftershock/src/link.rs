//! `aftershock link`: states which issues are one bug under two names, where the rules leave no choice (`processor::link`).
//!
//! A link is an alias fact like a merge, marked with its rule; whoever takes it apart has the last word. Its id is made of what it says:
//! stated again it is the same fact.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use processor::link::{FailureSite, IssueEvidence, Link, links};
use query::alias::{Aliases, Said};
use schemas::digest;
use schemas::ids::IssueId;
use schemas::record::{self, IssueChange, Record};
use serde_json::json;
use service::kafka::{Producer, ProducerOptions};

use crate::issues::{Engines, Error};
use crate::settings::Settings;

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

/// A row of the tables: issue, grouping version and rules, platform, category, kind, exception, both hashes in decimal, whether it was
/// chosen, first report, versions. More columns than the client takes as a tuple, so it comes as JSON.
type Row = (String, u16, u32, u8, String, String, String, String, String, u8, i64, Vec<String>);

/// Finds the links that do not hold yet and that nobody has ruled out, and states them; a line of JSON for each.
///
/// # Errors
/// Tables or log give no answer.
pub async fn run(settings: &Settings, options: &Options) -> Result<String, Error> {
    let engines = Engines::find(settings)?;
    let producer = Producer::new(&engines.log, ProducerOptions { client_id: "aftershock-link".to_owned(), ..ProducerOptions::default() })?;
    let mut shown = String::new();
    for app in engines.apps(options.app.as_deref()).await? {
        let mut known: BTreeMap<u8, Aliases> = BTreeMap::new();
        for link in links(&evidence(&engines, &app).await?) {
            let aliases = match known.entry(link.platform_id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(engines.aliases(&app, link.platform_id).await?),
            };
            if aliases.canonical(&link.issue) == aliases.canonical(&link.target) || aliases.forbid(&link.issue, &link.target) {
                continue;
            }
            if !options.dry_run {
                state(&producer, &app, &link).await?;
            }
            let line = json!({"app": app, "platform": link.platform_id, "into": link.target, "issue": link.issue, "rule": link.rule, "stated": !options.dry_run});
            shown = shown + &line.to_string() + "\n";
        }
    }
    Ok(shown)
}

async fn evidence(engines: &Engines, app: &str) -> Result<Vec<IssueEvidence>, Error> {
    let sql = "select toJSONString((hex(issue_id), grouping_version, grouping_rules, platform_id, toString(category), toString(kind), exp_name, \
            toString(app_stack_hash), toString(stack_hash), max(startsWith(grouping_basis, 'rule ') or notEmpty(client_fingerprint)), \
            toUnixTimestamp64Milli(min(received_at)), groupUniqArray(toString(version)))) \
        from occurrences \
        where app_id = {app:String} and not is_system_stack and notEmpty(key_frame) and notEmpty(exp_name) \
        group by issue_id, grouping_version, grouping_rules, platform_id, category, kind, exp_name, app_stack_hash, stack_hash \
        settings output_format_json_quote_64bit_integers = 0";
    let rows = engines.tables.reader().query_raw(sql).param("app", app).fetch_all::<String>().await;
    let rows = rows.map_err(service::clickhouse::Error::from)?;
    rows.iter().map(|row| Ok(one(serde_json::from_str(row).map_err(Error::Row)?))).collect()
}

fn one(row: Row) -> IssueEvidence {
    let (issue, version, rules, platform_id, category, kind, exception, app_stack, stack, chosen, first_ms, versions) = row;
    let site = FailureSite { platform_id, category, kind, exception, app_stack_hash: app_stack.parse().unwrap_or_default() };
    let stack_hash = stack.parse().unwrap_or_default();
    IssueEvidence { issue, grouping: (version, rules), site, stack_hash, is_chosen: chosen > 0, first_ms, versions }
}

async fn state(producer: &Producer, app: &str, link: &Link) -> Result<(), Error> {
    let Ok(issue_id) = link.target.parse::<IssueId>() else { return Ok(()) };
    let said = Said { issues: vec![link.issue.clone()], removed: false, rule: link.rule.to_owned() };
    let value = serde_json::to_string(&said).unwrap_or_default();
    let content = format!("alias|{}|{issue_id}|{value}", link.platform_id);
    let change = IssueChange {
        change_id: digest::change_id(app, content.as_bytes(), 0),
        app_id: app.to_owned(),
        platform_id: i32::from(link.platform_id),
        issue_id,
        kind: "alias".to_owned(),
        value,
        author: String::new(),
        changed_at: now(),
    };
    producer.send(IssueChange::TOPIC, &change.key(), &record::encode(&change)?)?.await?;
    Ok(())
}

/// Unix milliseconds.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
