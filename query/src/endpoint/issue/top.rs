//! `getTopIssueEx`: the issues of a day or several, most affected devices first.

mod shape;

pub use shape::{TopIssue, TopIssuesParameters, TopList, TopVersion};

use super::daily_trend::days;
use super::issue_facts::{self, Facts, IssueVersion};
use super::{aliases, app_versions};
use crate::alias::Aliases;
use crate::config::Limits;
use crate::envelope::C;
use crate::error::{Error, invalid};
use crate::issue::Stated;
use crate::operation::{Asked, Operation, aside};
use crate::param::{self, Target, Versions, count, countries};
use crate::store::{Row, Statement, Store};
use crate::zone::{DAY, HOUR, Zone};
use schemas::record::Category;
use serde::Deserialize;
use service::http::Method;
use std::ops::Range;

/// Rows where none are asked for.
const PAGE: u32 = 20;

/// The list of top issues.
#[derive(Debug, Clone)]
pub struct TopIssues {
    pub zone: Zone,
    pub limits: Limits,
    pub plain_device_sums: bool,
    pub system_exit_keywords: Vec<String>,
}

#[derive(Debug, Clone, Row, Deserialize)]
struct Ranked {
    issue: String,
    crash_num: u64,
    crash_user: u64,
    earlier_num: u64,
    earlier_user: u64,
    last_hour_user: u64,
}

#[derive(Debug, Default, Row, Deserialize)]
struct WindowDevices {
    crash_devices: u64,
    access_devices: u64,
    earlier_crash_devices: u64,
    earlier_access_devices: u64,
}

/// A question with its parameters understood.
struct Query {
    target: Target,
    days: Range<i64>,
    category: Category,
    versions: Versions,
    countries: Vec<String>,
    exits: Exits,
    /// Add devices of versions up instead of merging them; the same for days.
    split_versions: bool,
    split_days: bool,
    limit: u32,
    now: i64,
}

/// Which issues by whether they are system exits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exits {
    Both = 0,
    Only = 1,
    None = 2,
}

impl Operation for TopIssues {
    const METHODS: &'static [Method] = &[Method::POST, Method::GET];
    crate::paths!("getTopIssueEx");
    const SUMMARY: &'static str = "Top issues of a day or several";
    type Envelope = C;
    type Parameters = TopIssuesParameters;
    type Answer = TopList;

    async fn answer(&self, asked: Asked<TopIssuesParameters>) -> Result<TopList, Error> {
        let Asked { target, parameters, now, store } = asked;
        let mut query = self.understand(target, &parameters, now)?;
        let range = query.before()..query.days.end;
        query.versions = app_versions::resolve(&store, &query.target, query.versions, range).await?;
        let aliases = aliases::fetch(&store, &query.target).await?;
        let (ranked, totals) = tokio::try_join!(self.ranked(&store, &query, &aliases), self.totals(&store, &query))?;
        let ids: Vec<String> = ranked.iter().map(|row| row.issue.clone()).collect();
        let mut known = issue_facts::fetch(&store, &query.target, &aliases, &ids).await?;
        let writer = self.clone();
        let write = move || {
            let known = ranked.into_iter().filter_map(|row| known.remove(&row.issue).map(|known| (row, known)));
            known.map(|(row, (facts, stated))| writer.write(&query, &row, facts, stated)).collect()
        };
        Ok(TopList {
            top_issue_list: aside(write).await?,
            crash_devices: totals.crash_devices,
            access_devices: totals.access_devices,
            prev_day_crash_devices: totals.earlier_crash_devices,
            prev_day_access_devices: totals.earlier_access_devices,
        })
    }
}

impl TopIssues {
    fn understand(&self, target: Target, parameters: &TopIssuesParameters, now: i64) -> Result<Query, Error> {
        let exits = match parameters.top_issue_data_type.as_deref() {
            None => Exits::Both,
            Some("SystemExit") => Exits::Only,
            // Nothing is a system exit: nothing has to be left out.
            Some("unSystemExit") if self.system_exit_keywords.is_empty() => Exits::Both,
            Some("unSystemExit") => Exits::None,
            Some(_) => return Err(invalid("topIssueDataType", "expected SystemExit or unSystemExit")),
        };
        Ok(Query {
            target,
            days: self.days(parameters, now)?,
            category: param::category(parameters.category.as_ref())?,
            versions: Versions::read(parameters.version.as_ref(), parameters.version_list.as_ref())?,
            countries: countries(parameters.country_list.as_ref()),
            exits,
            split_versions: self.plain_device_sums && parameters.merge_multiple_versions_with_inaccurate_result.unwrap_or_default().0,
            split_days: self.plain_device_sums && parameters.merge_multiple_dates_with_inaccurate_result.unwrap_or_default().0,
            limit: count("limit", parameters.limit, PAGE, self.limits.issues)?,
            now,
        })
    }

