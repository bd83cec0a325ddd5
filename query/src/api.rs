//! The whole API as a list.

use crate::authenticate::Gate;
use crate::config::Config;
use crate::endpoint::active::Active;
use crate::endpoint::aliases::AliasList;
use crate::endpoint::crash_doc::CrashDoc;
use crate::endpoint::crash_list::CrashList;
use crate::endpoint::cumulative_trend::CumulativeTrend;
use crate::endpoint::daily_trend::DailyTrend;
use crate::endpoint::error_detail::ErrorDetail;
use crate::endpoint::error_list::ErrorList;
use crate::endpoint::hourly_trend::HourlyTrend;
use crate::endpoint::issue_info::IssueInfo;
use crate::endpoint::issue_list::IssueList;
use crate::endpoint::issue_merge::IssueMerge;
use crate::endpoint::issue_unmerge::IssueUnmerge;
use crate::endpoint::openapi::OpenApi;
use crate::endpoint::pipeline::Pipeline;
use crate::endpoint::release_list::ReleaseList;
use crate::endpoint::release_publish::ReleasePublish;
use crate::endpoint::release_withdraw::ReleaseWithdraw;
use crate::endpoint::top_issues::TopIssues;
use crate::journal::Journal;
use crate::operation::{Operation, Plain, Signed, Tailed};
use crate::param::bounds;
use crate::releases::Releases;
use crate::store::Store;
use serde_json::Value;
use service::http::{self, BoxFuture, Router};
use service::kafka::Admin;
use std::sync::Arc;

/// The log as this service sees it.
pub struct Log {
    /// Asks it about itself.
    pub admin: Admin,
    /// What is published in it.
    pub releases: Releases,
    /// Puts in it what is stated about issues.
    pub journal: Journal,
}

/// Every operation, a line each.
pub fn router(config: &Config, gate: &Gate, store: &Store, log: &Log) -> Router {
    let (zone, limits, plain_device_sums) = (config.time_zone, config.limits.clone(), config.plain_device_sums);
    let most_points = limits.points;
    let api = Api { router: Router::new("query"), gate: gate.clone(), store: store.clone() }
        .open(HourlyTrend { zone, plain_device_sums, most: limits.hours, most_points })
        .open(CumulativeTrend { zone, plain_device_sums, most: limits.cumulative_hours, most_points })
        .open(DailyTrend { zone, plain_device_sums, most: limits.days, most_points })
        .open(top_issues(config))
        .open(IssueList { zone, limits: limits.clone() })
        .open(IssueInfo { zone })
        .open(CrashList { zone, limits })
        .open(CrashDoc);
    let router = api
        .router
        .mount(ErrorList { gate: gate.clone(), store: store.clone() })
        .mount(ErrorDetail { gate: gate.clone(), store: store.clone() })
        .mount(AliasList { gate: gate.clone(), store: store.clone() })
        .mount(IssueMerge { gate: gate.clone(), journal: log.journal.clone() })
        .mount(IssueUnmerge { gate: gate.clone(), journal: log.journal.clone() })
        .mount(Pipeline { gate: gate.clone(), store: store.clone(), log: log.admin.clone() })
        .mount(Active { gate: gate.clone(), store: store.clone(), zone })
        .mount(ReleasePublish { gate: gate.clone(), releases: log.releases.clone() })
        .mount(ReleaseList { gate: gate.clone(), releases: log.releases.clone() })
        .mount(ReleaseWithdraw { gate: gate.clone(), releases: log.releases.clone() });
    let router = http::alive(router);
    let document = document(&router);
    router.mount(OpenApi(document))
}

/// The OpenAPI document of the operations, with the bounds of what they are asked.
pub fn document(router: &Router) -> Value {
    let mut document = router.openapi();
    bounds::describe(&mut document);
    document
}

/// Health and metrics, for those who operate the service.
pub fn admin(store: &Store) -> Router {
    http::health(Router::new("query-admin"), ready(store.clone()))
}

fn top_issues(config: &Config) -> TopIssues {
    TopIssues {
        zone: config.time_zone,
        limits: config.limits.clone(),
        plain_device_sums: config.plain_device_sums,
        system_exit_keywords: config.system_exit_keywords.clone(),
    }
}

/// A router to which operations of the OpenAPI are added.
struct Api {
    router: Router,
    gate: Gate,
    store: Store,
}

impl Api {
    /// Mounts an operation at its plain path and with key/value pairs after it.
    fn open<O: Operation>(self, operation: O) -> Self {
        let signed = Arc::new(Signed { gate: self.gate.clone(), store: self.store.clone(), operation });
        Self { router: self.router.mount(Plain(signed.clone())).mount(Tailed(signed)), ..self }
    }
}

/// Ready = the tables answer. Without the log only `/v1/admin/pipeline` fails.
fn ready(store: Store) -> impl Fn() -> BoxFuture<Result<(), String>> + Send + Sync + 'static {
    move || {
        let store = store.clone();
        Box::pin(async move { store.ping().await.map_err(|error| error.to_string()) })
    }
}

#[cfg(test)]
mod tests;
