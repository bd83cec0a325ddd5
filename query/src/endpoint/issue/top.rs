//! `getTopIssueEx`: the issues of a day or several, most affected devices first.

mod shape;

pub use shape::{Ranking, TopIssue, TopList, TopVersion};

use crate::config::Settings;
use crate::envelope::C;
use crate::error::Error;
use crate::issue::facts::{Facts, IssueVersion};
use crate::issue::{Issues, Shown};
use crate::operation::{Asked, Operation, Reads, off_worker};
use crate::param::{CategoryFilter, CountryFilter, Target, VersionFilter, Window};
use crate::sql;
use crate::store::{Row, Statement};
use serde::Deserialize;
use std::sync::Arc;

/// The list of top issues.
pub struct TopIssues;

/// A row of `top.sql`.
#[derive(Debug, Clone, Row, Deserialize)]
struct Ranked {
    issue: String,
    crash_num: u64,
    crash_user: u64,
    earlier_num: u64,
    earlier_user: u64,
    last_hour_user: u64,
}

/// A row of `window_devices.sql`.
#[derive(Debug, Default, Row, Deserialize)]
struct WindowDevices {
    crash_devices: u64,
    access_devices: u64,
    earlier_crash_devices: u64,
    earlier_access_devices: u64,
}

/// Which issues by whether they are system exits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exits {
    Both = 0,
    Only = 1,
    None = 2,
}

/// What is asked, with its parameters understood.
struct Query {
    target: Target,
    window: Window,
    category: CategoryFilter,
    versions: VersionFilter,
    countries: CountryFilter,
    ranking: Ranking,
    settings: Arc<Settings>,
    /// Unix milliseconds.
    now: i64,
}

impl Operation for TopIssues {
    const NAME: &'static str = "getTopIssueEx";
    const SUMMARY: &'static str = "Top issues of a day or several";
    type Uses = Reads;
    type Envelope = C;
    type Parameters = (Window, CategoryFilter, VersionFilter, CountryFilter, Ranking);
    type Answer = TopList;

    async fn answer(reads: &Reads, asked: Asked<Self>) -> Result<TopList, Error> {
        let (window, category, versions, countries, ranking) = asked.parameters;
        let versions = reads.resolve(&asked.target, versions, &window.with_day_before()).await?;
        let (target, settings, now) = (asked.target, reads.settings.clone(), asked.now);
        let query = Query { target, window, category, versions, countries, ranking, settings, now };
        let issues = reads.issues(&query.target).await?;
        let (ranked, totals) = tokio::try_join!(query.ranked(reads, &issues), query.totals(reads))?;
        let ids: Vec<String> = ranked.iter().map(|row| row.issue.clone()).collect();
        let mut shown = issues.shown(&ids).await?;
        let write = move || {
            let known = ranked.into_iter().filter_map(|row| shown.remove(&row.issue).map(|shown| (row, shown)));
            known.map(|(row, shown)| query.write(&row, shown)).collect()
        };
        Ok(TopList {
            top_issue_list: off_worker(write).await?,
            crash_devices: totals.crash_devices,
            access_devices: totals.access_devices,
            prev_day_crash_devices: totals.earlier_crash_devices,
            prev_day_access_devices: totals.earlier_access_devices,
        })
    }
}

impl Query {
    async fn ranked(&self, reads: &Reads, issues: &Issues) -> Result<Vec<Ranked>, Error> {
        let Ranking { limit, exits, split_versions, split_days } = self.ranking;
        if exits == Exits::Only && self.settings.system_exit_keywords.is_empty() {
            return Ok(Vec::new());
        }
        let statement = self
            .bind(sql!("top.sql"))
            .bind(issues.lists())
            .time("last_hour", self.window.last_hour(self.now))
            .flag("split_versions", split_versions)
            .flag("split_days", split_days)
            .integer("zone_seconds", self.settings.time_zone.seconds())
            .unsigned("system_exit", exits as u8)
            .texts("keywords", &self.settings.system_exit_keywords)
            .unsigned("limit", limit);
        Ok(reads.store.fetch(statement).await?)
    }

    async fn totals(&self, reads: &Reads) -> Result<WindowDevices, Error> {
        Ok(reads.store.first(self.bind(sql!("window_devices.sql"))).await?.unwrap_or_default())
    }

    fn bind(&self, statement: Statement) -> Statement {
        statement.bind(&self.target).bind(&self.window).bind(&self.category).bind(&self.versions).bind(&self.countries)
    }

    fn write(&self, row: &Ranked, shown: Shown) -> TopIssue {
        let Shown { facts, stated } = shown;
        let exits = self.ranking.exits;
        let system_exit = exits == Exits::Only || exits == Exits::Both && self.is_system_exit(&facts);
        let version = |version: IssueVersion| {
            let (system_exit_count, system_exit_device_count) = if system_exit { (version.count, version.device_count) } else { (0, 0) };
            TopVersion { version, system_exit_count, system_exit_device_count }
        };
        let (zone, is_one_day) = (self.settings.time_zone, self.window.is_one_day());
        TopIssue {
            app_id: self.target.app.clone(),
            platform_id: self.target.platform,
            version: version_label(&self.versions),
            date: if is_one_day { zone.day_label(self.window.0.start) } else { String::new() },
            category: self.category.name(),
            first_upload_time: zone.milliseconds(facts.first_ms),
            crash_user: row.crash_user,
            crash_num: row.crash_num,
            accumulate_crash_num: facts.occurrences,
            accumulate_crash_user: facts.device_count,
            state: stated.status,
            processors: stated.processors,
            last_update_time: zone.milliseconds(facts.last_ms),
            issue_versions: facts.issue_versions(zone).into_iter().map(version).collect(),
            pre_day_crash_user: row.earlier_user,
            pre_day_crash_num: row.earlier_num,
            prev_hour_crash_devices: if is_one_day { row.last_hour_user } else { 0 },
            is_system_exit: if system_exit { "true" } else { "false" },
            tags: stated.tags,
            bugs: stated.tickets,
            issue_id: facts.issue,
            exception_name: facts.exp_name,
            exception_message: facts.exp_message,
            key_stack: facts.key_frame,
        }
    }

    fn is_system_exit(&self, facts: &Facts) -> bool {
        let texts = [&facts.exp_name, &facts.exp_message, &facts.key_frame];
        self.settings.system_exit_keywords.iter().any(|keyword| texts.iter().any(|text| text.contains(keyword.as_str())))
    }
}

/// The version that the rows are of: the one that was asked for, "-1" for all, "MERGED" for several.
fn version_label(versions: &VersionFilter) -> String {
    match (versions.any(), versions.exact.as_slice(), versions.wildcards.is_empty()) {
        (true, _, _) => "-1".to_owned(),
        (false, [one], true) => one.clone(),
        (false, _, _) => "MERGED".to_owned(),
    }
}

#[cfg(test)]
mod tests;