    fn days(&self, parameters: &TopIssuesParameters, now: i64) -> Result<Range<i64>, Error> {
        let TopIssuesParameters { date, min_date, max_date, .. } = parameters;
        match (date, min_date, max_date) {
            (_, Some(first), Some(last)) => days(("minDate", Some(first)), ("maxDate", Some(last)), self.zone, self.limits.days),
            (_, Some(day), None) => days(("minDate", Some(day)), ("minDate", Some(day)), self.zone, 1),
            (_, None, Some(day)) => days(("maxDate", Some(day)), ("maxDate", Some(day)), self.zone, 1),
            (Some(day), None, None) => days(("date", Some(day)), ("date", Some(day)), self.zone, 1),
            (None, None, None) => {
                let today = self.zone.midnight(now.div_euclid(1000));
                Ok(today..today + DAY)
            }
        }
    }

    async fn ranked(&self, store: &Store, query: &Query, aliases: &Aliases) -> Result<Vec<Ranked>, Error> {
        if query.exits == Exits::Only && self.system_exit_keywords.is_empty() {
            return Ok(Vec::new());
        }
        let statement = Statement::from_projections(include_str!("top_issues.sql"))
            .time("last_hour", query.last_hour())
            .flag("split_versions", query.split_versions)
            .flag("split_days", query.split_days)
            .integer("zone_seconds", self.zone.seconds())
            .unsigned("system_exit", query.exits as u8)
            .texts("keywords", &self.system_exit_keywords)
            .unsigned("limit", query.limit);
        Ok(store.fetch(aliases.bind(query.bind(statement))).await?)
    }

    async fn totals(&self, store: &Store, query: &Query) -> Result<WindowDevices, Error> {
        let statement = Statement::from_projections(include_str!("window_devices.sql"));
        Ok(store.first(query.bind(statement)).await?.unwrap_or_default())
    }

    fn write(&self, query: &Query, row: &Ranked, facts: Facts, stated: Stated) -> TopIssue {
        let system_exit = query.exits == Exits::Only || query.exits == Exits::Both && self.is_system_exit(&facts);
        let version = |version: IssueVersion| {
            let (system_exit_count, system_exit_device_count) = if system_exit { (version.count, version.device_count) } else { (0, 0) };
            TopVersion { version, system_exit_count, system_exit_device_count }
        };
        TopIssue {
            app_id: query.target.app.clone(),
            platform_id: query.target.platform,
            version: query.version_label(),
            date: if query.is_one_day() { self.zone.day_label(query.days.start) } else { String::new() },
            category: query.category.name(),
            first_upload_time: self.zone.milliseconds(facts.first_ms),
            crash_user: row.crash_user,
            crash_num: row.crash_num,
            accumulate_crash_num: facts.occurrences,
            accumulate_crash_user: facts.device_count,
            state: stated.status,
            processors: stated.processors,
            last_update_time: self.zone.milliseconds(facts.last_ms),
            issue_versions: facts.issue_versions(self.zone).into_iter().map(version).collect(),
            pre_day_crash_user: row.earlier_user,
            pre_day_crash_num: row.earlier_num,
            prev_hour_crash_devices: if query.is_one_day() { row.last_hour_user } else { 0 },
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
        self.system_exit_keywords.iter().any(|keyword| texts.iter().any(|text| text.contains(keyword.as_str())))
    }
}

impl Query {
    fn is_one_day(&self) -> bool {
        self.days.end - self.days.start == DAY
    }

    /// The hour of UTC that ended last, by the end of the window or by now.
    fn last_hour(&self) -> i64 {
        let end = self.now.div_euclid(1000).min(self.days.end);
        end - end.rem_euclid(HOUR) - HOUR
    }

    fn version_label(&self) -> String {
        match (self.versions.any(), self.versions.exact.as_slice(), self.versions.wildcards.is_empty()) {
            (true, _, _) => "-1".to_owned(),
            (false, [one], true) => one.clone(),
            (false, _, _) => "MERGED".to_owned(),
        }
    }

    /// Where the day before begins; several days have none.
    fn before(&self) -> i64 {
        if self.is_one_day() { self.days.start - DAY } else { self.days.start }
    }

    fn bind(&self, statement: Statement) -> Statement {
        self.versions
            .bind(statement)
            .text("app", &self.target.app)
            .unsigned("platform", self.target.platform)
            .text("category", self.category.name())
            .time("before", self.before())
            .time("from", self.days.start)
            .time("to", self.days.end)
            .texts("countries", &self.countries)
    }
}

#[cfg(test)]
mod tests;
